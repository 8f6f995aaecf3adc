import ValueStreamCore

/// Reads deliveries of a segment in order, with a connection and a decompression stream of its own.
///
/// It skips deliveries that cannot be read, reports them to ``LogGaps``, and continues with the next sound frame.
final class LogCursor: @unchecked Sendable {  // One thread at a time: the one that took it from the log's pool.
  let segment: LogSegment
  /// The number of the delivery that it returns next.
  private(set) var next: UInt64
  /// The number after the last delivery of the commit being read.
  private var commitEnd: UInt64
  /// The frame that the decompressor is in, and the row that it can continue with.
  private var stream: (frame: Int64, nextRow: UInt64)?
  /// A frame with a damaged row, which makes all later rows of the frame unreadable.
  private var brokenFrame: Int64?
  /// The start of a gap, if reading began in the middle of it.
  private var gapStart: UInt64?
  /// Why the next deliveries cannot be read; reported once the end of the gap is known.
  private var gapReason: String?
  private let isSealed: Bool
  private let connection: SQLiteConnection
  private let rows: SQLiteStatement
  private let frameRows: SQLiteStatement
  private var decompressor: FrameDecompressor
  private let gaps: LogGaps

  /// - Parameter next: the number of the first delivery to read.
  init(_ segment: LogSegment, in directory: StoreDirectory, vfs: String?, next: UInt64, gaps: LogGaps) throws {
    self.segment = segment
    self.gaps = gaps
    let header: LogSegment.Header
    (connection, header) = try segment.open(in: directory, vfs: vfs)
    isSealed = header.isSealed
    let columns = CommitRow.columns(isSealed: isSealed)
    rows = try connection.prepare(onOwnTables: "SELECT \(columns), data FROM delivery_commit WHERE first >= ?1 ORDER BY first")
    frameRows = try connection.prepare(
      onOwnTables: "SELECT \(columns), data FROM delivery_commit WHERE first >= ?1 AND first < ?2 ORDER BY first")
    decompressor = try FrameDecompressor()
    self.next = next
    commitEnd = next
    try seek(next)
  }

  /// Appends the deliveries that follow, up to `limit` of them and about `byteLimit` bytes of bodies, but at least one.
  ///
  /// - Parameters:
  ///   - byteCount: increases by the bytes of the bodies that were appended.
  ///   - end: the number after the last delivery that the segment must contain. If the rows end earlier, the rest is
  ///     reported as a gap.
  func read(
    into result: inout [LogEntry], byteCount: inout Int, limit: Int, byteLimit: Int,
    end: UInt64
  ) throws {
    // An open statement would keep SQLite from reusing the segment's write-ahead log.
    defer { rows.reset() }
    var isStepping = false
    while result.count < limit, byteCount < byteLimit || result.isEmpty {
      if next == commitEnd {
        if !isStepping { rows.bind(1, Int64(clamping: next)) }
        isStepping = true
        guard let row = try nextRow() else {
          passOver(upTo: end, "rows are missing")
          return
        }
        guard try beginCommit(row) else { continue }
      }
      do {
        let logged = try DeliveryPacking.read(from: &decompressor)
        // A commit must end exactly with its last delivery.
        if next + 1 == commitEnd { guard try decompressor.isAtEnd() else { throw DamagedBytes() } }
        result.append(LogEntry(LogPosition(rawValue: next), logged))
        byteCount += logged.delivery.body.count
        next += 1
      } catch is DamagedBytes {
        breakOff("delivery \(next) is damaged")
      }
    }
  }

  /// The number of the last row that ``nextRow()`` returned; 0 before the first.
  private var visited: UInt64 = 0

  /// Upper bound on rows without valid numbers in a row. A segment has fewer rows than this.
  private static let skippedRowLimit = 1_000_000

  /// Returns the next row with valid numbers; nil at the end of the segment.
  private func nextRow() throws -> CommitRow? {
    var probe: UInt64 = 1
    var last = max(next, visited)
    var skipped = 0
    while true {
      do throws(StoreError) {
        while try rows.step() {
          // A row behind a damaged page must not come again after the next search: it may not be readable, and nothing would end that.
          if let row = CommitRow(rows, isSealed: isSealed), row.first >= next, row.first > visited {
            visited = row.first
            return row
          }
          last = max(last, UInt64(clamping: rows.int(0)))
          gapReason = gapReason ?? "a row is damaged"
          // The pages of a damaged file may lead in a circle.
          skipped += 1
          guard skipped < Self.skippedRowLimit else { return nil }
        }
        return nil
      } catch {
        guard error.code == .corrupt else { throw error }
        // A page of the file is damaged. Look for the rows behind it by their numbers, in growing steps.
        gapReason = gapReason ?? error.message
        guard probe < LogSegment.greatestNumber, last < LogSegment.greatestNumber else { return nil }
        rows.bind(1, Int64(clamping: last + probe))
        probe *= 2
      }
    }
  }

  /// Reports the deliveries from the last one returned up to a number as a gap, if there are any, and continues there.
  private func passOver(upTo number: UInt64, _ reason: String) {
    if number > next {
      gaps.note(min(gapStart ?? next, next)..<number, reason: "\(connection.path): \(gapReason ?? reason)")
      (next, commitEnd) = (number, number)
    }
    gapReason = nil
    gapStart = nil
  }

  /// Gives up the rest of the commit and of its frame.
  private func breakOff(_ reason: String) {
    gapReason = gapReason ?? reason
    brokenFrame = stream?.frame
    stream = nil
    commitEnd = next
  }

  /// Moves to a delivery, which may be in the middle of a commit. If that commit cannot be read, continues after it.
  private func seek(_ number: UInt64) throws {
    let statement = try connection.prepare(
      onOwnTables: """
        SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit WHERE first <= ?1 ORDER BY first DESC
        """)
    statement.bind(1, Int64(clamping: number))
    defer { statement.reset() }
    do {
      var found: CommitRow?
      while found == nil, try statement.step() { found = CommitRow(statement, isSealed: isSealed) }
      guard let row = found, row.first < number, number < row.end else {
        // The number lies between two commits, or its row is missing.
        gapStart = found.map { $0.first < number ? $0.end : number } ?? segment.first
        return
      }
      statement.reset()
      rows.bind(1, Int64(clamping: row.first))
      defer { rows.reset() }
      next = row.first
      commitEnd = next
      guard try rows.step(), let row = CommitRow(rows, isSealed: isSealed), try beginCommit(row) else {
        (next, commitEnd) = (number, number)
        return
      }
      while next < number {
        _ = try DeliveryPacking.read(from: &decompressor)
        next += 1
      }
    } catch is DamagedBytes {
      breakOff("delivery \(next) is damaged")
      (next, commitEnd) = (number, number)
    } catch let error as StoreError where error.code == .corrupt {
      gapReason = error.message
      (next, commitEnd) = (number, number)
    }
  }

  /// Starts to read the current row of `rows`, after decompressing the rows before it in the same frame.
  ///
  /// - Returns: false if the row cannot be read.
  private func beginCommit(_ row: CommitRow) throws -> Bool {
    let first = Int64(clamping: row.first)
    guard row.frame != brokenFrame else {
      gapReason = gapReason ?? "a row that it follows is damaged"
      return false
    }
    if stream?.frame != row.frame || stream?.nextRow != row.first {
      decompressor.startFrame()
      guard try row.frame == first || skipRows(from: row.frame, upTo: first) else {
        brokenFrame = row.frame
        stream = nil
        gapReason = gapReason ?? "a row that it follows is damaged"
        return false
      }
    }
    let bytes = rows.bytes(6)
    guard Checksum.of(bytes) == row.checksum else {
      brokenFrame = row.frame
      stream = nil
      gapReason = gapReason ?? "delivery \(row.first) is damaged"
      return false
    }
    passOver(upTo: row.first, "rows are missing")
    stream = (row.frame, row.end)
    (next, commitEnd) = (row.first, row.end)
    decompressor.begin(bytes)
    return true
  }

  /// Decompresses the rows of a frame before a row.
  ///
  /// - Returns: false if one of them cannot be read; then the row cannot be decompressed either.
  private func skipRows(from frame: Int64, upTo end: Int64) throws -> Bool {
    frameRows.bind(1, frame)
    frameRows.bind(2, end)
    defer { frameRows.reset() }
    var expected = UInt64(clamping: frame)
    do {
      while try frameRows.step() {
        guard let row = CommitRow(frameRows, isSealed: isSealed), row.first == expected, row.frame == frame else { return false }
        let bytes = frameRows.bytes(6)
        guard Checksum.of(bytes) == row.checksum else { return false }
        decompressor.begin(bytes)
        try decompressor.skip()
        expected = row.end
      }
      return expected == UInt64(clamping: end)
    } catch is DamagedBytes {
      return false
    } catch let error as StoreError where error.code == .corrupt {
      return false
    }
  }
}
