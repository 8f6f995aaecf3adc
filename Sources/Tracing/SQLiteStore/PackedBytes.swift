/// Encodes numbers as variable-length integers, and text with its length in front.
struct PackedWriter {
  var bytes: [UInt8] = []

  mutating func put(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Uses zigzag encoding, so that small negative numbers stay short.
  mutating func put(_ value: Int64) {
    put(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  mutating func put(_ text: String) {
    put(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func put(optional text: String?) {
    put(text == nil ? 0 : 1 as UInt64)
    if let text { put(text) }
  }
}

/// The bytes cannot have been written by a ``PackedWriter``.
package struct DamagedBytes: Error {}

/// A source of packed bytes.
package protocol PackedSource {
  mutating func byte() throws(DamagedBytes) -> UInt8
  mutating func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8]
}

extension PackedSource {
  package mutating func unsigned() throws(DamagedBytes) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let byte = try byte()
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw DamagedBytes()
  }

  package mutating func signed() throws(DamagedBytes) -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  package mutating func count() throws(DamagedBytes) -> Int {
    guard let count = Int(exactly: try unsigned()) else { throw DamagedBytes() }
    return count
  }

  package mutating func text() throws(DamagedBytes) -> String {
    String(decoding: try bytes(try count()), as: UTF8.self)
  }

  package mutating func optionalText() throws(DamagedBytes) -> String? {
    try unsigned() == 0 ? nil : try text()
  }
}

/// Reads packed bytes from memory.
struct PackedReader: PackedSource {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func byte() throws(DamagedBytes) -> UInt8 {
    guard let byte = rest.popFirst() else { throw DamagedBytes() }
    return byte
  }

  mutating func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8] {
    guard count <= rest.count else { throw DamagedBytes() }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}
