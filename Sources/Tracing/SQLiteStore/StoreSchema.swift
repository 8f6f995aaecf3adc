import ValueStreamCore

/// The layout of a database file, as a list of migrations.
struct StoreSchema {
  /// The application id in the header of the file.
  var applicationID: Int32
  /// The name of the layout in error messages.
  var name: String
  /// `migrations[n]` migrates version n to version n + 1. The first one creates the tables.
  var migrations: [String]

  var version: Int64 { Int64(migrations.count) }

  /// Migrates the database to the current version. An empty database counts as version 0.
  ///
  /// - Throws: ``StoreError``: `newerVersion`, or `unusable` if the file is something else. The file is then unchanged.
  func prepare(_ connection: SQLiteConnection) throws {
    try check(connection)
    guard try connection.number("PRAGMA user_version") < version else { return }
    try connection.write {
      // Another connection may have migrated it meanwhile.
      let start = try connection.number("PRAGMA user_version")
      guard start < version else { return }
      for step in migrations[Int(start)...] { try connection.execute(step) }
      try connection.execute("PRAGMA application_id = \(applicationID)")
      try connection.execute("PRAGMA user_version = \(version)")
    }
  }

  /// Checks that a database is empty or has this layout in a version that this program knows. Changes nothing.
  ///
  /// - Throws: ``StoreError``: `newerVersion`, or `unusable` if the file is something else.
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
