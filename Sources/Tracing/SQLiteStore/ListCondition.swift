import ValueStreamCore

/// A filter of a list as SQL.
///
/// Every list is read in the order of its rows until a page is full, through one index at most: of the filters given the
/// one that usually leaves least. A `+` keeps the others from being used, which SQLite could not choose between.
struct ListCondition {
  private var sql = "s.operation IS NOT NULL"
  /// What is bound from the third parameter on.
  private(set) var values: [Int64] = []

  /// Nil when nothing can match, because a name was never stored.
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
    case false?: sql += " AND s.end IS NOT NULL"
    case nil: break
    }
    if let cutoff = filter.endedAfter { add("coalesce(s.end, 9223372036854775807) >=", cutoff.nanoseconds) }
    if let cutoff = filter.startedBefore { add("s.start <", cutoff.nanoseconds) }
    if let bounds = filter.duration {
      values.append(bounds.now.nanoseconds)
      let length = "coalesce(s.end, ?\(values.count + 2)) - s.start"
      add("\(length) >=", bounds.minimum)
      add("\(length) <=", bounds.maximum)
    }
  }

  /// A page of matching things: those before the sequence in the first parameter, as many as the second says.
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
