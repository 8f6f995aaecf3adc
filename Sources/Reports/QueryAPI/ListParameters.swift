import ValueStreamCore

/// The parameters that lists of spans and of traces share.
struct ListParameters {
  var filter = SubjectFilter()
  private(set) var page: PageParameters
  /// Names of the only things that are looked for; empty for all things.
  var references: [Reference] = []

  static let names = "operation, source, project, outcome, state, reference, \(PageParameters.names)"

  /// A list of more is a mistake, and would be a costly one.
  private static let referenceLimit = 20

  init(limit: Int, limits: ClosedRange<Int>) {
    page = PageParameters(limit: limit, limits: limits)
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
    case "reference":
      let parts = value.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw QueryError(name, value, expected: "a kind and a name, such as custom:shop/42") }
      references.append(Reference(Reference.Kind(rawValue: String(parts[0])), String(parts[1])))
      if references.count > Self.referenceLimit { throw QueryError("reference: more than \(Self.referenceLimit) of them") }
    default: return try page.take(name, value)
    }
    return true
  }
}
