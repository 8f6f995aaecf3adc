import ValueStreamCore

/// Appends to the newest segment of the log and, when it is full, starts the next one.
final class LogWriter {
  private let directory: StoreDirectory
  private let options: SQLiteDeliveryLog.Options
  private let compressor: FrameCompressor
  private var active: Active
  /// The number of the next delivery.
  private var next: UInt64
  /// The first row of the current frame; nil if the next commit starts a new frame.
  private var frame: UInt64?

  /// The open segment with its connection and statements.
  private struct Active {
    var segment: LogSegment
    var connection: SQLiteConnection
    var insert: SQLiteStatement
    var pageCount: SQLiteStatement
    /// The size of the file when last measured. The next two count what was added since.
    var bytes: Int64
    var unmeasuredBytes: Int64 = 0
    var unmeasuredCommits = 0
  }

  private static let pageBytes: Int64 = 4096

  /// The numbers and the reason if the end of the previous segment is damaged; nil if nothing was lost.
  private(set) var lost: (numbers: Range<UInt64>, reason: String)?

  /// Opens the newest segment, or creates the first.
  ///
  /// If the newest segment has an older version or is damaged, it stays as it is and a new segment starts.
  init(_ directory: StoreDirectory, _ options: SQLiteDeliveryLog.Options, newest: LogSegment?) throws {
    self.directory = directory
    self.options = options
    compressor = try FrameCompressor()
    var segment = newest ?? LogSegment(first: 1)
    var newestReceipt: Timestamp?
    if let newest {
      let end = try LogEnd(of: newest, in: directory, vfs: options.vfs)
      if !end.isOpen { segment = LogSegment(first: end.next) }
      next = end.next
      newestReceipt = end.newest
      if let damage = end.damage, end.sound < end.next { lost = (end.sound..<end.next, damage) }
    } else {
      next = segment.first
    }
    active = try Self.open(segment, directory, options)
    active.segment.newest = segment.first == newest?.first ? newestReceipt : nil
  }

  /// The open segment. Its `newest` is nil while it is empty.
  var segment: LogSegment { active.segment }

  /// The number of the newest delivery; 0 if there never was one.
  var last: UInt64 { next - 1 }

  /// True if the caller should call ``rotate()`` before the next append.
  var isFull: Bool { active.bytes + active.unmeasuredBytes >= options.segmentBytes }

  /// Starts the next segment. If this fails, the current segment stays in use.
  func rotate() throws {
    let segment = LogSegment(first: next)
    // A failed attempt may have left a file of this name.
    try directory.removeDatabase(segment.name)
    active = try Self.open(segment, directory, options)
    frame = nil
  }

  /// Writes deliveries to disk in one commit. If this fails, none of them is kept.
  ///
  /// - Parameter deliveries: at least one.
  /// - Returns: their positions, in the same order.
  func append(_ deliveries: [LoggedDelivery]) throws -> [LogPosition] {
    do {
      let first = next
      if frame == nil || compressor.frameBytes >= options.frameBytes {
        compressor.startFrame()
        frame = first
      }
      for logged in deliveries {
        try compressor.add(DeliveryPacking.head(of: logged))
        try compressor.add(logged.delivery.body)
      }
      let newest = deliveries.reduce(active.segment.newest ?? deliveries[0].delivery.received) { max($0, $1.delivery.received) }
      try compressor.finishCommit { bytes in
        try insert(bytes, first: first, count: deliveries.count, newest: newest)
      }
      active.segment.newest = newest
      next = first + UInt64(deliveries.count)
      return (first..<next).map { LogPosition(rawValue: $0) }
    } catch {
      // The stream may contain data that the log does not, so the next commit starts a new frame.
      frame = nil
      throw error
    }
  }

  private func insert(_ bytes: [UInt8], first: UInt64, count: Int, newest: Timestamp) throws {
    let insert = active.insert
    insert.bind(1, Int64(clamping: first))
    insert.bind(2, Int64(count))
    insert.bind(3, Int64(clamping: frame ?? first))
    insert.bind(4, newest.nanoseconds)
    let checksum = Checksum.of(bytes)
    insert.bind(5, checksum)
    insert.bind(
      7,
      CommitRow.seal(
        first: Int64(clamping: first), count: Int64(count), frame: Int64(clamping: frame ?? first), newest: newest.nanoseconds,
        checksum: checksum))
    // A statement outside a transaction commits by itself, so the row is on disk when this returns.
    try insert.binding(6, bytes) { try insert.run() }
    active.unmeasuredBytes += Int64(bytes.count)
    active.unmeasuredCommits += 1
    if active.unmeasuredCommits >= 64 || active.unmeasuredBytes >= 1 << 20 { measure() }
  }

  /// Reads the size of the file from SQLite. A sum of row sizes would not do: a row of 2 KiB can fill a page of 4 KiB.
  private func measure() {
    active.unmeasuredCommits = 0
    // The append has succeeded, so an error here must not fail it. The estimate remains in use.
    guard (try? active.pageCount.step()) == true else { return }
    active.bytes = active.pageCount.int(0) * Self.pageBytes
    active.unmeasuredBytes = 0
    active.pageCount.reset()
  }

  private static func open(
    _ segment: LogSegment, _ directory: StoreDirectory, _ options: SQLiteDeliveryLog.Options
  ) throws -> Active {
    try directory.createFile(segment.name)
    let connection = try SQLiteConnection(path: directory.file(segment.name), vfs: options.vfs)
    try LogSegment.schema.check(connection)
    try connection.execute("PRAGMA page_size = \(pageBytes)")
    try connection.useWriteAheadLog()
    try connection.execute(
      """
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = \(options.checkpointPages);
      PRAGMA journal_size_limit = \(SQLiteConnection.keptLogBytes);
      PRAGMA cache_size = -1024;
      """)
    try LogSegment.schema.prepare(connection)
    try directory.synchronize()
    let insert = try connection.prepare(onOwnTables: "INSERT INTO delivery_commit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    let pageCount = try connection.prepare("PRAGMA page_count")
    let bytes = try connection.number("PRAGMA page_count") * pageBytes
    return Active(segment: segment, connection: connection, insert: insert, pageCount: pageCount, bytes: bytes)
  }
}
