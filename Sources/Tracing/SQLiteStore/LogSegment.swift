import ValueStreamCore

/// A file of the log: a SQLite database with one row per commit.
///
/// A row holds the deliveries of a commit as a piece of a zstd stream. Its columns:
///
/// - `frame`: the first row that must be decompressed to read this one.
/// - `newest`: the latest time of receipt in this row and all rows before it in the segment.
/// - `checksum`: covers the bytes.
/// - `seal`: covers all other columns, including `checksum`.
///
/// Numbers continue without gaps from row to row and from segment to segment. Only the segment after a damaged one skips
/// numbers, so that it reuses none of those lost.
///
/// Segments of version 1 have no seal. They are never changed: a writer that continues such a log starts a new segment.
struct LogSegment: Sendable {
  /// The number of the first delivery that the segment contains or will contain.
  var first: UInt64
  var name: String
  /// The latest time of receipt; nil if the segment is empty or nobody has looked it up yet.
  var newest: Timestamp?

  init(first: UInt64) {
    self.first = first
    // With twenty digits, names sort in the order of the numbers.
    let digits = String(first)
    name = Self.prefix + String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits + Self.suffix
  }

  /// Nil if this is not the name of a segment.
  init?(name: String) {
    guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix),
      let first = UInt64(name.dropFirst(Self.prefix.utf8.count).dropLast(Self.suffix.utf8.count)),
      (1...Self.greatestNumber).contains(first)
    else { return nil }
    self.init(first: first)
    guard self.name == name else { return nil }
  }

  /// The greatest number of a delivery, low enough that sums of two numbers fit 64 bits.
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

  /// The first version with seals.
  static let sealedVersion: Int64 = 2

  /// The header of a segment's file, checked against its table.
  struct Header {
    /// False for a file that was created but has no table yet.
    var hasRows: Bool
    /// True if its rows have seals.
    var isSealed: Bool
    /// False if the segment has another version or a damaged header, so that the writer must start a new one.
    var isCurrent: Bool
    /// True if the table exists but the header does not fit it.
    var isDamaged: Bool

    /// - Throws: `newerVersion`, or `unusable` if the file is something else.
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
      // No other file has a table of this name. If the header differs, its bytes were damaged.
      let isOurs = try connection.number("PRAGMA application_id") == Int64(schema.applicationID)
      if isOurs, (schema.version + 1...schema.version + LogSegment.plausibleVersions).contains(version) {
        try schema.check(connection)
      }
      isDamaged = !isOurs || version != (isSealed ? LogSegment.sealedVersion : 1)
      isCurrent = !isDamaged && version == schema.version
    }
  }

  /// The greatest plausible distance to a newer version. A version beyond it counts as damage.
  private static let plausibleVersions: Int64 = 1000

  /// Opens the segment for reading. Another connection may write it at the same time.
  func open(in directory: StoreDirectory, vfs: String?) throws -> (connection: SQLiteConnection, header: Header) {
    let connection = try SQLiteConnection.reading(path: directory.file(name), vfs: vfs)
    // A small cache is enough because every row is read once, from front to back.
    try connection.execute("PRAGMA cache_size = -256")
    return (connection, try Header(connection))
  }

  /// Returns the number of the last delivery, or the number before the first if the segment is empty.
  ///
  /// For a damaged segment, returns the greatest number that it can have contained.
  func lastNumber(in directory: StoreDirectory, vfs: String?) throws -> UInt64 {
    try LogEnd(of: self, in: directory, vfs: vfs).next - 1
  }
}

/// The end of a segment, determined from its last sound row.
struct LogEnd {
  /// The number for the next delivery, greater than that of any delivery that may have been acknowledged.
  var next: UInt64
  /// The latest time of receipt; nil in an empty segment.
  var newest: Timestamp?
  /// Why the deliveries from ``sound`` on cannot be read; nil if nothing is damaged.
  var damage: String?
  /// The number after the last delivery in a sound row.
  var sound: UInt64
  /// True if deliveries can be appended to the segment.
  var isOpen = true

  /// More deliveries than a commit can hold, so that new deliveries reuse no number of a damaged row.
  private static let unknownCount: UInt64 = 1 << 20
  /// More deliveries than a compressed byte of the file can hold.
  private static let unknownCountOfByte: UInt64 = 1 << 10

  /// Determines the end of a segment as far as the file can be read. Damage goes to ``damage`` and is not thrown.
  ///
  /// - Throws: errors that may pass, and `newerVersion` or `unusable` if the file is not a segment.
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
    let rows = try connection.prepare(
      onOwnTables: "SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit ORDER BY first DESC")
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

  /// Finds the last sound row from the front, because the last pages cannot be read. It skips damaged pages in growing
  /// steps.
  private mutating func findEndForwards(_ segment: LogSegment, _ connection: SQLiteConnection, isSealed: Bool) throws {
    let rows = try connection.prepare(
      onOwnTables: "SELECT \(CommitRow.columns(isSealed: isSealed)) FROM delivery_commit WHERE first >= ?1 ORDER BY first")
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

/// The numbers of a row, without its bytes.
struct CommitRow {
  var first: UInt64
  var end: UInt64
  /// The first row of its zstd frame.
  var frame: Int64
  var newest: Int64
  var checksum: Int64

  /// The columns that ``init(_:isSealed:)`` reads.
  static func columns(isSealed: Bool) -> String {
    "first, count, frame, newest, checksum, \(isSealed ? "seal" : "NULL")"
  }

  /// Nil if the numbers cannot belong to a commit or do not match their seal.
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

/// A fast hash that detects damage. It does not protect against an attacker who constructs collisions.
package enum Checksum {
  package static func of(_ bytes: [UInt8]) -> Int64 { bytes.withUnsafeBytes { of($0) } }

  package static func of(_ buffer: UnsafeRawBufferPointer) -> Int64 {
    var state = UInt64(buffer.count) &* prime
    var index = 0
    while index + 8 <= buffer.count {
      mix(UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)), into: &state)
      index += 8
    }
    for byte in buffer[index...] { mix(UInt64(byte), into: &state) }
    return Int64(bitPattern: state)
  }

  package static func of(_ words: [Int64]) -> Int64 {
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
