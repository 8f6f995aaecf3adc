import Synchronization
package import ValueStreamCore

/// The delivery log in a directory of SQLite files.
///
/// Deliveries have numbers from 1; a position is such a number. They are stored in segments of limited size. Each segment
/// is a database in WAL mode with `synchronous=FULL`, so the row of a commit is on disk before ``append(_:)`` returns. To
/// remove old deliveries, the log deletes whole segments. Readers have their own connections and never wait for the
/// writer.
package final class SQLiteDeliveryLog: DeliveryLog {
  package struct Options: Sendable {
    /// Size in bytes at which a segment is full and the next one starts.
    ///
    /// A segment exceeds it by less than a commit.
    package var segmentBytes: Int64 = 64 << 20
    /// Compressed bytes after which a new zstd frame starts.
    ///
    /// Reading one delivery decompresses at most about this much.
    package var frameBytes = 1 << 20
    /// Pages in the write-ahead log at which SQLite copies them into the database file.
    package var checkpointPages = 1000
    /// The name of the SQLite file layer (VFS); nil for that of the system.
    package var vfs: String?
    /// Receives a report for each range of deliveries that cannot be read.
    ///
    /// Reading in order skips them.
    package var damage = DamageReport()

    package init() {}
  }

  private let directory: StoreDirectory
  private let options: Options
  private let state: Mutex<State>
  private let writer: Mutex<Writing>
  private let gaps: LogGaps
  private let waiting: WriteWait
  /// Cursors of earlier reads, so that the next read can continue there cheaply; the most recently used is last.
  private let cursors = Mutex<[LogCursor]>([])

  /// The state of the writer that readers need.
  private struct State {
    /// Oldest first. The last one is the one being written.
    var segments: [LogSegment]
    var last: UInt64
  }

  /// The writer and its lock, which ``close()`` releases together.
  private struct Writing {
    var writer: LogWriter?
    var lock: DirectoryLock?
  }

  private static let idleCursorLimit = 4

  /// Opens the log and creates the directory if it does not exist.
  ///
  /// On a full or read-only disk, the log opens for reading, and for writing as soon as that is possible. A damaged
  /// newest segment stays as it is, and a new segment starts.
  ///
  /// - Throws: ``StoreError``: `busy` if another process has it open, `newerVersion`, `unusable` or `corrupt`.
  package init(directory path: String, options: Options = Options()) throws {
    let directory = try StoreDirectory(path)
    self.directory = directory
    self.options = options
    gaps = LogGaps(options.damage, in: directory)
    var lock: DirectoryLock?
    do {
      lock = try Self.lock(directory)
      let (segments, writer) = try Self.openToWrite(directory, options, gaps)
      state = Mutex(State(segments: segments, last: writer.last))
      self.writer = Mutex(Writing(writer: writer, lock: lock))
      waiting = WriteWait(nil)
    } catch {
      guard let obstacle = Self.obstacle(error, directory) else { throw error }
      let segments = try Self.segments(in: directory)
      state = Mutex(State(segments: segments, last: try Self.lastNumber(of: segments, in: directory, options)))
      writer = Mutex(Writing(lock: lock))
      waiting = WriteWait(obstacle)
    }
  }

  private static func lock(_ directory: StoreDirectory) throws -> DirectoryLock {
    try DirectoryLock(directory, name: lockName)
  }

  private static let lockName = "log.lock"

  private static func segments(in directory: StoreDirectory) throws -> [LogSegment] {
    try directory.names(withPrefix: LogSegment.prefix).compactMap(LogSegment.init(name:))
  }

  /// Opens the newest segment for writing, or creates one.
  ///
  /// - Returns: all segments, of which the last is the one being written, and its writer.
  private static func openToWrite(
    _ directory: StoreDirectory, _ options: Options, _ gaps: LogGaps
  ) throws -> ([LogSegment], LogWriter) {
    let names = try directory.names(withPrefix: LogSegment.prefix)
    let found = names.compactMap(LogSegment.init(name:))
    try removeOrphans(names, found, directory)
    let writer = try LogWriter(directory, options, newest: found.last)
    if let lost = writer.lost { gaps.note(lost.numbers, reason: lost.reason) }
    return (found.filter { $0.first != writer.segment.first } + [writer.segment], writer)
  }

  private static func obstacle(_ error: any Error, _ directory: StoreDirectory) -> StoreError? {
    let segments = (try? segments(in: directory)) ?? []
    return directory.passingObstacle(error, toWriting: [lockName] + segments.suffix(1).map(\.name))
  }

  private static func lastNumber(of segments: [LogSegment], in directory: StoreDirectory, _ options: Options) throws -> UInt64 {
    try segments.last?.lastNumber(in: directory, vfs: options.vfs) ?? 0
  }

  package func prepareToWrite() throws(StoreError) {
    try StoreError.catching {
      if waiting.isWaiting { try writer.withLock { try open(&$0) } }
      try directory.checkRoom()
    }
  }

  /// Opens a log for writing that could only be opened for reading so far. Does nothing if it is open for writing
  /// already.
  private func open(_ writing: inout Writing) throws {
    try waiting.end {
      writing.lock = try writing.lock ?? Self.lock(directory)
      // Cursors may rely on files that nobody writes. See ``SQLiteConnection/reading(path:vfs:)``.
      cursors.withLock { $0 = [] }
      let (segments, writer) = try Self.openToWrite(directory, options, gaps)
      state.withLock { $0 = State(segments: segments, last: writer.last) }
      writing.writer = writer
    } obstacle: {
      Self.obstacle($0, directory)
    }
  }

  /// Opens a log for reading, while another process may write it.
  ///
  /// Later deliveries do not appear.
  ///
  /// - Throws: ``StoreError``: `unusable` if there is no log.
  package init(reading path: String, options: Options = Options()) throws {
    let directory = try StoreDirectory(existing: path)
    let found = try directory.names(withPrefix: LogSegment.prefix).compactMap(LogSegment.init(name:))
    if found.isEmpty { throw StoreError(.unusable, "\(path): there is no delivery log") }
    self.directory = directory
    self.options = options
    gaps = LogGaps(options.damage, in: directory)
    waiting = WriteWait(nil)
    state = Mutex(State(segments: found, last: try Self.lastNumber(of: found, in: directory, options)))
    writer = Mutex(Writing())
  }

  /// Removes files that an interrupted removal left behind after deleting their segment.
  private static func removeOrphans(_ names: [String], _ segments: [LogSegment], _ directory: StoreDirectory) throws {
    let known = Set(segments.flatMap { StoreDirectory.files(ofDatabase: $0.name) })
    for name in names where !known.contains(name) {
      for suffix in ["-wal", "-shm"] where name.hasSuffix(suffix) {
        let database = String(name.dropLast(suffix.utf8.count))
        if LogSegment(name: database) != nil { try directory.removeDatabase(database) }
      }
    }
  }

  // MARK: Writing

  package func append(_ deliveries: [LoggedDelivery]) throws(StoreError) -> [LogPosition] {
    guard !deliveries.isEmpty else { return [] }
    return try StoreError.catching { try writer.withLock { try append(deliveries, to: &$0) } }
  }

  private func append(_ deliveries: [LoggedDelivery], to writing: inout Writing) throws -> [LogPosition] {
    try open(&writing)
    guard let writer = writing.writer else { throw Self.closed(directory) }
    if writer.isFull { try writer.rotate() }
    let positions = try writer.append(deliveries)
    let (segment, last) = (writer.segment, writer.last)
    state.withLock { state in
      if state.segments.last?.first != segment.first { state.segments.append(segment) }
      state.segments[state.segments.count - 1] = segment
      state.last = last
    }
    return positions
  }

  package func close() {
    writer.withLock { writing in
      cursors.withLock { $0 = [] }
      writing.writer = nil
      writing.lock = nil
    }
  }

  private static func closed(_ directory: StoreDirectory) -> StoreError {
    StoreError(.unusable, "\(directory.path): the log is closed")
  }

  // MARK: Reading

  package func isComplete() -> Bool {
    state.withLock { $0.segments.first.map { $0.first == 1 } ?? true }
  }

  package func read(
    after coverage: LogCoverage?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    try read(afterNumber: coverage?.ends.last, limit: limit, byteLimit: byteLimit)
  }

  private func read(
    afterNumber position: LogPosition?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    // While nothing can be written, cursors rely on files that nobody writes. The lock keeps the writer from opening
    // beside them.
    try StoreError.catching {
      guard waiting.isWaiting else { return try readNow(after: position, limit: limit, byteLimit: byteLimit) }
      return try writer.withLock { _ in try readNow(after: position, limit: limit, byteLimit: byteLimit) }
    }
  }

  private func readNow(
    after position: LogPosition?, limit: Int, byteLimit: Int
  ) throws -> [LogEntry] {
    // Taken before reading: only the segment that is last here can still grow.
    let (segments, last) = state.withLock { ($0.segments, $0.last) }
    guard limit > 0, let oldest = segments.first, position?.rawValue ?? 0 < UInt64.max else { return [] }
    var next = max(position.map { $0.rawValue + 1 } ?? 0, oldest.first)
    var result: [LogEntry] = []
    var byteCount = 0
    var index = segments.lastIndex { $0.first <= next } ?? 0
    while true {
      // A segment ends where the next one begins.
      let end = index < segments.count - 1 ? segments[index + 1].first : last + 1
      do {
        if next < end {
          let cursor = try takeCursor(at: next, in: segments[index])
          try cursor.read(into: &result, byteCount: &byteCount, limit: limit, byteLimit: byteLimit, end: end)
          giveBack(cursor)
        }
      } catch let error as StoreError where error.code == .corrupt || error.code == .unusable {
        // The file is not a segment any more, or the segment was removed meanwhile.
        if isKept(segments[index]), next < end {
          gaps.note(next..<end, reason: error.message)
        }
      } catch {
        // Return the deliveries read so far. The next call fails at once.
        if !result.isEmpty { return result }
        // If the segment is not kept, it was removed meanwhile.
        if isKept(segments[index]) { throw error }
      }
      let isEnough = result.count >= limit || !result.isEmpty && byteCount >= byteLimit
      if isEnough || index == segments.count - 1 { return result }
      index += 1
      next = segments[index].first
    }
  }

  /// Reads forwards in small steps, because reading a delivery decompresses those before it anyway.
  package func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    let (oldest, newest) = state.withLock { ($0.segments.first?.first ?? 1, $0.last) }
    // The number after the newest delivery to return.
    var end = min(position?.rawValue ?? .max, newest + 1)
    var result: [LogEntry] = []
    var byteCount = 0
    while end > oldest, result.count < limit, byteCount < byteLimit || result.isEmpty {
      let count = min(UInt64(min(limit - result.count, Self.backwardStep)), end - oldest)
      let before = end - count > 1 ? LogPosition(rawValue: end - count - 1) : nil
      let step = try read(afterNumber: before, limit: Int(count), byteLimit: .max).filter { $0.position.rawValue < end }
      for entry in step.reversed() where byteCount < byteLimit || result.isEmpty {
        result.append(entry)
        byteCount += entry.logged.delivery.body.count
      }
      end -= count
      // A damaged range may be long, so skip it at once.
      if step.isEmpty, end > oldest, let start = gaps.start(around: end) { end = max(oldest, min(end, start)) }
    }
    return result
  }

  private static let backwardStep = 8

  package func delivery(at position: LogPosition) throws(StoreError) -> LoggedDelivery? {
    guard position.rawValue > 0 else { return nil }
    let before = LogPosition(rawValue: position.rawValue - 1)
    if let found = try read(afterNumber: before, limit: 1, byteLimit: 0).first(where: { $0.position == position }) {
      return found.logged
    }
    let (first, last) = state.withLock { ($0.segments.first?.first ?? 1, $0.last) }
    guard (first...max(first, last)).contains(position.rawValue), position.rawValue <= last else { return nil }
    throw StoreError(.corrupt, "\(directory.path): delivery \(position.rawValue) is damaged; vsd check lists what else is")
  }

  package func coverage() throws(StoreError) -> LogCoverage? {
    let last = state.withLock(\.last)
    return last > 0 ? LogCoverage(LogPosition(rawValue: last)) : nil
  }

  private func takeCursor(at next: UInt64, in segment: LogSegment) throws -> LogCursor {
    let waiting = cursors.withLock { cursors -> LogCursor? in
      cursors.lastIndex { $0.segment.first == segment.first && $0.next == next }.map { cursors.remove(at: $0) }
    }
    return try waiting ?? LogCursor(segment, in: directory, vfs: options.vfs, next: next, gaps: gaps)
  }

  private func isKept(_ segment: LogSegment) -> Bool {
    state.withLock { $0.segments.contains { $0.first == segment.first } }
  }

  private func giveBack(_ cursor: LogCursor) {
    // A cursor keeps the disk space of a removed segment in use. Removal drops cursors under this lock, so check in here.
    cursors.withLock { cursors in
      guard isKept(cursor.segment) else { return }
      cursors.append(cursor)
      if cursors.count > Self.idleCursorLimit { cursors.removeFirst() }
    }
  }

  package func endOfDamage() -> LogPosition? { gaps.end.map(LogPosition.init(rawValue:)) }

  /// Reads every delivery, so that all damage goes to the damage report in the options.
  package func examine() throws {
    var last: LogPosition?
    while let read = try read(afterNumber: last, limit: 1000, byteLimit: 32 << 20).last { last = read.position }
  }

  /// Accepts the losses found since the log was opened, so that they are not reported again.
  package func acceptLosses() throws { try gaps.accept(in: directory) }

  // MARK: Retention

  package func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) throws(StoreError) {
    guard let projected = projected?.ends.last, !waiting.isWaiting else { return }
    var total = try size()
    while let segment = state.withLock({ Self.oldestRemovable($0, projected) }) {
      let newest = try newestReceipt(in: segment)
      guard total > maximumBytes || newest.map({ $0 < cutoff }) ?? true else { return }
      total -= StoreDirectory.files(ofDatabase: segment.name).reduce(0) { $0 + directory.size(of: $1) }
      state.withLock { $0.segments.removeAll { $0.first == segment.first } }
      cursors.withLock { $0.removeAll { $0.segment.first == segment.first } }
      try directory.removeDatabase(segment.name)
    }
  }

  /// Returns the oldest segment if it is not being written and all its deliveries are projected.
  private static func oldestRemovable(_ state: State, _ projected: LogPosition) -> LogSegment? {
    guard state.segments.count > 1, state.segments[1].first <= projected.rawValue &+ 1 else { return nil }
    return state.segments[0]
  }

  private func newestReceipt(in segment: LogSegment) throws(StoreError) -> Timestamp? {
    if let newest = segment.newest { return newest }
    let end = try StoreError.catching { try LogEnd(of: segment, in: directory, vfs: options.vfs) }
    guard end.newest == nil, end.damage != nil else { return end.newest }
    // No row can be read. Its deliveries were not received later than those of the next segment, so use the time of that
    // one.
    let following = state.withLock { state in state.segments.first { $0.first > segment.first } }
    guard let following else { return Timestamp(nanoseconds: .max) }
    return try newestReceipt(in: following) ?? Timestamp(nanoseconds: .max)
  }

  package func size() throws(StoreError) -> Int64 {
    try directory.names(withPrefix: LogSegment.prefix).reduce(0) { $0 + directory.size(of: $1) }
  }
}
