import ValueStreamCore

/// Layout of a database file, as the steps that lead to it.
struct StoreSchema {
  /// What SQLite's header says the file is.
  var applicationID: Int32
  /// Names the layout in errors.
  var name: String
  /// `migrations[n]` brings version n to version n + 1; the first one creates everything.
  var migrations: [String]

  var version: Int64 { Int64(migrations.count) }

  /// Brings the database to the current version.
  ///
  /// - Throws: ``StoreError``: `newerVersion`, or `unusable` when the file is something else. It is then left as it was.
  func prepare(_ connection: SQLiteConnection) throws {
    try check(connection)
    guard try connection.number("PRAGMA user_version") < version else { return }
    try connection.write {
      // Another connection may have been quicker.
      let start = try connection.number("PRAGMA user_version")
      guard start < version else { return }
      for step in migrations[Int(start)...] { try connection.execute(step) }
      try connection.execute("PRAGMA application_id = \(applicationID)")
      try connection.execute("PRAGMA user_version = \(version)")
    }
  }

  /// Refuses what is not of this layout or newer, and changes nothing.
  func check(_ connection: SQLiteConnection) throws {
    let application = try connection.number("PRAGMA application_id")
    let found = try connection.number("PRAGMA user_version")
    let isEmpty = try application == 0 && found == 0 && connection.number("SELECT count(*) FROM sqlite_master") == 0
    guard isEmpty || application == Int64(applicationID), found >= 0 else {
      throw StoreError(.unusable, "\(connection.path): a SQLite database, but not a \(name)")
    }
    guard found <= version else {
      throw StoreError(
        .newerVersion, "\(connection.path): a \(name) of version \(found); this program knows up to \(version)")
    }
  }
}
