/// Hashes short texts for tables in memory: the keys and names that a delivery looks up dozens of times.
///
/// The hash multiplies 16 bytes at a time, which takes a tenth of the time of `Hasher`. It is seeded with random numbers of this
/// process, so nobody can choose names that collide. Do not store it.
///
/// A type that uses it must compare the same bytes.
package enum TextHash {
  private static let seeds: (UInt64, UInt64) = (UInt64.random(in: .min ... .max) | 1, UInt64.random(in: .min ... .max) | 1)

  /// - Parameter seed: distinguishes tables, as `Hashable` passes it.
  package static func hash(of text: String, seed: Int = 0) -> Int {
    let known = text.utf8.withContiguousStorageIfAvailable { hash(of: UnsafeRawBufferPointer($0), seed: seed) }
    if let known { return known }
    var copy = text
    return copy.withUTF8 { hash(of: UnsafeRawBufferPointer($0), seed: seed) }
  }

  package static func hash(of bytes: UnsafeRawBufferPointer, seed: Int = 0) -> Int {
    let (first, second) = seeds
    var state = first ^ UInt64(truncatingIfNeeded: seed)
    let count = bytes.count
    var (head, tail): (UInt64, UInt64) = (0, 0)
    if count > 16 {
      for offset in stride(from: 0, to: count - 16, by: 16) {
        state = mix(bytes.word(at: offset) ^ second, bytes.word(at: offset + 8) ^ state)
      }
      (head, tail) = (bytes.word(at: count - 16), bytes.word(at: count - 8))
    } else if count >= 8 {
      (head, tail) = (bytes.word(at: 0), bytes.word(at: count - 8))
    } else {
      for byte in bytes { head = head << 8 | UInt64(byte) }
    }
    let mixed = mix(head ^ second, tail ^ state)
    return Int(truncatingIfNeeded: mix(mixed ^ first, UInt64(truncatingIfNeeded: count) ^ second))
  }

  /// Multiplies to 128 bits and joins the halves, so that each bit of the result depends on all bits of both words.
  private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}
