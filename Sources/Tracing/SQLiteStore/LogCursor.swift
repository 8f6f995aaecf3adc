import ValueStreamCore

/// A place in a segment from which deliveries are read on, with its own connection and the state of the stream there.
final class LogCursor: @unchecked Sendable {  // One thread at a time: whoever took it from the log's pool.
  let segment: LogSegment
  /// Number of the delivery it gives next.
  private(set) var next: UInt64
  /// Number after the last delivery of the commit being read.
  private var commitEnd: UInt64
  /// The frame whose stream has been read, up to the row that comes next.
  private var stream: (frame: Int64, nextRow: UInt64)?
  private let connection: SQLiteConnection
  private let rows: SQLiteStatement
  private let frameRows: SQLiteStatement
  private var decompressor: FrameDecompressor

  /// - Parameter next: number of the first delivery to be read.
  init(_ segment: LogSegment, in directory: StoreDirectory, vfs: String?, next: UInt64) throws {
    self.segment = segment
    connection = try segment.open(in: directory, vfs: vfs)
    rows = try connection.prepare(
      "SELECT first, count, frame, checksum, data FROM delivery_commit WHERE first >= ?1 ORDER BY first")
    frameRows = try connection.prepare(
      "SELECT first, count, checksum, data FROM delivery_commit WHERE first >= ?1 AND first < ?2 ORDER BY first")
    decompressor = try FrameDecompressor()
    self.next = next
    commitEnd = next
    try seek(next)
  }

  /// Adds the deliveries that follow, until there are `limit` of them, or `byteLimit` bytes of body.
  func read(
    into result: inout [(position: LogPosition, logged: LoggedDelivery)], byteCount: inout Int, limit: Int, byteLimit: Int
  ) throws {
    // An open statement would keep the segment's write-ahead log from being used anew.
    defer { rows.reset() }
    var isStepping = false
    while result.count < limit, byteCount < byteLimit || result.isEmpty {
      if next == commitEnd {
        if !isStepping { rows.bind(1, Int64(clamping: next)) }
        isStepping = true
        guard try rows.step() else { return }
        try beginCommit()
      }
      let logged = try readable(next) { try DeliveryPacking.read(from: &decompressor) }
      result.append((LogPosition(rawValue: next), logged))
      byteCount += logged.delivery.body.count
      next += 1
      if next == commitEnd { try endCommit() }
    }
  }

  /// Goes to a delivery in the middle of a commit.
  private func seek(_ number: UInt64) throws {
    let statement = try connection.prepare(
      "SELECT first, count FROM delivery_commit WHERE first <= ?1 ORDER BY first DESC LIMIT 1")
    statement.bind(1, Int64(clamping: number))
    defer { statement.reset() }
    guard try statement.step() else { return }
    guard let range = CommitRow(first: statement.int(0), count: statement.int(1)) else { throw damage(at: number) }
    guard range.first < number, number < range.end else { return }
    rows.bind(1, statement.int(0))
    defer { rows.reset() }
    guard try rows.step() else { return }
    try beginCommit()
    while next < number {
      _ = try readable(next) { try DeliveryPacking.read(from: &decompressor) }
      next += 1
    }
  }

  /// Begins to read the current row, after everything in its frame that comes before it.
  private func beginCommit() throws {
    let (first, frame) = (rows.int(0), rows.int(2))
    guard let range = CommitRow(first: first, count: rows.int(1)), frame > 0, frame <= first else { throw damage(at: next) }
    if stream?.frame != frame || stream?.nextRow != range.first {
      decompressor.startFrame()
      if frame < first { try skipRows(from: frame, upTo: first) }
    }
    stream = (frame, range.end)
    (next, commitEnd) = (range.first, range.end)
    decompressor.begin(try checked(rows.bytes(4), checksum: rows.int(3), number: range.first))
  }

  /// A commit must be used up exactly.
  private func endCommit() throws {
    guard try readable(next - 1, { try decompressor.isAtEnd() }) else { throw damage(at: next - 1) }
  }

  private func skipRows(from frame: Int64, upTo end: Int64) throws {
    frameRows.bind(1, frame)
    frameRows.bind(2, end)
    defer { frameRows.reset() }
    while try frameRows.step() {
      let number = UInt64(clamping: frameRows.int(0))
      decompressor.begin(try checked(frameRows.bytes(3), checksum: frameRows.int(2), number: number))
      try readable(number) { try decompressor.skip() }
    }
  }

  private func checked(_ bytes: [UInt8], checksum: Int64, number: UInt64) throws -> [UInt8] {
    guard Checksum.of(bytes) == checksum else { throw damage(at: number) }
    return bytes
  }

  private func readable<Result>(_ number: UInt64, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch is DamagedBytes {
      throw damage(at: number)
    }
  }

  private func damage(at number: UInt64) -> StoreError {
    let nextFrame = try? connection.number("SELECT min(first) FROM delivery_commit WHERE first > \(number) AND frame = first")
    let rest = nextFrame.map { $0 > 0 ? "; what follows can be read from delivery \($0) on" : "" } ?? ""
    return StoreError(.corrupt, "\(connection.path): delivery \(number) is damaged\(rest)")
  }
}
