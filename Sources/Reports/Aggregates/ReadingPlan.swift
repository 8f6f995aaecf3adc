/// The columns, measures and conditions to read from each row for a set of views and tallies.
struct ReadingPlan: Sendable {
  let timeColumn: String
  let calendar: Calendar
  let measures: [Measure]
  let conditions: [Condition]
  let instantColumns: [String]
  /// The columns that every file must have.
  let columns: [String]

  init(timeColumn: String, calendar: Calendar, views: [View], tallies: [Tally]) {
    self.timeColumn = timeColumn
    self.calendar = calendar
    measures = (views.flatMap(\.measures) + tallies.flatMap(\.measures)).distinct
    conditions = views.flatMap(\.conditions).distinct
    instantColumns = (measures.flatMap(\.instantColumns) + conditions.flatMap(\.instantColumns)).distinct
    let groups = views.flatMap(\.groups).map(\.column)
    columns = (groups + [timeColumn] + measures.flatMap(\.columns) + conditions.map(\.column)).distinct
  }
}

extension Measure {
  var columns: [String] {
    switch self {
    case .number(let column): [column]
    case .seconds(let from, let to): [from] + to
    }
  }

  var instantColumns: [String] {
    if case .seconds = self { columns } else { [] }
  }
}

extension Condition {
  var column: String {
    switch self {
    case .isTrue(let column), .hasInstant(let column), .isOneOf(let column, _), .isWithin(let column, _, _): column
    }
  }

  var instantColumns: [String] {
    if case .hasInstant(let column) = self { [column] } else { [] }
  }
}
