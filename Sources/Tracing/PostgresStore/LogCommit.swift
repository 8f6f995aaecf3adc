import SQLiteStore
import ValueStreamCore

/// A writer of the log. The nonce tells it from another one to whom a server that took over has given the same id again.
struct LogWriterIdentity: Hashable, Sendable {
  let id: UInt64
  let nonce: Int64

  var parameters: [PostgresValue] { [.integer(Int64(clamping: id)), .integer(nonce)] }
}

/// Deliveries that are appended together, as a row of the log stores them.
struct LogCommit: Sendable {
  let count: UInt64
  /// The bytes of the bodies.
  let bytes: Int64
  /// The newest receipt, in nanoseconds since 1970.
  let received: Int64
  /// The deliveries as in a segment of SQLite, compressed by themselves.
  let data: [UInt8]

  init(_ deliveries: [LoggedDelivery]) throws(StoreError) {
    count = UInt64(deliveries.count)
    bytes = deliveries.reduce(0) { $0 + Int64($1.delivery.body.count) }
    received = (deliveries.lazy.map(\.delivery.received).max() ?? .epoch).nanoseconds
    data = try StoreError.catching {
      let compressor = try FrameCompressor()
      compressor.startFrame()
      for logged in deliveries {
        try compressor.add(DeliveryPacking.head(of: logged))
        try compressor.add(logged.delivery.body)
      }
      return try compressor.finishCommit { $0 }
    }
  }

  /// The checksum of the row, of all that is read from it.
  func seal(writer: UInt64, first: UInt64) -> Int64 {
    StoredCommit.seal(
      writer: Int64(clamping: writer), first: Int64(clamping: first), count: Int64(clamping: count), bytes: bytes,
      received: received, data: data)
  }
}

/// A row of the log.
struct StoredCommit {
  let writer: UInt64
  let first: UInt64
  let count: UInt64
  let data: [UInt8]
  /// False if the row does not match its checksum. Rows from before there were checksums have none.
  let isSound: Bool

  static let columns = "writer, first, count, data, bytes, received, seal"
  static let columnCount: Int32 = 7

  /// Reads ``columns``.
  init(_ row: PostgresConnection.Row) {
    (writer, first, count) = (UInt64(clamping: row.int(0)), UInt64(clamping: row.int(1)), UInt64(clamping: row.int(2)))
    data = row.bytes(3)
    let seal = Self.seal(
      writer: row.int(0), first: row.int(1), count: row.int(2), bytes: row.int(4), received: row.int(5), data: data)
    isSound = row.optionalInt(6).map { $0 == seal } ?? true
  }

  /// The numbers of the deliveries; empty if the row is damaged so much that it has none.
  var numbers: Range<UInt64> { first..<max(first, first.addingReportingOverflow(count).partialValue) }

  static func seal(writer: Int64, first: Int64, count: Int64, bytes: Int64, received: Int64, data: [UInt8]) -> Int64 {
    Checksum.of([writer, first, count, bytes, received, Checksum.of(data)])
  }

  /// Unpacks the deliveries.
  ///
  /// - Throws: ``DamagedBytes`` if any of them cannot be read.
  func deliveries() throws -> [LogEntry] {
    guard isSound else { throw DamagedBytes() }
    var decompressor = try FrameDecompressor()
    decompressor.startFrame()
    decompressor.begin(data)
    var result: [LogEntry] = []
    for number in numbers {
      result.append(LogEntry(LogPosition(writer: writer, number: number), try DeliveryPacking.read(from: &decompressor)))
    }
    guard try decompressor.isAtEnd() else { throw DamagedBytes() }
    return result
  }
}
