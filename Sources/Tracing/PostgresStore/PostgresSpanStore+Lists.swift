package import ValueStreamCore

/// A condition of a list with its parameters.
private struct Condition {
  var sql = "operation IS NOT NULL"
  var values: [PostgresValue]

  init(_ filter: SubjectFilter, after values: [PostgresValue]) {
    self.values = values
    for case (let column, let text?) in [
      ("operation", filter.operation?.rawValue), ("source", filter.source), ("project", filter.project),
      ("outcome", filter.outcome?.rawValue),
    ] {
      add("\(column) =", PostgresValue(text))
    }
    switch filter.isOpen {
    case true?: sql += " AND ended IS NULL"
    case false?: sql += " AND ended IS NOT NULL"
    case nil: break
    }
    if let cutoff = filter.endedAfter { add("coalesce(ended, \(Int64.max)) >=", .integer(cutoff.nanoseconds)) }
    if let cutoff = filter.endedBefore { add("ended <", .integer(cutoff.nanoseconds)) }
    if let cutoff = filter.startedAfter { add("begun >=", .integer(cutoff.nanoseconds)) }
    if let cutoff = filter.startedBefore { add("begun <", .integer(cutoff.nanoseconds)) }
    if let bounds = filter.duration {
      self.values.append(.integer(bounds.now.nanoseconds))
      // The difference of two times may be beyond 64 bits. An unbounded side has no condition.
      let length = "coalesce(ended, $\(self.values.count))::numeric - begun"
      if bounds.minimum > .min { add("\(length) >=", .integer(bounds.minimum)) }
      if bounds.maximum < .max { add("\(length) <=", .integer(bounds.maximum)) }
    }
  }

  mutating func add(_ comparison: String, _ value: PostgresValue) {
    values.append(value)
    sql += " AND \(comparison) $\(values.count)"
  }
}

extension PostgresSpanStore {
  package func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
    guard limit > 0 else { return SubjectPage(subjects: [], next: cursor) }
    let condition = Condition(filter, after: [.integer(cursor.map { Int64(clamping: $0) } ?? .max), .integer(Self.more(limit))])
    return try page(
      "SELECT seq, key, data FROM @subject WHERE seq < $1 AND \(condition.sql) ORDER BY seq DESC LIMIT $2", condition.values,
      limit: limit)
  }

  package func subjects(after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
    guard limit > 0 else { return SubjectPage(subjects: [], next: cursor) }
    return try page(
      "SELECT seq, key, data FROM @subject WHERE seq > $1 ORDER BY seq LIMIT $2",
      [.integer(Int64(clamping: cursor ?? 0)), .integer(Self.more(limit))], limit: limit)
  }

  /// One row more than the limit tells whether there is another page.
  private static func more(_ limit: Int) -> Int64 { Int64(clamping: limit) == .max ? .max : Int64(clamping: limit) + 1 }

  private func page(_ sql: String, _ values: [PostgresValue], limit: Int) throws(StoreError) -> SubjectPage {
    let rows = try pool.query(sql, values)
    var page = SubjectPage(subjects: [], next: nil)
    for row in rows.prefix(limit) {
      if let subject = try subject(row, keyAt: 1) { page.subjects.append(subject) } else { page.damagedCount += 1 }
    }
    if rows.count > limit { page.next = UInt64(clamping: rows[limit - 1].int(0)) }
    return page
  }

  private func subject(_ row: PostgresConnection.Row, keyAt column: Int32) throws(StoreError) -> Subject? {
    let key = Self.key(row, column)
    return try readable(.subject, key.description) { try Subject(key: key, encoded: row.bytes(column + 1)) }
  }

  package func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) throws(StoreError) -> OrderedSubjectPage {
    guard limit > 0 else { return OrderedSubjectPage(next: cursor) }
    var condition = Condition(filter, after: [.integer(Self.more(limit))])
    // The age is the negated start, so the oldest is the one with the least start.
    let (column, direction, comparison) =
      switch order {
      case .start: ("begun", "DESC", "<")
      case .end: ("ended", "DESC", "<")
      case .duration: ("duration", "DESC", "<")
      case .age: ("begun", "ASC", ">")
      }
    switch order {
    case .start: break
    case .end, .duration: condition.sql += " AND ended IS NOT NULL"
    case .age: condition.sql += " AND ended IS NULL"
    }
    if let cursor {
      condition.values.append(.integer(order == .age ? 0 &- cursor.rank : cursor.rank))
      let rank = condition.values.count
      condition.values.append(.integer(Int64(clamping: cursor.sequence)))
      condition.sql += " AND (\(column) \(comparison) $\(rank) OR (\(column) = $\(rank) AND seq < $\(rank + 1)))"
    }
    let rows = try pool.query(
      """
      SELECT \(column), seq, key, data FROM @subject WHERE \(condition.sql) ORDER BY \(column) \(direction), seq DESC LIMIT $1
      """, condition.values)
    var page = OrderedSubjectPage()
    func place(_ row: PostgresConnection.Row) -> SubjectPlace {
      SubjectPlace(rank: order == .age ? 0 &- row.int(0) : row.int(0), sequence: UInt64(clamping: row.int(1)))
    }
    for row in rows.prefix(limit) {
      if let subject = try subject(row, keyAt: 2) {
        page.subjects.append(PlacedSubject(place(row), subject))
      } else {
        page.damagedCount += 1
      }
    }
    if rows.count > limit { page.next = place(rows[limit - 1]) }
    return page
  }

  package func openSubjects() throws(StoreError) -> [OpenSubjects] {
    try pool.query(
      """
      SELECT operation, source, project, count(*), avg(begun)::numeric::int8, min(begun) FROM @subject
      WHERE ended IS NULL AND operation IS NOT NULL GROUP BY operation, source, project
      """
    ).map { row in
      OpenSubjects(
        operation: Operation(rawValue: row.text(0)), source: row.text(1), project: row.optionalText(2),
        count: Int(clamping: row.int(3)), meanStart: Timestamp(nanoseconds: row.int(4)),
        firstStart: Timestamp(nanoseconds: row.int(5)))
    }
  }
}
