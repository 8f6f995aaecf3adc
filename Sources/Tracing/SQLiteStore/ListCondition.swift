import ValueStreamCore

/// A list filter as a SQL condition.
///
/// Every list is read in the order of its rows until the page is full, and through one index at most: that of the filter
/// that is usually the most selective. A unary `+` keeps SQLite from using the other indexes, because it has no
/// statistics to choose by.
struct ListCondition {
  private var sql = "s.operation IS NOT NULL"
  /// The values to bind, from the third parameter on.
  private(set) var values: [Int64] = []

  /// Nil if nothing can match, because a name in the filter was never stored.
  init?(_ filter: SubjectFilter, nameID: (String) throws -> Int64?) throws {
    let byProject = filter.project != nil
    let byOpen = !byProject && filter.isOpen == true
    let named = [
      ("s.project", filter.project), ("\(byProject || byOpen ? "+" : "")s.operation", filter.operation?.rawValue),
      ("s.source", filter.source), ("s.outcome", filter.outcome?.rawValue),
    ]
    for case (let column, let name?) in named {
      guard let id = try nameID(name) else { return nil }
      add("\(column) =", id)
    }
    switch filter.isOpen {
    case true?: sql += byOpen ? " AND s.end IS NULL" : " AND +s.end IS NULL"
    case false?: sql += " AND +s.end IS NOT NULL"
    case nil: break
    }
    if let cutoff = filter.endedAfter { add("coalesce(s.end, 9223372036854775807) >=", cutoff.nanoseconds) }
    if let cutoff = filter.endedBefore { add("+s.end <", cutoff.nanoseconds) }
    // A unary `+` keeps SQLite from reading by the index of the order by start, which is not the order of the list.
    if let cutoff = filter.startedAfter { add("+s.start >=", cutoff.nanoseconds) }
    if let cutoff = filter.startedBefore { add("+s.start <", cutoff.nanoseconds) }
    if let bounds = filter.duration {
      values.append(bounds.now.nanoseconds)
      let length = "coalesce(s.end, ?\(values.count + 2)) - s.start"
      add("\(length) >=", bounds.minimum)
      add("\(length) <=", bounds.maximum)
    }
  }

  /// The query for a page of matching subjects, newest first.
  ///
  /// The first parameter is the sequence to start below, the second the number of rows.
  var listSQL: String {
    """
    SELECT s.seq, s.space, s.number, s.text, d.data, d.checksum FROM subject s LEFT JOIN subject_data d ON d.seq = s.seq
    WHERE s.seq < ?1 AND \(sql) ORDER BY s.seq DESC LIMIT ?2
    """
  }

  private mutating func add(_ comparison: String, _ value: Int64) {
    values.append(value)
    sql += " AND \(comparison) ?\(values.count + 2)"
  }
}
