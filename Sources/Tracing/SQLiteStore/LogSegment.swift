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

  /// Opens it to be read, beside whoever writes it.
  func open(in directory: StoreDirectory, vfs: String?) throws -> SQLiteConnection {
    let connection = try SQLiteConnection(path: directory.file(name), vfs: vfs)
    // Rows are read once, front to back.
    try connection.execute("PRAGMA cache_size = -256")
    try Self.schema.check(connection)
    return connection
  }

  /// True when its rows carry seals.
  static func isSealed(_ connection: SQLiteConnection) throws(StoreError) -> Bool {
    try connection.number("PRAGMA user_version") >= sealedVersion
  }

  /// Number of the last delivery in it, or before it where it has none.
  func lastNumber(in directory: StoreDirectory, vfs: String?) throws -> UInt64 {
    try LogEnd(of: self, try open(in: directory, vfs: vfs)).next - 1
  }
}

/// Where a segment ends, by the last of its rows that is sound.
struct LogEnd {
  /// Number of the delivery that comes next: greater than any that can have been acknowledged.
  var next: UInt64
  /// Latest time of receipt; nil in an empty segment.
  var newest: Timestamp?
  /// True when rows after the last sound one are damaged.
  var isDamaged = false

  /// More deliveries than a commit holds, so that what comes after damaged rows takes no number that one of them had.
  private static let unknownCount: UInt64 = 1 << 20

  init(of segment: LogSegment, _ connection: SQLiteConnection) throws {
    next = segment.first
    let isSealed = try LogSegment.isSealed(connection)
    let rows = try connection.prepare("SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit ORDER BY first DESC")
    defer { rows.reset() }
    while try rows.step() {
      guard let row = CommitRow(rows, isSealed: isSealed), row.first >= segment.first else {
        isDamaged = true
        continue
      }
      (next, newest) = (row.end, Timestamp(nanoseconds: row.newest))
      break
    }
    if isDamaged { next = min(next + Self.unknownCount, LogSegment.greatestNumber) }
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
