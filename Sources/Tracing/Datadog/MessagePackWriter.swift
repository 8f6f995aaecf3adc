/// Writes MessagePack values in the order of the calls. Maps and lists start with their count.
///
/// Source: https://github.com/msgpack/msgpack/blob/master/spec.md.
struct MessagePackWriter {
  private(set) var bytes: [UInt8] = []

  /// - Parameter capacity: The number of bytes to reserve.
  init(capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  /// Begins a map. The caller then writes `count` pairs of a name and a value.
  mutating func map(_ count: Int) { head(count, short: 0x80, upTo: 15, wide: 0xDE, widest: 0xDF) }

  /// Begins a list. The caller then writes `count` values.
  mutating func list(_ count: Int) { head(count, short: 0x90, upTo: 15, wide: 0xDC, widest: 0xDD) }

  mutating func text(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      switch utf8.count {
      case 0...31: bytes.append(0xA0 | UInt8(utf8.count))
      case 32...0xFF:
        bytes.append(0xD9)
        bytes.append(UInt8(utf8.count))
      default: head(utf8.count, short: 0, upTo: -1, wide: 0xDA, widest: 0xDB)
      }
      bytes.append(contentsOf: utf8)
    }
  }

  mutating func unsigned(_ number: UInt64) {
    switch number {
    case 0...0x7F: bytes.append(UInt8(number))
    case 0...0xFF: big(0xCC, UInt8(number))
    case 0...0xFFFF: big(0xCD, UInt16(number))
    case 0...0xFFFF_FFFF: big(0xCE, UInt32(number))
    default: big(0xCF, number)
    }
  }

  mutating func signed(_ number: Int64) {
    if number >= 0 { unsigned(UInt64(number)) } else { big(0xD3, UInt64(bitPattern: number)) }
  }

  mutating func double(_ number: Double) { big(0xCB, number.bitPattern) }

  /// Appends values that are already encoded.
  mutating func written(_ values: [UInt8]) { bytes += values }

  private mutating func head(_ count: Int, short: UInt8, upTo limit: Int, wide: UInt8, widest: UInt8) {
    switch count {
    case ...limit: bytes.append(short | UInt8(count))
    case ...0xFFFF: big(wide, UInt16(count))
    default: big(widest, UInt32(clamping: count))
    }
  }

  private mutating func big(_ type: UInt8, _ number: some FixedWidthInteger) {
    bytes.append(type)
    for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }
}
