/// Reads the fields of one protocol buffers message, as far as responses of backends need it.
struct ProtobufReader {
  enum Value {
    case number(UInt64)
    case data(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  /// Returns the last value of each field, by field number; nil if the bytes are not a valid message.
  static func fields(of bytes: ArraySlice<UInt8>) -> [UInt64: Value]? {
    var reader = ProtobufReader(bytes)
    var fields: [UInt64: Value] = [:]
    while !reader.rest.isEmpty {
      guard let tag = reader.varint(), tag >> 3 > 0, let value = reader.value(ofType: tag & 7) else { return nil }
      fields[tag >> 3] = value
    }
    return fields
  }

  private mutating func value(ofType type: UInt64) -> Value? {
    switch type {
    case 0: varint().map { .number($0) }
    case 1: take(8).map { .data($0) }
    case 2: varint().flatMap { Int(exactly: $0) }.flatMap { take($0) }.map { .data($0) }
    case 5: take(4).map { .data($0) }
    default: nil
    }
  }

  private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      if shift < 64 { value |= UInt64(byte & 0x7F) << UInt64(shift) }
      if byte < 0x80 { return value }
    }
    return nil
  }
}

extension ProtobufReader.Value {
  var number: UInt64? {
    if case .number(let number) = self { number } else { nil }
  }

  var data: ArraySlice<UInt8>? {
    if case .data(let data) = self { data } else { nil }
  }

  var text: String? {
    data.flatMap { String(validating: $0, as: UTF8.self) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
