/// Writes protocol buffers. Fields appear in the order of the calls.
///
/// The caller has to omit fields that have their default value.
///
/// Source: https://protobuf.dev/programming-guides/encoding.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  /// - Parameter capacity: The number of bytes to reserve, so that growing does not copy.
  init(capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  private enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  mutating func int(_ field: Int, _ value: Int64) {
    tag(field, .varint)
    varint(UInt64(bitPattern: value))
  }

  mutating func bool(_ field: Int, _ value: Bool) {
    tag(field, .varint)
    varint(value ? 1 : 0)
  }

  mutating func fixed64(_ field: Int, _ value: UInt64) {
    tag(field, .fixed64)
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func fixed32(_ field: Int, _ value: UInt32) {
    tag(field, .fixed32)
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func double(_ field: Int, _ value: Double) {
    fixed64(field, value.bitPattern)
  }

  mutating func string(_ field: Int, _ value: String) {
    tag(field, .lengthDelimited)
    var value = value
    value.withUTF8 { utf8 in
      varint(UInt64(utf8.count))
      bytes.append(contentsOf: utf8)
    }
  }

  mutating func data(_ field: Int, _ value: [UInt8]) {
    tag(field, .lengthDelimited)
    varint(UInt64(value.count))
    bytes += value
  }

  /// Writes a word as 8 bytes in big-endian order.
  mutating func id(_ field: Int, _ word: UInt64) {
    tag(field, .lengthDelimited)
    bytes.append(8)
    append(bigEndian: word)
  }

  /// Writes two words as 16 bytes in big-endian order.
  mutating func id(_ field: Int, _ high: UInt64, _ low: UInt64) {
    tag(field, .lengthDelimited)
    bytes.append(16)
    append(bigEndian: high)
    append(bigEndian: low)
  }

  /// Writes a nested message in place, after its length field.
  ///
  /// - Parameter size: The estimated length of the message. The default fits messages up to 127 bytes. If the length
  ///   field needs another number of bytes than estimated, the message is moved.
  mutating func message(_ field: Int, about size: Int = 0, _ write: (inout ProtobufWriter) -> Void) {
    tag(field, .lengthDelimited)
    let place = bytes.count
    varint(UInt64(size))
    let start = bytes.count
    write(&self)
    let count = bytes.count - start
    if count < 0x80, start == place + 1 {
      bytes[place] = UInt8(count)
    } else {
      var length = ProtobufWriter()
      length.varint(UInt64(count))
      bytes.replaceSubrange(place..<start, with: length.bytes)
    }
  }

  private mutating func append(bigEndian word: UInt64) {
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
  }

  private mutating func tag(_ field: Int, _ type: WireType) {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
