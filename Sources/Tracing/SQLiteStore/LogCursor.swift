import ValueStreamCore

/// A place in a segment from which deliveries are read on, with its own connection and the state of the stream there.
///
/// What cannot be read is passed over and told: reading goes on with the next frame that is sound.
final class LogCursor: @unchecked Sendable {  // One thread at a time: whoever took it from the log's pool.
  let segment: LogSegment
  /// Number of the delivery it gives next.
  private(set) var next: UInt64
  /// Number after the last delivery of the commit being read.
  private var commitEnd: UInt64
  /// The frame whose stream has been read, up to the row that comes next.
  private var stream: (frame: Int64, nextRow: UInt64)?
  /// The frame of which some row could not be read, and so none after it.
  private var brokenFrame: Int64?
  /// Where the gap begins in whose middle reading began.
  private var gapStart: UInt64?
  /// Why what comes next could not be read; told once it is known how far that goes.
  private var gapReason: String?
  private let isSealed: Bool
  private let connection: SQLiteConnection
  private let rows: SQLiteStatement
  private let frameRows: SQLiteStatement
  private var decompressor: FrameDecompressor
  private let gaps: LogGaps

  /// - Parameter next: number of the first delivery to be read.
  init(_ segment: LogSegment, in directory: StoreDirectory, vfs: String?, next: UInt64, gaps: LogGaps) throws {
    self.segment = segment
    self.gaps = gaps
    let header: LogSegment.Header
    (connection, header) = try segment.open(in: directory, vfs: vfs)
    isSealed = header.isSealed
    let columns = CommitRow.columns(isSealed: isSealed)
    rows = try connection.prepare("SELECT \(columns), data FROM delivery_commit WHERE first >= ?1 ORDER BY first")
    frameRows = try connection.prepare(
      "SELECT \(columns), data FROM delivery_commit WHERE first >= ?1 AND first < ?2 ORDER BY first")
    decompressor = try FrameDecompressor()
    self.next = next
    commitEnd = next
    try seek(next)
  }

  /// Adds the deliveries that follow, until there are `limit` of them, or `byteLimit` bytes of body.
  ///
  /// - Parameter end: number of the delivery after the last that must be in the segment.
  func read(
    into result: inout [(position: LogPosition, logged: LoggedDelivery)], byteCount: inout Int, limit: Int, byteLimit: Int,
    end: UInt64
  ) throws {
    // An open statement would keep the segment's write-ahead log from being used anew.
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
        // A commit must be used up exactly.
        if next + 1 == commitEnd { guard try decompressor.isAtEnd() else { throw DamagedBytes() } }
        result.append((LogPosition(rawValue: next), logged))
        byteCount += logged.delivery.body.count
        next += 1
      } catch is DamagedBytes {
        breakOff("delivery \(next) is damaged")
      }
    }
  }

  /// The next row whose numbers are right; nil at the end of the segment.
  private func nextRow() throws -> CommitRow? {
    var probe: UInt64 = 1
    var last = next
    while true {
      do throws(StoreError) {
        while try rows.step() {
          if let row = CommitRow(rows, isSealed: isSealed), row.first >= next { return row }
          last = max(last, UInt64(clamping: rows.int(0)))
          gapReason = gapReason ?? "a row is damaged"
        }
        return nil
      } catch {
        guard error.code == .corrupt else { throw error }
        // A page of the file: what stands behind it is found by its number.
        gapReason = gapReason ?? error.message
        guard probe < LogSegment.greatestNumber, last < LogSegment.greatestNumber else { return nil }
        rows.bind(1, Int64(clamping: last + probe))
        probe *= 2
      }
    }
  }

  /// Tells of what lies between the last delivery that was given and a number, and goes on there.
  private func passOver(upTo number: UInt64, _ reason: String) {
    if number > next {
      gaps.note(min(gapStart ?? next, next)..<number, reason: "\(connection.path): \(gapReason ?? reason)")
      (next, commitEnd) = (number, number)
    }
    gapReason = nil
    gapStart = nil
  }

  /// The rest of the commit cannot be read, nor the rest of its frame.
  private func breakOff(_ reason: String) {
    gapReason = gapReason ?? reason
    brokenFrame = stream?.frame
    stream = nil
    commitEnd = next
  }

  /// Goes to a delivery in the middle of a commit. Where that cannot be read, reading begins with what comes after it.
  private func seek(_ number: UInt64) throws {
    let statement = try connection.prepare(
      """
      SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit WHERE first <= ?1 ORDER BY first DESC
      """)
    statement.bind(1, Int64(clamping: number))
    defer { statement.reset() }
    do {
      var found: CommitRow?
      while found == nil, try statement.step() { found = CommitRow(statement, isSealed: isSealed) }
      guard let row = found, row.first < number, number < row.end else {
        // Between two commits, unless something is missing here.
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

  /// Begins to read the current row, after everything in its frame that comes before it.
  ///
  /// - Returns: false when it cannot be read.
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

  /// Reads what comes before a row in its frame: all of it, or the row cannot be understood.
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
