import ValueStreamCore

/// The end of the log: appends to the newest segment, and begins the next one when it is full.
final class LogWriter {
  private let directory: StoreDirectory
  private let options: SQLiteDeliveryLog.Options
  private let compressor: FrameCompressor
  private var active: Active
  /// Number of the next delivery.
  private var next: UInt64
  /// First row of the current frame; nil when the next commit begins one.
  private var frame: UInt64?

  /// The segment that is written.
  private struct Active {
    var segment: LogSegment
    var connection: SQLiteConnection
    var insert: SQLiteStatement
    var pageCount: SQLiteStatement
    /// What the file held when last looked at, and what was added since.
    var bytes: Int64
    var unmeasuredBytes: Int64 = 0
    var unmeasuredCommits = 0
  }

  private static let pageBytes: Int64 = 4096

  /// What cannot be read of the segment before, because its end is damaged; nil where all can.
  private(set) var lost: (numbers: Range<UInt64>, reason: String)?

  /// Opens the newest segment, or creates the first.
  ///
  /// A segment that an older version wrote, or that is damaged at its end or as a whole, stays as it is, and a new one begins.
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

  /// The segment that is written, with the latest time of receipt in it; nil in there when it is empty.
  var segment: LogSegment { active.segment }

  /// Number of the newest delivery; 0 when there never was one.
  var last: UInt64 { next - 1 }

  /// True when the next append should go to a new segment.
  var isFull: Bool { active.bytes + active.unmeasuredBytes >= options.segmentBytes }

  /// Begins the next segment. When this fails the current one stays in use.
  func rotate() throws {
    let segment = LogSegment(first: next)
    // What a failed attempt left.
    try directory.removeDatabase(segment.name)
    active = try Self.open(segment, directory, options)
    frame = nil
  }

  /// Commits deliveries to disk; when this fails nothing is kept of them.
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
      // The stream now holds what the log does not.
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
    // A statement outside a transaction is one: it has reached the disk when this returns.
    try insert.binding(6, bytes) { try insert.run() }
    active.unmeasuredBytes += Int64(bytes.count)
    active.unmeasuredCommits += 1
    if active.unmeasuredCommits >= 64 || active.unmeasuredBytes >= 1 << 20 { measure() }
  }

  /// Asks how large the file is. Rows of two kilobytes fill a page of four, so counting their bytes would not do.
  private func measure() {
    active.unmeasuredCommits = 0
    // What was appended is in the log, whatever this says; the estimate goes on in its place.
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
    let insert = try connection.prepare("INSERT INTO delivery_commit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    let pageCount = try connection.prepare("PRAGMA page_count")
    let bytes = try connection.number("PRAGMA page_count") * pageBytes
    return Active(segment: segment, connection: connection, insert: insert, pageCount: pageCount, bytes: bytes)
  }
}
