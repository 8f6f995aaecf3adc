import ValueStreamCore

/// Changes to the projection, over the one connection that writes.
final class SpanStoreWriter {
  let reader: SpanStoreReader
  private let names: NameCache
  private var connection: SQLiteConnection { reader.connection }
  /// What the running transaction interned; known to all once it is committed.
  private var newNames: [String: Int64] = [:]
  private var nextName: Int64
  /// Given out by the running transaction; as they are stored outside of one.
  private var counters = Counters(subject: 1, announcement: 1)
  /// The newest time of receipt, when old fingerprints were last looked for.
  private var fingerprintsRemovedAt: Timestamp?

  private struct Counters: Equatable {
    var subject: Int64
    var announcement: Int64
  }

  /// How long the ids of deliveries are remembered.
  private static let fingerprintRetentionNanoseconds: Int64 = 8 * 24 * 3600 * 1_000_000_000
  private static let fingerprintSweepNanoseconds: Int64 = 3600 * 1_000_000_000

  init(_ connection: SQLiteConnection, names: NameCache) throws {
    reader = SpanStoreReader(connection, names: names)
    self.names = names
    nextName = try connection.number("SELECT max(id) FROM name") + 1
    let progress = try connection.prepare("SELECT next_subject, next_announcement FROM progress")
    defer { progress.reset() }
    guard try progress.step() else { throw StoreError(.corrupt, "\(connection.path): its progress is missing") }
    counters = Counters(subject: progress.int(0), announcement: progress.int(1))
  }

  func write(_ changes: ProjectionChanges) throws {
    try transaction {
      for key in changes.removed {
        if let sequence = try sequence(of: key)?.sequence { try remove(sequence, key) }
      }
      for change in changes.subjects { try write(change) }
      for update in changes.branchUpdates { try write(update) }
      for announcement in changes.announcements { try write(announcement) }
      try write(changes.fingerprints)
      for (name, bytes) in changes.values { try write(name, bytes) }
      if let position = changes.position {
        let statement = try reader.statement("UPDATE progress SET position = ?1")
        statement.bind(1, Int64(bitPattern: position.rawValue))
        try statement.run()
      }
    }
  }

  func setExportProgress(_ progress: ExportProgress, for exporter: String) throws {
    try transaction {
      let statement = try reader.statement("INSERT OR REPLACE INTO export_progress VALUES (?1, ?2, ?3, ?4)")
      statement.bind(1, exporter)
      statement.bind(2, Int64(clamping: progress.sequence))
      statement.bind(3, progress.sent)
      statement.bind(4, progress.refused)
      try statement.run()
    }
  }

  /// Runs `body` as one transaction; when it fails, what it noted in memory is forgotten with it.
  private func transaction(_ body: () throws -> Void) throws {
    let (countersBefore, nextNameBefore) = (counters, nextName)
    do {
      try connection.write {
        try body()
        if counters != countersBefore { try writeCounters() }
      }
    } catch {
      (counters, nextName) = (countersBefore, nextNameBefore)
      newNames = [:]
      throw error
    }
    for (text, id) in newNames { names.insert(text, id) }
    newNames.removeAll(keepingCapacity: newNames.count < 1024)
  }

  private func writeCounters() throws {
    let statement = try reader.statement("UPDATE progress SET next_subject = ?1, next_announcement = ?2")
    statement.bind(1, counters.subject)
    statement.bind(2, counters.announcement)
    try statement.run()
  }

  // MARK: Names

  private func intern(_ text: String) throws -> Int64 {
    if let known = try newNames[text] ?? reader.nameID(text) { return known }
    let statement = try reader.statement("INSERT INTO name VALUES (?1, ?2)")
    statement.bind(1, nextName)
    statement.bind(2, text)
    try statement.run()
    newNames[text] = nextName
    nextName += 1
    return nextName - 1
  }

  private func bind(_ name: StoredName, at index: Int32, of statement: SQLiteStatement) throws {
    statement.bind(index, try intern(name.space))
    statement.bind(index + 1, name.number)
    statement.bind(index + 2, name.text)
  }

  // MARK: Things

  /// The columns that lists ask.
  private struct SummaryRow: Equatable {
    var operation: Int64?
    var source: Int64
    var project: Int64?
    var outcome: Int64?
    var start: Int64
    var end: Int64?
  }

  private func row(of summary: SubjectSummary) throws -> SummaryRow {
    SummaryRow(
      operation: try summary.operation.map { try intern($0.rawValue) }, source: try intern(summary.source),
      project: try summary.project.map(intern), outcome: try summary.outcome.map { try intern($0.rawValue) },
      start: summary.start.nanoseconds, end: summary.end?.nanoseconds)
  }

  private func sequence(of key: SpanKey) throws -> (sequence: Int64, summary: SummaryRow)? {
    let statement = try reader.statement(
      """
      SELECT seq, operation, source, project, outcome, start, end FROM subject WHERE space = ?1 AND number = ?2 AND text = ?3
      """)
    defer { statement.reset() }
    let name = StoredName(key)
    guard let space = try newNames[name.space] ?? reader.nameID(name.space) else { return nil }
    statement.bind(1, space)
    statement.bind(2, name.number)
    statement.bind(3, name.text)
    guard try statement.step() else { return nil }
    let summary = SummaryRow(
      operation: statement.optionalInt(1), source: statement.int(2), project: statement.optionalInt(3),
      outcome: statement.optionalInt(4), start: statement.int(5), end: statement.optionalInt(6))
    return (statement.int(0), summary)
  }

  private func write(_ change: SubjectChange) throws {
    let summary = try row(of: change.summary)
    let sequence: Int64
    if let known = try self.sequence(of: change.subject.key) {
      sequence = known.sequence
      if summary != known.summary { try update(summary, of: sequence) }
      let data = try reader.statement("UPDATE subject_data SET data = ?2 WHERE seq = ?1")
      data.bind(1, sequence)
      try data.binding(2, change.subject.encoded()) { try data.run() }
    } else {
      sequence = counters.subject
      counters.subject += 1
      try insert(change.subject.key, summary, as: sequence)
      let data = try reader.statement("INSERT INTO subject_data VALUES (?1, ?2)")
      data.bind(1, sequence)
      try data.binding(2, change.subject.encoded()) { try data.run() }
    }
    for reference in change.newAliases { try insert(reference, of: sequence, into: "alias") }
    for reference in change.newFollows { try insert(reference, of: sequence, into: "follow") }
  }

  private func insert(_ key: SpanKey, _ summary: SummaryRow, as sequence: Int64) throws {
    let statement = try reader.statement("INSERT INTO subject VALUES (?1, ?8, ?9, ?10, ?2, ?3, ?4, ?5, ?6, ?7, NULL)")
    try bind(StoredName(key), at: 8, of: statement)
    bind(summary, sequence, to: statement)
    try statement.run()
  }

  private func update(_ summary: SummaryRow, of sequence: Int64) throws {
    let statement = try reader.statement(
      "UPDATE subject SET operation = ?2, source = ?3, project = ?4, outcome = ?5, start = ?6, end = ?7 WHERE seq = ?1")
    bind(summary, sequence, to: statement)
    try statement.run()
  }

  private func bind(_ summary: SummaryRow, _ sequence: Int64, to statement: SQLiteStatement) {
    statement.bind(1, sequence)
    statement.bind(2, summary.operation)
    statement.bind(3, summary.source)
    statement.bind(4, summary.project)
    statement.bind(5, summary.outcome)
    statement.bind(6, summary.start)
    statement.bind(7, summary.end)
  }

  private func insert(_ reference: Reference, of sequence: Int64, into table: String) throws {
    let statement = try reader.statement("INSERT OR IGNORE INTO \(table) VALUES (?1, ?2, ?3, ?4)")
    try bind(StoredName(reference), at: 1, of: statement)
    statement.bind(4, sequence)
    try statement.run()
  }

  // MARK: The rest

  private func write(_ announcement: Announcement) throws {
    let sequence = counters.announcement
    counters.announcement += 1
    let insert = try reader.statement(
      """
      INSERT INTO announcement VALUES (?1, ?2, ?3, ?4, ?5, ?6,
        (SELECT announced FROM subject WHERE space = ?2 AND number = ?3 AND text = ?4))
      """)
    insert.bind(1, sequence)
    try bind(StoredName(announcement.key), at: 2, of: insert)
    insert.bind(5, Int64(announcement.attempt))
    insert.bind(6, announcement.time.nanoseconds)
    try insert.run()
    let update = try reader.statement("UPDATE subject SET announced = ?1 WHERE space = ?2 AND number = ?3 AND text = ?4")
    update.bind(1, sequence)
    try bind(StoredName(announcement.key), at: 2, of: update)
    try update.run()
  }

  private func write(_ update: BranchUpdate) throws {
    let statement = try reader.statement("INSERT OR IGNORE INTO branch_update VALUES (?1, ?2, ?3, ?4, ?5)")
    try bind(StoredName(update.branch), at: 1, of: statement)
    statement.bind(4, update.time.timestamp.nanoseconds)
    statement.bind(5, BranchUpdatePacking.bytes(of: update))
    try statement.run()
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    let statement = try reader.statement("INSERT OR REPLACE INTO named_value VALUES (?1, ?2)")
    statement.bind(1, name)
    try statement.binding(2, bytes) { try statement.run() }
  }

  private func write(_ fingerprints: [DeliveryFingerprint]) throws {
    guard let newest = fingerprints.lazy.map(\.received).max() else { return }
    let insert = try reader.statement("INSERT INTO fingerprint VALUES (NULL, ?1, ?2)")
    insert.bind(1, newest.nanoseconds)
    try insert.binding(2, FingerprintPacking.bytes(of: fingerprints)) { try insert.run() }
    if let last = fingerprintsRemovedAt, newest < last.advanced(byNanoseconds: Self.fingerprintSweepNanoseconds) { return }
    fingerprintsRemovedAt = newest
    let remove = try reader.statement("DELETE FROM fingerprint WHERE newest < ?1")
    remove.bind(1, newest.advanced(byNanoseconds: -Self.fingerprintRetentionNanoseconds).nanoseconds)
    try remove.run()
  }

  // MARK: Retention

  /// Removes the things among these that are still over, together with what only they used.
  func removeFinished(_ sequences: [Int64], before cutoff: Timestamp) throws -> Int {
    var count = 0
    try transaction {
      for sequence in sequences {
        guard let key = try reader.finishedKey(sequence, before: cutoff) else { continue }
        try removeAnnouncements(ofSubject: sequence)
        try remove(sequence, key)
        count += 1
      }
    }
    return count
  }

  func removeBranchUpdates(before cutoff: Timestamp) throws {
    try transaction {
      let statement = try reader.statement("DELETE FROM branch_update WHERE time < ?1")
      statement.bind(1, cutoff.nanoseconds)
      try statement.run()
    }
  }

  private func remove(_ sequence: Int64, _ key: SpanKey) throws {
    if let subject = try reader.subjects([key])[key] {
      for reference in subject.aliases { try remove(reference, of: sequence, from: "alias") }
      for reference in subject.followedReferences { try remove(reference, of: sequence, from: "follow") }
    }
    for sql in ["DELETE FROM subject_data WHERE seq = ?1", "DELETE FROM subject WHERE seq = ?1"] {
      let statement = try reader.statement(sql)
      statement.bind(1, sequence)
      try statement.run()
    }
  }

  private func remove(_ reference: Reference, of sequence: Int64, from table: String) throws {
    let statement = try reader.statement(
      "DELETE FROM \(table) WHERE space = ?1 AND number = ?2 AND text = ?3 AND subject = ?4")
    guard try reader.bind(StoredName(reference), at: 1, of: statement) else { return }
    statement.bind(4, sequence)
    try statement.run()
  }

  private func removeAnnouncements(ofSubject sequence: Int64) throws {
    let newest = try reader.statement("SELECT announced FROM subject WHERE seq = ?1")
    newest.bind(1, sequence)
    defer { newest.reset() }
    var announcement = try newest.step() ? newest.optionalInt(0) : nil
    let remove = try reader.statement("DELETE FROM announcement WHERE sequence = ?1 RETURNING previous")
    while let current = announcement {
      remove.bind(1, current)
      announcement = try remove.step() ? remove.optionalInt(0) : nil
      remove.reset()
    }
  }
}
