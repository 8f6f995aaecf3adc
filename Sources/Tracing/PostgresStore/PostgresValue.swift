/// A parameter of a statement, in the binary format of its type.
enum PostgresValue: Sendable {
  case null
  case integer(Int64)
  case boolean(Bool)
  case bytes([UInt8])
  case integers([Int64])
  case optionalIntegers([Int64?])
  case byteArrays([[UInt8]])
  case optionalByteArrays([[UInt8]?])

  init(_ value: Int64?) { self = value.map(PostgresValue.integer) ?? .null }
  init(_ text: String) { self = .bytes(Array(text.utf8)) }
  init(_ text: String?) { self = text.map { .bytes(Array($0.utf8)) } ?? .null }

  /// The object id of the type, as in the catalog `pg_type`.
  var type: UInt32 {
    switch self {
    case .null: 0
    case .integer: Self.int8
    case .boolean: 16
    case .bytes: Self.bytea
    case .integers, .optionalIntegers: 1016
    case .byteArrays, .optionalByteArrays: 1001
    }
  }

  private static let int8: UInt32 = 20
  private static let bytea: UInt32 = 17

  /// The bytes to send; nil for null.
  var encoded: [UInt8]? {
    switch self {
    case .null: nil
    case .integer(let value): Self.bigEndian(value)
    case .boolean(let value): [value ? 1 : 0]
    case .bytes(let bytes): bytes
    case .integers(let values):
      Self.array(values.count, hasNull: false, of: Self.int8) { index, bytes in
        Self.append(8 as Int32, to: &bytes)
        Self.append(values[index], to: &bytes)
      }
    case .optionalIntegers(let values):
      Self.array(values.count, hasNull: values.contains { $0 == nil }, of: Self.int8) { index, bytes in
        guard let value = values[index] else { return Self.append(-1 as Int32, to: &bytes) }
        Self.append(8 as Int32, to: &bytes)
        Self.append(value, to: &bytes)
      }
    case .byteArrays(let values):
      Self.array(values.count, hasNull: false, of: Self.bytea) { index, bytes in
        Self.append(Int32(clamping: values[index].count), to: &bytes)
        bytes += values[index]
      }
    case .optionalByteArrays(let values):
      Self.array(values.count, hasNull: values.contains { $0 == nil }, of: Self.bytea) { index, bytes in
        guard let value = values[index] else { return Self.append(-1 as Int32, to: &bytes) }
        Self.append(Int32(clamping: value.count), to: &bytes)
        bytes += value
      }
    }
  }

  /// An array of one dimension: the number of dimensions, a flag for nulls, the type of the elements, the number of
  /// elements, the first index, and each element with its length.
  private static func array(
    _ count: Int, hasNull: Bool, of type: UInt32, _ element: (Int, inout [UInt8]) -> Void
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    append(count == 0 ? 0 : 1 as Int32, to: &bytes)
    append(hasNull ? 1 : 0 as Int32, to: &bytes)
    append(Int32(bitPattern: type), to: &bytes)
    guard count > 0 else { return bytes }
    append(Int32(clamping: count), to: &bytes)
    append(1 as Int32, to: &bytes)
    for index in 0..<count { element(index, &bytes) }
    return bytes
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private static func bigEndian(_ value: Int64) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
