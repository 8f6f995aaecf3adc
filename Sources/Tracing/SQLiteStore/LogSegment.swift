import ValueStreamCore

/// A file of the log: a SQLite database with one row per commit.
///
/// A row holds the deliveries of a commit as a piece of a zstd stream. `frame` is the first row from which the stream must be
/// read to understand this one; `newest` is the latest time of receipt in this row and those before it.
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
      """
    ])

  /// Opens it to be read, beside whoever writes it.
  func open(in directory: StoreDirectory, vfs: String?) throws -> SQLiteConnection {
    let connection = try SQLiteConnection(path: directory.file(name), vfs: vfs)
    // Rows are read once, front to back.
    try connection.execute("PRAGMA cache_size = -256")
    try Self.schema.prepare(connection)
    return connection
  }

  /// Number of the last delivery in it, or before it where it has none.
  func lastNumber(in directory: StoreDirectory, vfs: String?) throws -> UInt64 {
    let last = try open(in: directory, vfs: vfs).prepare("SELECT first, count FROM delivery_commit ORDER BY first DESC LIMIT 1")
    defer { last.reset() }
    guard try last.step() else { return first - 1 }
    guard let range = CommitRow(first: last.int(0), count: last.int(1)) else {
      throw StoreError(.corrupt, "\(directory.file(name)): its last row is damaged")
    }
    return range.end - 1
  }
}

/// Which deliveries stand in a row.
struct CommitRow {
  var first: UInt64
  var end: UInt64

  /// Nil when the numbers cannot be those of a commit.
  init?(first: Int64, count: Int64) {
    guard (1...Int64(LogSegment.greatestNumber)).contains(first), (1...Int64(LogSegment.greatestNumber)).contains(count) else {
      return nil
    }
    self.first = UInt64(first)
    end = UInt64(first + count)
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

  private static let prime: UInt64 = 0x9e37_79b9_7f4a_7c15

  private static func mix(_ word: UInt64, into state: inout UInt64) {
    state = (state ^ word) &* prime
    state ^= state >> 32
  }
}
