/// A fast, unseeded 128-bit multiplicative hash. Results are the same in every process, so they can be stored.
///
/// It distinguishes contents but is not collision-resistant: do not use it where an attacker gains from a collision.
struct ContentHasher {
  private var high: UInt64 = 0x9e37_79b9_7f4a_7c15
  private var low: UInt64 = 0xc2b2_ae3d_27d4_eb4f

  /// 64 bits of the hash.
  var value: UInt64 { high ^ high >> 29 ^ low }

  /// All 128 bits of the hash.
  var wide: (high: UInt64, low: UInt64) { (high ^ high >> 29, low ^ low >> 31) }

  mutating func add(_ word: UInt64) {
    let first = (high ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
    let second = (low &+ word).multipliedFullWidth(by: 0xe703_7ed1_a0b4_28db)
    high = first.high ^ first.low ^ word
    low = second.high &+ second.low &+ 0x8ebc_6af0_9c88_c6e3
  }

  mutating func add(_ word: Int64) {
    add(UInt64(bitPattern: word))
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(UInt64(bytes.count))
    let whole = bytes.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    guard whole < bytes.count else { return }
    if whole > 0 {
      // The last eight bytes, of which the first ones are hashed already.
      let last = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
      add(last >> (64 - 8 * UInt64(bytes.count - whole)))
    } else {
      var rest: UInt64 = 0
      for offset in stride(from: bytes.count - 1, through: 0, by: -1) { rest = rest << 8 | UInt64(bytes[offset]) }
      add(rest)
    }
  }

  mutating func add(_ text: String?) {
    guard let text else {
      add(Int64(-1))
      return
    }
    if text.utf8.withContiguousStorageIfAvailable({ add(UnsafeRawBufferPointer($0)) }) != nil { return }
    var copy = text
    copy.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  mutating func add<Element>(_ elements: [Element], _ addElement: (inout ContentHasher, Element) -> Void) {
    add(UInt64(elements.count))
    for element in elements { addElement(&self, element) }
  }
}
