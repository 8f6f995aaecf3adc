import ValueStreamCore

/// Runs queries over one connection to the span store.
final class SpanStoreReader: @unchecked Sendable {  // One thread at a time uses it: it holds its lock or took it from the pool.
  let connection: SQLiteConnection
  let caches: StoreCaches
  let damage: DamageReport
  let facts: FactStatements
  private var statements = [SQLiteStatement?](repeating: nil, count: SpanStoreQuery.allCases.count)
  /// Prepared statements of lists by their SQL. Bounded by the number of combinations of filters.
  private var listStatements: [String: SQLiteStatement] = [:]

  init(_ connection: SQLiteConnection, _ caches: StoreCaches, damage: DamageReport) {
    self.connection = connection
    self.caches = caches
    self.damage = damage
    facts = FactStatements(connection)
  }

  func statement(_ query: SpanStoreQuery) throws -> SQLiteStatement {
    if let known = statements[query.rawValue] { return known }
    let statement = try connection.prepare(query.sql)
    statements[query.rawValue] = statement
    return statement
  }

  private func listStatement(_ sql: String) throws -> SQLiteStatement {
    if let known = listStatements[sql] { return known }
    let statement = try connection.prepare(sql)
    listStatements[sql] = statement
    return statement
  }

  // MARK: Names

  /// Returns the id of an interned name; nil if the name was never interned.
  func nameID(_ text: String) throws -> Int64? {
    if let known = caches.names.id(of: text) { return known }
    let statement = try statement(.nameID)
    statement.bind(1, text)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    caches.names.insert(text, statement.int(0))
    return statement.int(0)
  }

  private func nameText(_ id: Int64) throws -> String {
    if let known = caches.names.text(of: id) { return known }
    let statement = try statement(.nameText)
    statement.bind(1, id)
    defer { statement.reset() }
    guard try statement.step() else { throw StoreError(.corrupt, "\(connection.path): name \(id) is missing") }
    let text = statement.text(0)
    caches.names.insert(text, id)
    return text
  }

  /// Returns the subject key in three columns of the current row, from `column` on.
  func key(_ row: SQLiteStatement, at column: Int32) throws -> SubjectKey {
    StoredName.key(space: try nameText(row.int(column)), number: row.int(column + 1), text: row.text(column + 2))
  }

  /// Returns the value that `body` reads from a row; nil if the row is damaged. Reports the damage.
  func readable<Value>(_ part: StoreDamage.Part, _ name: @autoclosure () -> String, _ body: () throws -> Value) throws -> Value? {
    do {
      return try body()
    } catch let error as StoreError where error.code == .corrupt || error.code == .newerVersion {
      // The version of the schema applies to all rows. A newer version in a single row is a changed byte.
      damage.note(StoreDamage(part, name(), reason: error.message))
      return nil
    }
  }

  /// Returns the bytes if they match their checksum.
  ///
  /// - Parameter column: The column with the checksum; null in rows of versions without checksums, which are not checked.
  /// - Throws: ``StoreError`` `corrupt` if they do not match.
  func checked(_ bytes: [UInt8], _ row: SQLiteStatement, checksumAt column: Int32) throws(StoreError) -> [UInt8] {
    if let checksum = row.optionalInt(column), checksum != Checksum.of(bytes) {
      throw StoreError(.corrupt, "\(connection.path): other bytes than were stored")
    }
    return bytes
  }

  /// Binds a name to the first three parameters. False if its space was never interned, so that no row can match.
  func bind(_ name: StoredName, to statement: SQLiteStatement) throws -> Bool {
    guard let space = try nameID(name.space) else { return false }
    statement.bind(1, space)
    statement.bind(2, name.number)
    statement.bind(3, name.text)
    return true
  }

  // MARK: Subjects

  func subjects(_ keys: [SubjectKey]) throws -> [SubjectKey: Subject] {
    let statement = try statement(.subjectData)
    defer { statement.reset() }
    var result: [SubjectKey: Subject] = [:]
    for key in keys where result[key] == nil {
      statement.reset()
      result[key] = try readable(.subject, key.description) { () throws -> Subject? in
        guard try bind(StoredName(key), to: statement), try statement.step() else { return nil }
        return try Subject(key: key, encoded: checked(statement.bytes(0), statement, checksumAt: 1))
      }.flatMap { $0 }
    }
    return result
  }

  func publishers(of references: [Reference], limit: Int = .max) throws -> [Reference: [SubjectKey]] {
    var result: [Reference: [SubjectKey]] = [:]
    for reference in references where result[reference] == nil {
      if reference.kind == .key {
        let key = SubjectKey(reference.value)
        result[reference] = try key.map { try isKnown($0) ? [$0] : [] } ?? []
      } else {
        result[reference] = try keys(.publishers, reference, limit: limit)
      }
    }
    return result
  }

  func publishers(of reference: Reference, around place: UInt64, limit: Int) throws -> [SubjectKey] {
    let statement = try statement(.publishersAround)
    defer { statement.reset() }
    guard try bind(StoredName(reference), to: statement) else { return [] }
    statement.bind(4, Int64(clamping: place))
    statement.bind(5, Int64(max(0, limit)))
    return try keys(statement, of: reference)
  }

  func followers(of references: [Reference], limit: Int = .max) throws -> [Reference: [SubjectKey]] {
    var result: [Reference: [SubjectKey]] = [:]
    for reference in references where result[reference] == nil {
      result[reference] = try keys(.followers, reference, limit: limit)
    }
    return result
  }

  func followers(of reference: Reference, after place: UInt64, limit: Int) throws -> [Follower] {
    let statement = try statement(.followersAfter)
    defer { statement.reset() }
    guard try bind(StoredName(reference), to: statement) else { return [] }
    var result: [Follower] = []
    var last = Int64(clamping: place)
    while result.count < limit {
      // Damaged rows leave gaps, so read more rows until the page is full. Fewer rows than the limit mean the end.
      statement.reset()
      statement.bind(4, last)
      statement.bind(5, Int64(limit - result.count))
      var rest = limit - result.count
      while try statement.step() {
        rest -= 1
        last = statement.int(0)
        if let key = try readable(.reference, "\(reference)", { try key(statement, at: 1) }) {
          result.append(Follower(place: UInt64(clamping: last), key: key))
        }
      }
      if rest > 0 { break }
    }
    return result
  }

  /// Reads rows of one of the indexes of names, in their order.
  ///
  /// - Returns: the last row; nil after the end.
  func names(
    in query: SpanStoreQuery, after cursor: NameCursor, limit: Int,
    _ visit: (_ space: String, _ number: Int64, _ text: String) -> Void
  ) throws -> NameCursor? {
    let statement = try statement(query)
    defer { statement.reset() }
    statement.bind(1, cursor.space)
    statement.bind(2, cursor.number)
    statement.bind(3, cursor.text)
    statement.bind(4, Int64(limit))
    var last: NameCursor?
    while try statement.step() {
      let name = NameCursor(space: statement.int(0), number: statement.int(1), text: statement.text(2))
      visit(try nameText(name.space), name.number, name.text)
      last = name
    }
    return last
  }

  struct NameCursor {
    var space: Int64
    var number: Int64
    var text: String
  }

  private func isKnown(_ key: SubjectKey) throws -> Bool {
    let statement = try statement(.subjectExists)
    defer { statement.reset() }
    return try bind(StoredName(key), to: statement) && statement.step()
  }

  private func keys(_ query: SpanStoreQuery, _ reference: Reference, limit: Int = .max) throws -> [SubjectKey] {
    let statement = try statement(query)
    defer { statement.reset() }
    guard try bind(StoredName(reference), to: statement) else { return [] }
    statement.bind(4, Int64(limit))
    return try keys(statement, of: reference)
  }

  /// Reads the keys in all rows of a statement about a reference, sorted.
  private func keys(_ statement: SQLiteStatement, of reference: Reference) throws -> [SubjectKey] {
    var keys: [SubjectKey] = []
    while try statement.step() {
      if let key = try readable(.reference, "\(reference)", { try key(statement, at: 0) }) { keys.append(key) }
    }
    return keys.sorted()
  }

  func places(of keys: [SubjectKey]) throws -> [SubjectKey: UInt64] {
    let statement = try statement(.subjectRow)
    defer { statement.reset() }
    var result: [SubjectKey: UInt64] = [:]
    for key in keys where result[key] == nil {
      statement.reset()
      guard try bind(StoredName(key), to: statement), try statement.step() else { continue }
      result[key] = UInt64(clamping: statement.int(0))
    }
    return result
  }

  // MARK: Outbox and export

  func outboxEntries(after sequence: UInt64, limit: Int) throws -> [NumberedOutboxEntry] {
    let statement = try statement(.outboxEntries)
    defer { statement.reset() }
    var result: [NumberedOutboxEntry] = []
    var last = Int64(clamping: sequence)
    var rowCount = 0
    repeat {
      // Damaged rows leave gaps, so read more rows: an empty result must mean the end of the outbox.
      statement.reset()
      statement.bind(1, last)
      statement.bind(2, Int64(max(0, limit)))
      rowCount = 0
      while result.count < limit, try statement.step() {
        rowCount += 1
        last = statement.int(0)
        guard let key = try readable(.outbox, "\(last)", { try key(statement, at: 1) }) else { continue }
        let outboxEntry = OutboxEntry(
          key: key, attempt: Int(statement.int(4)), time: Timestamp(nanoseconds: statement.int(5)))
        result.append(NumberedOutboxEntry(sequence: UInt64(clamping: last), outboxEntry: outboxEntry))
      }
    } while result.count < limit && rowCount > 0 && rowCount == limit
    return result
  }

  func outboxEntryCount(after sequence: UInt64) throws -> Int {
    let statement = try statement(.outboxEntryCount)
    statement.bind(1, Int64(clamping: sequence))
    defer { statement.reset() }
    return try statement.step() ? Int(statement.int(0)) : 0
  }

  func exportProgress() throws -> [String: ExportProgress] {
    let statement = try statement(.exportProgress)
    defer { statement.reset() }
    var result: [String: ExportProgress] = [:]
    while try statement.step() {
      result[statement.text(0)] = ExportProgress(
        sequence: UInt64(clamping: statement.int(1)), sent: statement.int(2), refused: statement.int(3),
        dropped: statement.int(4), failingSince: statement.optionalInt(5).map(Timestamp.init(nanoseconds:)))
    }
    return result
  }

  func exportRecords(of keys: [SubjectKey]) throws -> [SubjectKey: ExportRecord] {
    let statement = try statement(.exportRecord)
    defer { statement.reset() }
    var result: [SubjectKey: ExportRecord] = [:]
    for key in keys where result[key] == nil {
      statement.reset()
      guard try bind(StoredName(key), to: statement) else { continue }
      while try statement.step() {
        let traceID = TraceID(high: UInt64(bitPattern: statement.int(0)), low: UInt64(bitPattern: statement.int(1)))
        var record = result[key] ?? ExportRecord(key: key, traceID: traceID)
        if let attempt = statement.optionalInt(2) {
          let parent = statement.optionalInt(3).map { SpanID(rawValue: UInt64(bitPattern: $0)) }
          record.attempts.append(ExportedAttempt(number: Int(attempt), parentSpanID: parent))
        }
        result[key] = record
      }
    }
    return result
  }

  func hasExportRecords() throws -> Bool {
    let statement = try statement(.hasExportRecords)
    defer { statement.reset() }
    return try statement.step() && statement.int(0) != 0
  }

  // MARK: Position, values, fingerprints and branch updates

  func position() throws -> LogCoverage? {
    let statement = try statement(.position)
    defer { statement.reset() }
    guard try statement.step(), let position = statement.optionalInt(0) else { return nil }
    return LogCoverage(LogPosition(rawValue: UInt64(bitPattern: position)))
  }

  func values() throws -> [String: [UInt8]] {
    let statement = try statement(.values)
    defer { statement.reset() }
    var result: [String: [UInt8]] = [:]
    while try statement.step() {
      let name = statement.text(0)
      result[name] = try readable(.value, name) { () throws -> [UInt8] in
        try checked(statement.bytes(1), statement, checksumAt: 2)
      }
    }
    return result
  }

  func fingerprints(since cutoff: Timestamp) throws -> [DeliveryFingerprint] {
    let statement = try statement(.fingerprints)
    statement.bind(1, cutoff.nanoseconds)
    defer { statement.reset() }
    var result: [DeliveryFingerprint] = []
    while try statement.step() {
      let bytes = try readable(.fingerprint, "batch \(statement.int(2))") { () throws -> [UInt8] in
        try checked(statement.bytes(0), statement, checksumAt: 1)
      }
      if let bytes { FingerprintPacking.read(bytes, since: cutoff, into: &result) }
    }
    return result
  }

  func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) throws -> [BranchUpdate] {
    let statement = try statement(.branchUpdates)
    defer { statement.reset() }
    guard try bind(StoredName(branch), to: statement) else { return [] }
    statement.bind(4, Int64(max(0, limit)))
    var result: [BranchUpdate] = []
    var room = bytes
    while room > 0, try statement.step() {
      room -= statement.byteCount(1)
      let update = try readable(.branchUpdate, "\(branch) at \(statement.int(0))") {
        try branchUpdate(of: branch, statement, at: 0)
      }
      if let update { result.append(update) }
    }
    return result.reversed()
  }

  func branchUpdates(to commit: String, limit: Int, bytes: Int) throws -> [BranchUpdate] {
    let statement = try statement(.branchUpdatesTo)
    defer { statement.reset() }
    statement.bind(1, BranchUpdatePacking.number(of: commit))
    statement.bind(2, Int64(max(0, limit)))
    var result: [BranchUpdate] = []
    var room = bytes
    while room > 0, try statement.step() {
      room -= statement.byteCount(4)
      let update = try readable(.branchUpdate, "to \(commit) at \(statement.int(3))") {
        try branchUpdate(of: key(statement, at: 0), statement, at: 3)
      }
      if let update, update.after == commit { result.append(update) }
    }
    return result.sorted { $0.precedes($1) }
  }

  func branchUpdate(of branch: SubjectKey, _ statement: SQLiteStatement, at column: Int32) throws -> BranchUpdate {
    do throws(DamagedBytes) {
      let time = Timestamp(nanoseconds: statement.int(column))
      return try BranchUpdatePacking.read(statement.bytes(column + 1), branch: branch, time: time)
    } catch {
      throw StoreError(.corrupt, "\(connection.path): an update of \(branch) cannot be read")
    }
  }
}

extension SpanStoreReader {
  func openSubjects() throws -> [OpenSubjects] {
    let statement = try statement(.openSubjects)
    defer { statement.reset() }
    var result: [OpenSubjects] = []
    while try statement.step() {
      result.append(
        OpenSubjects(
          operation: Operation(rawValue: statement.text(0)), source: statement.text(1),
          project: statement.optionalInt(2).map { _ in statement.text(3) }, count: Int(statement.int(4)),
          meanStart: Timestamp(nanoseconds: statement.int(5)), firstStart: Timestamp(nanoseconds: statement.int(6))))
    }
    return result
  }

  func subjects(after cursor: UInt64?, limit: Int) throws -> SubjectPage {
    guard limit > 0 else { return SubjectPage(subjects: [], next: cursor) }
    let statement = try statement(.subjects)
    defer { statement.reset() }
    return try page(of: statement, after: Int64(clamping: cursor ?? 0), isAscending: true, limit: limit)
  }

  func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws -> SubjectPage {
    guard limit > 0 else { return SubjectPage(subjects: [], next: cursor) }
    guard let condition = try ListCondition(filter, nameID: nameID) else { return SubjectPage(subjects: [], next: nil) }
    let statement = try listStatement(condition.listSQL)
    defer { statement.reset() }
    for (index, value) in condition.values.enumerated() { statement.bind(Int32(index + 3), value) }
    return try page(of: statement, after: cursor.map { Int64(clamping: $0) } ?? .max, isAscending: false, limit: limit)
  }

  /// Reads a page of subjects, beyond the row with sequence `start`.
  ///
  /// The statement takes a sequence and the number of rows as its first two parameters. It returns sequence, key, data and
  /// checksum. If pages of the file cannot be read, the list continues after them. Each damaged range is reported and counts as
  /// one damaged subject.
  private func page(of statement: SQLiteStatement, after start: Int64, isAscending: Bool, limit: Int) throws -> SubjectPage {
    var page = SubjectPage(subjects: [], next: nil)
    var last = start
    var failures: Int64 = 0
    while true {
      statement.reset()
      statement.bind(1, last)
      // One row more than the limit shows whether there is another page.
      statement.bind(2, Int64(limit) &+ 1)
      do {
        try fill(&page, from: statement, limit: limit, last: &last, failures: &failures)
        return page
      } catch let error as StoreError where error.code == .corrupt {
        if failures == 0 {
          page.damagedCount += 1
          damage.note(StoreDamage(.subject, "in rows \(isAscending ? "after" : "before") \(last)", reason: error.message))
        }
        failures += 1
        // Skip row by row at first, then with strides that double, to pass large damaged ranges.
        let stride = failures <= Self.singleSteps ? 1 : Int64(1) << min(40, failures - Self.singleSteps)
        if isAscending {
          guard last < Int64.max - stride, failures < Self.longestSearch else { return page }
          last += stride
        } else {
          if last == .max { last = try connection.number("SELECT next_subject FROM progress") }
          guard last > stride, failures < Self.longestSearch else { return page }
          last -= stride
        }
        guard page.subjects.count + page.damagedCount < limit else {
          page.next = UInt64(clamping: last)
          return page
        }
      }
    }
  }

  private static let singleSteps: Int64 = 256
  private static let longestSearch: Int64 = 320

  private func fill(
    _ page: inout SubjectPage, from statement: SQLiteStatement, limit: Int, last: inout Int64, failures: inout Int64
  ) throws {
    while try statement.step() {
      guard page.subjects.count + page.damagedCount < limit else {
        page.next = UInt64(clamping: last)
        return
      }
      failures = 0
      last = statement.int(0)
      guard let key = try readable(.subject, "in row \(last)", { try key(statement, at: 1) }) else {
        page.damagedCount += 1
        continue
      }
      let subject = try readable(.subject, key.description) { () throws -> Subject in
        try Subject(key: key, encoded: checked(statement.bytes(4), statement, checksumAt: 5))
      }
      if let subject { page.subjects.append(subject) } else { page.damagedCount += 1 }
    }
  }
}
