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
package struct DamagedBytes: Error {
  package init() {}
}

/// A source of packed bytes.
package protocol PackedSource {
  mutating func byte() throws(DamagedBytes) -> UInt8
  mutating func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8]
  mutating func unsigned() throws(DamagedBytes) -> UInt64
}

extension PackedSource {
  package mutating func unsigned() throws(DamagedBytes) -> UInt64 { try longUnsigned() }

  /// Reads a number of any length byte by byte.
  package mutating func longUnsigned() throws(DamagedBytes) -> UInt64 {
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

  @inline(__always)
  package mutating func signed() throws(DamagedBytes) -> Int64 { Int64(zigzag: try unsigned()) }

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

extension Int64 {
  @inline(__always)
  fileprivate init(zigzag value: UInt64) {
    self = Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }
}

/// Reads packed bytes from memory. Valid only during the call that provides the bytes.
struct PackedReader: PackedSource {
  private let memory: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    memory = bytes
  }

  var isAtEnd: Bool { offset >= memory.count }

  @inline(__always)
  mutating func byte() throws(DamagedBytes) -> UInt8 {
    guard offset < memory.count else { throw DamagedBytes() }
    defer { offset += 1 }
    return memory[offset]
  }

  /// Most numbers have one byte. Reports read millions of them.
  @inline(__always)
  mutating func unsigned() throws(DamagedBytes) -> UInt64 {
    if offset < memory.count, memory[offset] < 0x80 {
      defer { offset += 1 }
      return UInt64(memory[offset])
    }
    guard memory.count - offset >= 8 else { return try longUnsigned() }
    // Most of the others have two to four.
    let bytes = UInt64(littleEndian: memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    var value = bytes & 0x7f
    for length in 2...8 as ClosedRange<UInt64> {
      let byte = bytes >> (8 * (length - 1)) & 0xff
      value |= (byte & 0x7f) << (7 * (length - 1))
      guard byte >= 0x80 else {
        offset += Int(length)
        return value
      }
    }
    return try longUnsigned()
  }

  /// Reads an unsigned number and a signed one, which usually have one byte each.
  @inline(__always)
  mutating func pair() throws(DamagedBytes) -> (unsigned: UInt64, signed: Int64) {
    if memory.count - offset >= 2 {
      let both = UInt16(littleEndian: memory.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      if both & 0x8080 == 0 {
        offset += 2
        return (UInt64(both & 0xff), Int64(zigzag: UInt64(both >> 8)))
      }
    }
    return (try unsigned(), try signed())
  }

  /// Passes over numbers.
  mutating func skip(_ count: Int) throws(DamagedBytes) {
    var rest = count
    // The last byte of a number is the only one without the greatest bit.
    while rest >= 8, memory.count - offset >= 8 {
      let bytes = memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      // Adds up the bits in the greatest byte, because not all processors count bits.
      let ends = (~bytes >> 7) & 0x0101_0101_0101_0101
      rest -= Int(truncatingIfNeeded: (ends &* 0x0101_0101_0101_0101) >> 56)
      offset += 8
    }
    while rest > 0 { if try byte() < 0x80 { rest -= 1 } }
  }

  mutating func bytes(_ count: Int) throws(DamagedBytes) -> [UInt8] {
    guard count >= 0, memory.count - offset >= count else { throw DamagedBytes() }
    defer { offset += count }
    return Array(memory[offset..<offset + count])
  }
}

extension [UInt8] {
  /// Calls `body` with a reader of these bytes.
  func read<Result>(_ body: (inout PackedReader) throws(DamagedBytes) -> Result) throws(DamagedBytes) -> Result {
    try withUnsafeBufferPointer { bytes throws(DamagedBytes) in
      var reader = PackedReader(UnsafeRawBufferPointer(bytes))
      return try body(&reader)
    }
  }
}
