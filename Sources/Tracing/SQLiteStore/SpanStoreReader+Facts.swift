import ValueStreamCore

/// Reads facts.
extension SpanStoreReader {
  // MARK: Rows

  /// A statement met a damaged page of the file.
  private struct DamagedFile: Error {
    var reason: String
  }

  /// Calls `visit` with the facts of one kind on these days, in order of days.
  func visitFacts<Row: Fact>(_ type: Row.Type, days: ClosedRange<Int64>, _ visit: (Row) throws -> Void) throws {
    try visitFactBytes(Row.kind, days: days, isWhole: true) { bytes in
      var reader = FactReader(bytes)
      try visit(try Row(from: &reader))
    }
  }

  /// Calls `visit` with the encoded facts of one kind on these days, in order of days. Reports and skips a row for which `visit`
  /// throws ``DamagedFact``.
  ///
  /// - Parameter isWhole: false if only the members are needed that reports read (see ``FactLayout``).
  func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<Int64>, isWhole: Bool, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var first = days.lowerBound
    for _ in 0..<Self.longestFactSearch where first <= days.upperBound {
      var reached = first
      do {
        return try visitFactBytes(kind, days: first...days.upperBound, isWhole, reached: &reached, visit)
      } catch let error as DamagedFile {
        damage.note(StoreDamage(.fact, FactPlace(kind, day: reached).text, reason: error.reason))
        // The rest of the day is left out. The next days may be readable.
        guard reached < days.upperBound else { return }
        first = reached + 1
      }
    }
  }

  /// The most damaged days after which a visit ends.
  private static let longestFactSearch = 400

  private func advance(_ statement: SQLiteStatement) throws -> Bool {
    do throws(StoreError) {
      return try statement.step()
    } catch {
      guard error.code == .corrupt else { throw error }
      throw DamagedFile(reason: error.message)
    }
  }

  private func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<Int64>, _ isWhole: Bool, reached: inout Int64,
    _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let place = FactPlace(kind, day: days.lowerBound)
    let (rows, pages) = (try facts(.rows, place), try facts(isWhole ? .wholePages : .pages, place))
    defer {
      rows.reset()
      pages.reset()
    }
    for statement in [rows, pages] { statement.bind(3, days.upperBound) }
    var (hasRow, hasPage) = (try advance(rows), try advance(pages))
    while hasRow || hasPage {
      reached = min(hasRow ? rows.int(0) : .max, hasPage ? pages.int(0) : .max)
      let place = FactPlace(kind, day: reached)
      var overriding: [Int64] = []
      while hasRow, rows.int(0) == reached {
        overriding.append(rows.int(1))
        try withFacts(rows, checksumAt: 2, place) { try emitBytes($0, place, visit) }
        hasRow = try advance(rows)
      }
      while hasPage, pages.int(0) == reached {
        if isWhole {
          try withPage(pages, checksumAt: 2, place) { try emitBytes(ofPage: $0, except: overriding, place, visit) }
        } else {
          try withFacts(pages, checksumAt: 2, place, FactPage.checksum) { bytes in
            guard PackedFactPage.isPacked(bytes) else {
              return try emitBytes(ofPage: bytes, except: overriding, place, visit)
            }
            try PackedFactPage(bytes, kind).visitRows(except: overriding) { try emit($0, place, visit) }
          }
        }
        hasPage = try advance(pages)
      }
    }
  }

  /// - Parameter overridden: the subjects whose rows are left out, in ascending order.
  private func emitBytes(
    ofPage bytes: UnsafeRawBufferPointer, except overridden: [Int64], _ place: FactPlace,
    _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var page = FactPage(bytes)
    var rest = overridden[...]
    while let group = try page.next() {
      while let subject = rest.first, subject < group.subject { rest.removeFirst() }
      if rest.first != group.subject { try emitBytes(group.rows, place, visit) }
    }
  }

  private func emit(
    _ row: UnsafeRawBufferPointer, _ place: FactPlace, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    do {
      try visit(row)
    } catch is DamagedFact {
      noteDamagedFact(place, "a row cannot be decoded")
    }
  }

  private func emitBytes(
    _ rows: UnsafeRawBufferPointer, _ place: FactPlace, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try FactRows.visit(rows) { try emit($0, place, visit) }
  }

  /// Decodes rows. Reports and skips a damaged one.
  private func emit<Row: Fact>(
    _ rows: UnsafeRawBufferPointer, _ place: FactPlace, _ visit: (Row) throws -> Void
  ) throws {
    try emitBytes(rows, place) { bytes in
      var reader = FactReader(bytes)
      try visit(try Row(from: &reader))
    }
  }

  func noteDamagedFact(_ place: FactPlace, _ reason: String) {
    damage.note(StoreDamage(.fact, place.text, reason: "\(connection.path): \(reason)"))
  }

  /// Calls `body` with the bytes in the column after the checksum, unless they are damaged, which is reported.
  ///
  /// - Returns: false if the bytes are damaged. `body` may have seen a part of them.
  @discardableResult
  func withFacts(
    _ statement: SQLiteStatement, checksumAt column: Int32, _ place: FactPlace,
    _ checksumOf: (UnsafeRawBufferPointer) -> Int64 = Checksum.of, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Bool {
    do {
      let checksum = statement.int(column)
      return try statement.withBytes(column + 1) { bytes in
        guard checksumOf(bytes) == checksum else {
          noteDamagedFact(place, "other bytes than were stored")
          return false
        }
        try body(bytes)
        return true
      }
    } catch is DamagedBytes {
      noteDamagedFact(place, "the rows cannot be told apart")
      return false
    }
  }

  /// Calls `body` with the bytes of a ``FactPage``, which the columns after the checksum hold in one part or in two, unless they
  /// are damaged, which is reported.
  ///
  /// - Returns: false if the bytes are damaged. `body` may have seen a part of them.
  @discardableResult
  func withPage(
    _ statement: SQLiteStatement, checksumAt column: Int32, _ place: FactPlace, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Bool {
    try withFacts(statement, checksumAt: column, place, FactPage.checksum) { bytes in
      guard PackedFactPage.isPacked(bytes) else { return try body(bytes) }
      let page = try PackedFactPage(bytes, place.kind)
      try statement.withBytes(column + 2) { try page.unpacked($0) }.withUnsafeBytes(body)
    }
  }

  /// Calls `body` with the rows of subjects at one place. Subjects without rows there are left out.
  ///
  /// - Parameter subjects: in ascending order.
  func visitFacts(
    of subjects: some Sequence<Int64>, at place: FactPlace, _ body: (Int64, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let rows = try facts(.row, place)
    defer { rows.reset() }
    var pages: [Int64: [Int64]] = [:]
    for subject in subjects {
      rows.reset()
      rows.bind(3, subject)
      if try rows.step() {
        try withFacts(rows, checksumAt: 0, place) { if !$0.isEmpty { try body(subject, $0) } }
      } else if let page = try factPage(holding: subject, at: place) {
        pages[page, default: []].append(subject)
      }
    }
    let data = try facts(.pageData)
    defer { data.reset() }
    for (page, subjects) in pages {
      data.reset()
      data.bind(1, page)
      guard try data.step() else { continue }
      try withPage(data, checksumAt: 0, place) { bytes in
        var page = FactPage(bytes)
        var rest = subjects[...]
        while let wanted = rest.first, let group = try page.next() {
          if group.subject < wanted { continue }
          if group.subject == wanted { try body(wanted, group.rows) }
          while let next = rest.first, next <= group.subject { rest.removeFirst() }
        }
      }
    }
  }

  /// Returns the number of the page that has the rows of a subject, if a page has them.
  func factPage(holding subject: Int64, at place: FactPlace) throws -> Int64? {
    let statement = try facts(.pageAt, place)
    statement.bind(3, subject)
    defer { statement.reset() }
    return try statement.step() ? statement.int(0) : nil
  }

  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws -> [FactID: [Row]] {
    var subjects: [Int64: [Int64]] = [:]
    for id in ids {
      let number = Int64(bitPattern: id.rawValue)
      guard let record = try factRecord(number)?.record else { continue }
      for (place, _) in record.places where place.kind == Row.kind { subjects[place.day, default: []].append(number) }
    }
    var result: [FactID: [Row]] = [:]
    for (day, numbers) in subjects.sorted(by: { $0.key < $1.key }) {
      let place = FactPlace(Row.kind, day: day)
      try visitFacts(of: numbers.sorted(), at: place) { subject, rows in
        try emit(rows, place) { result[FactID(rawValue: UInt64(bitPattern: subject)), default: []].append($0) }
      }
    }
    return result
  }

  func deliveries(of changes: Set<FactID>) throws -> [FactID: [DeliveredChange]] {
    let statement = try facts(.deliveries)
    defer { statement.reset() }
    var deploys: [Int64: Set<Int64>] = [:]
    for change in changes {
      statement.reset()
      statement.bind(1, Int64(bitPattern: change.rawValue))
      while try statement.step() { deploys[statement.int(1), default: []].insert(statement.int(0)) }
    }
    var result: [FactID: [DeliveredChange]] = [:]
    for (day, deploys) in deploys.sorted(by: { $0.key < $1.key }) {
      let place = FactPlace(.deliveredChange, day: day)
      try visitFacts(of: deploys.sorted(), at: place) { _, rows in
        try emit(rows, place) { (row: DeliveredChange) in
          if changes.contains(row.change) { result[row.change, default: []].append(row) }
        }
      }
    }
    return result
  }

  // MARK: Subjects, names and values

  /// Returns what is stored about the subject of facts. A damaged record is reported and counts as absent.
  func factRecord(_ id: Int64) throws -> (key: SubjectKey, record: FactRecord)? {
    guard caches.factSubjects.mayHave(id) else { return nil }
    let statement = try facts(.subject)
    statement.bind(1, id)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return try factRecord(id, statement, at: 0)
  }

  static func damageName(ofFactSubject id: Int64) -> String { "subject \(id)" }

  /// Returns the record in the current row, whose columns are from `column` on: key, checksum and data.
  func factRecord(_ id: Int64, _ row: SQLiteStatement, at column: Int32) throws -> (key: SubjectKey, record: FactRecord)? {
    try readable(.fact, Self.damageName(ofFactSubject: id)) { () throws -> (key: SubjectKey, record: FactRecord) in
      let bytes = try checked(row.bytes(column + 4), row, checksumAt: column + 3)
      guard let record = try? FactRecord(encoded: bytes) else {
        throw StoreError(.corrupt, "\(connection.path): a subject of facts cannot be read")
      }
      return (try key(row, at: column), record)
    }
  }

  func factSubjects(_ ids: Set<FactID>) throws -> [FactID: FactSubject] {
    var result: [FactID: FactSubject] = [:]
    // In the order in which they lie in the file.
    for id in ids.sorted() {
      guard let (key, record) = try factRecord(Int64(bitPattern: id.rawValue)) else { continue }
      result[id] = FactSubject(id: id, key: key, name: record.name, address: record.address, traceID: record.traceID)
    }
    return result
  }

  func factName(of text: String) throws -> Int64? {
    if let known = caches.factNames.id(of: text) { return known }
    let statement = try facts(.nameID)
    statement.bind(1, text)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    caches.factNames.insert(text, statement.int(0))
    return statement.int(0)
  }

  func factTexts(of names: Set<FactName>) throws -> [FactName: String] {
    let statement = try facts(.nameText)
    defer { statement.reset() }
    var result: [FactName: String] = [:]
    for name in names where name.isKnown {
      let id = Int64(name.rawValue)
      if let known = caches.factNames.text(of: id) {
        result[name] = known
        continue
      }
      statement.reset()
      statement.bind(1, id)
      guard try statement.step() else { continue }
      let text = statement.text(0)
      caches.factNames.insert(text, id)
      result[name] = text
    }
    return result
  }

  func factValues() throws -> [String: [UInt8]] {
    let statement = try facts(.values)
    defer { statement.reset() }
    var result: [String: [UInt8]] = [:]
    while try statement.step() {
      let name = statement.text(0)
      result[name] = try readable(.fact, "value \(name)") { () throws -> [UInt8] in
        try checked(statement.bytes(2), statement, checksumAt: 1)
      }
    }
    return result
  }

  // MARK: Progress

  /// A row of `fact_progress`.
  struct FactState {
    var version: Int64
    /// The subjects from `nextSubject` up to but not including `endSubject` await computation.
    var nextSubject: Int64
    var endSubject: Int64
    /// The facts of subjects after this id await removal; nil if none do.
    var removedTo: Int64?
    /// The branches after this one await computation; nil if none do.
    var branch: BranchCursor?
  }

  struct BranchCursor: Equatable {
    var space: Int64
    var number: Int64
    var text: String
  }

  func factState() throws -> FactState {
    let statement = try facts(.progress)
    defer { statement.reset() }
    guard try statement.step() else { throw StoreError(.corrupt, "\(connection.path): the progress of facts is missing") }
    let branch = statement.optionalInt(4).map {
      BranchCursor(space: $0, number: statement.int(5), text: statement.text(6))
    }
    return FactState(
      version: statement.int(0), nextSubject: statement.int(1), endSubject: statement.int(2),
      removedTo: statement.optionalInt(3), branch: branch)
  }

  func factProgress() throws -> FactProgress {
    let state = try factState()
    let count = try facts(.changeCount)
    defer { count.reset() }
    var progress = FactProgress(remainingSubjects: Int(clamping: max(0, state.endSubject - state.nextSubject)))
    progress.waitingBatches = try count.step() ? Int(clamping: count.int(0)) : 0
    for kind in FactKind.allCases {
      for query in [FactQuery.firstRowDay, .firstPageDay] {
        let first = try facts(query, FactPlace(kind, day: FactPlace.openDay))
        defer { first.reset() }
        guard try first.step() else { continue }
        let day = FactDay(rawValue: Int32(clamping: first.int(0)))
        progress.firstDay = min(progress.firstDay ?? day, day)
      }
    }
    return progress
  }
}

extension SpanStoreReader {
  /// Reads all facts and what belongs to them, so that all damage is reported.
  func examineFacts() throws {
    let days = Int64(Int32.min)...FactPlace.openDay
    try visitFacts(ChangeFact.self, days: days) { _ in }
    try visitFacts(DeployFact.self, days: days) { _ in }
    try visitFacts(DeliveredChange.self, days: days) { _ in }
    try visitFacts(IncidentFact.self, days: days) { _ in }
    try visitFacts(IssueFact.self, days: days) { _ in }
    try visitFacts(RunFact.self, days: days) { _ in }
    _ = try factValues()
    try examineRollUps()
    let subjects = try facts(.subjectsAfter)
    subjects.bind(1, Int64.min)
    subjects.bind(2, Int64.max)
    defer { subjects.reset() }
    while try subjects.step() { _ = try factRecord(subjects.int(0), subjects, at: 1) }
    let changes = try facts(.changes)
    defer { changes.reset() }
    while try changes.step() { _ = try factChanges(changes.int(0), changes, checksumAt: 1) }
  }
}
