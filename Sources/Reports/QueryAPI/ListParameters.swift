import ValueStreamCore

/// The parameters that lists of spans and of traces share.
struct ListParameters {
  var filter = SubjectFilter()
  var cursor: UInt64?
  var limit: Int
  private let limits: ClosedRange<Int>

  static let names = "operation, source, project, outcome, state, limit, cursor"

  init(limit: Int, limits: ClosedRange<Int>) {
    self.limit = limit
    self.limits = limits
  }

  /// Takes in one parameter; false when it is none of these.
  mutating func take(_ name: String, _ value: String) throws(QueryError) -> Bool {
    switch name {
    case "operation": filter.operation = Operation(rawValue: value)
    case "source": filter.source = value
    case "project": filter.project = value
    case "outcome":
      guard let outcome = Outcome(rawValue: value) else {
        throw QueryError(name, value, expected: "one of \(Outcome.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      filter.outcome = outcome
    case "state":
      switch value {
      case "open": filter.isOpen = true
      case "finished": filter.isOpen = false
      default: throw QueryError(name, value, expected: "open or finished")
      }
    case "limit":
      guard let number = Int(value), limits.contains(number) else {
        throw QueryError(name, value, expected: "a number from \(limits.lowerBound) to \(limits.upperBound)")
      }
      limit = number
    case "cursor":
      guard let number = UInt64(value) else { throw QueryError(name, value, expected: "the \"next\" of an earlier answer") }
      cursor = number
    default: return false
    }
    return true
  }
}
