import ValueStreamCore

/// A file of the log: a SQLite database with one row per commit.
///
/// A row holds the deliveries of a commit as a piece of a zstd stream. `frame` is the first row from which the stream must be
/// read to understand this one; `newest` is the latest time of receipt in this row and those before it; `checksum` covers the
/// bytes, and `seal` everything else with it. Rows of one segment, and segments, follow each other without gaps.
///
/// Segments of version 1 have no seal. They are never changed: whoever goes on with such a log begins a new segment.
struct LogSegment: Sendable {
  /// Number of the first delivery that is, or will be, in it.
  var first: UInt64
  var name: String
  /// Latest time of receipt in it; nil when not looked up yet.
  var newest: Timestamp?

  init(first: UInt64) {
    self.first = first
    // Twenty digits: names sort like numbers.
    let digits = String(first)
    name = Self.prefix + String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits + Self.suffix
  }

  /// Nil when no segment is called so.
  init?(name: String) {
    guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix),
      let first = UInt64(name.dropFirst(Self.prefix.utf8.count).dropLast(Self.suffix.utf8.count)),
      (1...Self.greatestNumber).contains(first)
    else { return nil }
    self.init(first: first)
    guard self.name == name else { return nil }
  }

  /// A delivery of a greater number cannot be: sums of numbers stay within 64 bits.
  static let greatestNumber: UInt64 = 1 << 62

  static let prefix = "log-"
  private static let suffix = ".sqlite"

  static let schema = StoreSchema(
    applicationID: 0x5653_4c47,  // VSLG
    name: "ValueStream delivery log",
    migrations: [
      """
      CREATE TABLE delivery_commit (
        first INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        frame INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        data BLOB NOT NULL
      )
      """,
      "ALTER TABLE delivery_commit ADD COLUMN seal INTEGER",
    ])

  /// The first version whose rows are sealed.
  static let sealedVersion: Int64 = 2

  /// What stands in the header of a segment's file, and whether it can be so.
  struct Header {
    /// False of a file that was created and not prepared any further.
    var hasRows: Bool
    /// True when its rows carry seals.
    var isSealed: Bool
    /// False when the header is not the one that a segment of this version has: a new segment must follow.
    var isCurrent: Bool
    /// True when the header cannot be right although there are rows.
    var isDamaged: Bool

    /// - Throws: `newerVersion`, or `unusable` where the file is something else.
    init(_ connection: SQLiteConnection) throws {
      let schema = LogSegment.schema
      let columns = try connection.number("SELECT count(*) FROM pragma_table_info('delivery_commit')")
      let version = try connection.number("PRAGMA user_version")
      hasRows = columns > 0
      isSealed = columns > 6
      guard hasRows else {
        try schema.check(connection)
        (isCurrent, isDamaged) = (true, false)
        return
      }
      // A table of that name is in no other file: then these are bytes that changed.
      let isOurs = try connection.number("PRAGMA application_id") == Int64(schema.applicationID)
      if isOurs, (schema.version + 1...schema.version + LogSegment.plausibleVersions).contains(version) {
        try schema.check(connection)
      }
      isDamaged = !isOurs || version != (isSealed ? LogSegment.sealedVersion : 1)
      isCurrent = !isDamaged && version == schema.version
    }
  }

  /// A version that is greater by more than this is none.
  private static let plausibleVersions: Int64 = 1000

  /// Opens it to be read, beside whoever writes it.
  func open(in directory: StoreDirectory, vfs: String?) throws -> (connection: SQLiteConnection, header: Header) {
    let connection = try SQLiteConnection.reading(path: directory.file(name), vfs: vfs)
    // Rows are read once, front to back.
    try connection.execute("PRAGMA cache_size = -256")
    return (connection, try Header(connection))
  }

  /// Number of the last delivery in it, or before it where it has none. Of a damaged one, the last that can have been in it.
  func lastNumber(in directory: StoreDirectory, vfs: String?) throws -> UInt64 {
    try LogEnd(of: self, in: directory, vfs: vfs).next - 1
  }
}

/// Where a segment ends, by the last of its rows that is sound.
struct LogEnd {
  /// Number of the delivery that comes next: greater than any that can have been acknowledged.
  var next: UInt64
  /// Latest time of receipt; nil in an empty segment.
  var newest: Timestamp?
  /// Why what stands after ``sound`` cannot be read; nil where all can.
  var damage: String?
  /// Number after the last delivery whose row is sound.
  var sound: UInt64
  /// True when more can be written to the segment.
  var isOpen = true

  /// More deliveries than a commit holds, so that what comes after damaged rows takes no number that one of them had.
  private static let unknownCount: UInt64 = 1 << 20
  /// More deliveries than a byte of a file holds, compressed.
  private static let unknownCountOfByte: UInt64 = 1 << 10

  /// Where a segment ends, whatever can be read of it.
  ///
  /// - Throws: what may pass, and what says that this is no segment of ours.
  init(of segment: LogSegment, in directory: StoreDirectory, vfs: String?) throws {
    (next, sound) = (segment.first, segment.first)
    do {
      let (connection, header) = try segment.open(in: directory, vfs: vfs)
      if header.hasRows {
        do throws(StoreError) {
          try findEnd(segment, connection, isSealed: header.isSealed)
        } catch {
          guard error.code == .corrupt else { throw error }
          damage = error.message
          try findEndForwards(segment, connection, isSealed: header.isSealed)
        }
      }
      if header.isDamaged { damage = damage ?? "\(connection.path): its header is damaged" }
      isOpen = header.isCurrent || next == segment.first && damage == nil
    } catch let error as StoreError where error.code == .corrupt {
      damage = error.message
    }
    guard damage != nil else { return }
    isOpen = false
    let bytes = StoreDirectory.files(ofDatabase: segment.name).dropLast().reduce(Int64(0)) { $0 + directory.size(of: $1) }
    let unknown = UInt64(clamping: bytes).multipliedReportingOverflow(by: Self.unknownCountOfByte)
    let end = next.addingReportingOverflow(unknown.overflow ? LogSegment.greatestNumber : unknown.partialValue)
    next = min(end.overflow ? LogSegment.greatestNumber : end.partialValue + Self.unknownCount, LogSegment.greatestNumber)
  }

  private mutating func findEnd(
    _ segment: LogSegment, _ connection: SQLiteConnection, isSealed: Bool
  ) throws(StoreError) {
    let rows = try connection.prepare("SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit ORDER BY first DESC")
    defer { rows.reset() }
    while try rows.step() {
      guard let row = CommitRow(rows, isSealed: isSealed), row.first >= segment.first else {
        damage = "\(connection.path): its last rows are damaged"
        continue
      }
      reached(row)
      return
    }
  }

  /// Where the last pages cannot be read: the last of the sound rows in front of them, and between them.
  private mutating func findEndForwards(_ segment: LogSegment, _ connection: SQLiteConnection, isSealed: Bool) throws {
    let rows = try connection.prepare(
      "SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit WHERE first >= ?1 ORDER BY first")
    defer { rows.reset() }
    var from = segment.first
    var probe: UInt64 = 1
    while from < LogSegment.greatestNumber {
      rows.bind(1, Int64(clamping: from))
      do throws(StoreError) {
        while try rows.step() {
          if let row = CommitRow(rows, isSealed: isSealed), row.first >= segment.first { reached(row) }
        }
        return
      } catch {
        guard error.code == .corrupt else { throw error }
        from = max(from, next) + probe
        probe *= 2
      }
    }
  }

  private mutating func reached(_ row: CommitRow) {
    (next, sound, newest) = (row.end, row.end, Timestamp(nanoseconds: row.newest))
  }
}

/// What stands in a row beside its bytes.
struct CommitRow {
  var first: UInt64
  var end: UInt64
  /// First row of the stream.
  var frame: Int64
  var newest: Int64
  var checksum: Int64

  /// The columns that ``init(_:isSealed:)`` reads.
  static func columns(isSealed: Bool) -> String {
    "first, count, frame, newest, checksum, \(isSealed ? "seal" : "NULL")"
  }

  /// Nil when the numbers cannot be those of a commit, or are others than were written.
  init?(_ row: SQLiteStatement, isSealed: Bool) {
    let (first, count) = (row.int(0), row.int(1))
    (frame, newest, checksum) = (row.int(2), row.int(3), row.int(4))
    guard (1...Int64(LogSegment.greatestNumber)).contains(first), (1...Int64(LogSegment.greatestNumber)).contains(count),
      (1...first).contains(frame)
    else { return nil }
    if isSealed {
      guard let seal = row.optionalInt(5),
        seal == Self.seal(first: first, count: count, frame: frame, newest: newest, checksum: checksum)
      else { return nil }
    }
    self.first = UInt64(first)
    end = UInt64(first + count)
  }

  static func seal(first: Int64, count: Int64, frame: Int64, newest: Int64, checksum: Int64) -> Int64 {
    Checksum.of([first, count, frame, newest, checksum])
  }
}

/// A quick hash that shows damage. Not for anything an adversary gains by colliding.
enum Checksum {
  static func of(_ bytes: [UInt8]) -> Int64 {
    bytes.withUnsafeBytes { buffer in
      var state = UInt64(buffer.count) &* prime
      var index = 0
      while index + 8 <= buffer.count {
        mix(UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)), into: &state)
        index += 8
      }
      for byte in buffer[index...] { mix(UInt64(byte), into: &state) }
      return Int64(bitPattern: state)
    }
  }

  static func of(_ words: [Int64]) -> Int64 {
    var state = UInt64(words.count) &* prime
    for word in words { mix(UInt64(bitPattern: word), into: &state) }
    return Int64(bitPattern: state)
  }

  private static let prime: UInt64 = 0x9e37_79b9_7f4a_7c15

  private static func mix(_ word: UInt64, into state: inout UInt64) {
    state = (state ^ word) &* prime
    state ^= state >> 32
  }
}
