import ValueStreamCore

/// Reads subjects in the order of their times.
///
/// There is an index for each order, by operation and then by rank. A list of all operations merges the lists of each. Rows are
/// read one by one until the page is full or ``rowLimit`` rows were read, so that the work for a page is bounded even if
/// hardly any row matches.
struct OrderedList {
  /// A row without its subject.
  struct Row {
    var place: SubjectPlace
    var source: Int64
    var project: Int64?
    var outcome: Int64?
    var start: Int64
    var end: Int64?
  }

  /// The number of rows that are read for one page at most.
  static let rowLimit = 20_000

  /// The values that rows must have. Nil matches every row.
  private var source: Int64?
  private var project: Int64?
  private var outcome: Int64?
  private let filter: SubjectFilter

  /// Nil if nothing can match, because a name in the filter was never stored.
  init?(_ filter: SubjectFilter, nameID: (String) throws -> Int64?) throws {
    self.filter = filter
    func id(_ name: String?) throws -> (isKnown: Bool, id: Int64?) {
      guard let name else { return (true, nil) }
      let id = try nameID(name)
      return (id != nil, id)
    }
    let (source, project, outcome) = try (id(filter.source), id(filter.project), id(filter.outcome?.rawValue))
    guard source.isKnown, project.isKnown, outcome.isKnown else { return nil }
    (self.source, self.project, self.outcome) = (source.id, project.id, outcome.id)
  }

  func matches(_ row: Row) -> Bool {
    guard source == nil || source == row.source, project == nil || project == row.project,
      outcome == nil || outcome == row.outcome
    else { return false }
    var times = filter
    (times.operation, times.source, times.project, times.outcome) = (nil, nil, nil, nil)
    // The operation and source of the row are checked already, so the summary needs none of its own.
    return times.matches(
      SubjectSummary(
        operation: .issue, source: "", project: nil, outcome: nil, start: Timestamp(nanoseconds: row.start),
        end: row.end.map { Timestamp(nanoseconds: $0) }))
  }

  /// The greatest rank that can match.
  func greatestRank(in order: SubjectOrder) -> Int64 {
    switch order {
    case .start: filter.startedBefore.map { $0.nanoseconds } ?? .max
    case .end: filter.endedBefore.map { $0.nanoseconds } ?? .max
    case .age: filter.startedAfter.map { -$0.nanoseconds } ?? .max
    case .duration: .max
    }
  }

  /// The least rank that can match.
  func leastRank(in order: SubjectOrder) -> Int64 {
    switch order {
    case .start: filter.startedAfter.map { $0.nanoseconds } ?? .min
    case .end: filter.endedAfter.map { $0.nanoseconds } ?? .min
    case .age: filter.startedBefore.map { -$0.nanoseconds } ?? .min
    case .duration: .min
    }
  }

  /// The query for the rows of an operation from a place on: ?1 the operation, ?2 and ?3 the place, ?4 the least rank.
  static func sql(_ order: SubjectOrder) -> String {
    // The expressions must be those of the indexes. What is open is read as a whole, as gauges do, and sorted.
    let (rank, index, condition) =
      switch order {
      case .start: ("start", "subject_start", "operation IS NOT NULL")
      case .end: ("end", "subject_end", "operation IS NOT NULL AND end IS NOT NULL")
      case .duration: ("end - start", "subject_duration", "operation IS NOT NULL AND end IS NOT NULL")
      case .age: ("-start", "subject_open", "end IS NULL")
      }
    return """
      SELECT \(rank), seq, source, project, outcome, start, end FROM subject INDEXED BY \(index)
      WHERE operation = ?1 AND \(condition) AND \(rank) <= ?2 AND (\(rank) < ?2 OR seq < ?3) AND \(rank) >= ?4
      ORDER BY \(rank) DESC, seq DESC
      """
  }
}

/// The rows of one operation, of which the first is known.
private struct OperationRows {
  let statement: SQLiteStatement
  private(set) var row: OrderedList.Row?

  init(_ statement: SQLiteStatement) throws {
    self.statement = statement
    try advance()
  }

  mutating func advance() throws {
    row = nil
    guard try statement.step() else { return }
    row = OrderedList.Row(
      place: SubjectPlace(rank: statement.int(0), sequence: UInt64(clamping: statement.int(1))), source: statement.int(2),
      project: statement.optionalInt(3), outcome: statement.optionalInt(4), start: statement.int(5), end: statement.optionalInt(6)
    )
  }
}

extension SpanStoreReader {
  func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws -> OrderedSubjectPage {
    guard limit > 0 else { return OrderedSubjectPage(next: cursor) }
    var page = OrderedSubjectPage()
    guard let list = try OrderedList(filter, nameID: nameID) else { return page }
    var sources = try self.operations(filter.operation).compactMap { operation in
      try passingDamage(&page) { try OperationRows(rows(of: operation, list, order, after: cursor)) }
    }
    defer { for rows in sources { rows.statement.reset() } }
    var readCount = 0
    var last = cursor
    while let index = sources.indices.filter({ sources[$0].row != nil }).max(by: { left, right in
      guard let left = sources[left].row, let right = sources[right].row else { return false }
      return left.place < right.place
    }), let row = sources[index].row {
      guard page.subjects.count + page.damagedCount < limit, readCount < OrderedList.rowLimit else {
        page.next = last
        break
      }
      readCount += 1
      last = row.place
      if list.matches(row) { try add(row, to: &page) }
      if try passingDamage(&page, { try sources[index].advance() }) == nil { sources.remove(at: index) }
    }
    return page
  }

  /// The ids of the operations to list, or of the one that is asked for.
  private func operations(_ operation: Operation?) throws -> [Int64] {
    if let operation { return try nameID(operation.rawValue).map { [$0] } ?? [] }
    let statement = try statement(.storedOperations)
    defer { statement.reset() }
    var result: [Int64] = []
    while try statement.step() { if let id = statement.optionalInt(0) { result.append(id) } }
    return result
  }

  private func rows(
    of operation: Int64, _ list: OrderedList, _ order: SubjectOrder, after cursor: SubjectPlace?
  ) throws -> SQLiteStatement {
    let statement = try connection.prepare(OrderedList.sql(order))
    var first = SubjectPlace(rank: list.greatestRank(in: order), sequence: UInt64(Int64.max))
    if let cursor { first = min(first, cursor) }
    statement.bind(1, operation)
    statement.bind(2, first.rank)
    statement.bind(3, Int64(clamping: first.sequence))
    statement.bind(4, list.leastRank(in: order))
    return statement
  }

  private func add(_ row: OrderedList.Row, to page: inout OrderedSubjectPage) throws {
    let statement = try statement(.subjectInRow)
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: row.place.sequence))
    let subject = try readable(.subject, "in row \(row.place.sequence)") { () throws -> Subject? in
      guard try statement.step() else { return nil }
      return try Subject(
        key: key(statement, at: 0), encoded: checked(statement.bytes(3), statement, checksumAt: 4))
    }
    switch subject {
    case .some(.some(let subject)): page.subjects.append(PlacedSubject(row.place, subject))
    // Retention removed the row meanwhile.
    case .some(.none): break
    case .none: page.damagedCount += 1
    }
  }

  /// Returns nil, and counts one damaged subject, if pages of the file cannot be read.
  private func passingDamage<Value>(_ page: inout OrderedSubjectPage, _ body: () throws -> Value) throws -> Value? {
    do {
      return try body()
    } catch let error as StoreError where error.code == .corrupt {
      page.damagedCount += 1
      damage.note(StoreDamage(.subject, "in an index", reason: error.message))
      return nil
    }
  }
}
