import ValueStreamCore

/// The query parameters that the lists of spans and traces share.
struct ListParameters {
  var filter = SubjectFilter()
  private(set) var page: PageParameters
  /// Selects the subjects with one of these names; empty for all subjects.
  var references: [Reference] = []

  static let declarations = [
    APIParameter("operation", .text, "Such as pull_request, build or deploy, or the type of a custom event."),
    APIParameter("source", .text, "Such as github or jira."),
    APIParameter("project", .text, "The name of a repository, project, folder of a job or namespace."),
    APIParameter("outcome", .choice(Outcome.allCases.map(\.rawValue)), "How the last attempt ended."),
    APIParameter("state", .choice(["open", "finished"]), "Whether something runs."),
    APIParameter(
      "reference", .text, "A name of an item, as kind:name, such as issue:TP-3.", isRepeatable: true),
  ]

  /// The maximum number of `reference` parameters. A longer list is probably a mistake, and expensive to look up.
  private static let referenceLimit = 20

  init(limit: Int, limits: ClosedRange<Int>) {
    page = PageParameters(limit: limit, limits: limits)
  }

  /// Parses one parameter. Returns false if the list does not have it.
  ///
  /// - Throws: ``QueryError`` for an invalid value.
  mutating func take(_ name: String, _ value: String) throws(QueryError) -> Bool {
    switch name {
    case "operation": filter.operation = Operation(rawValue: try QueryError.text(name, value))
    case "source": filter.source = try QueryError.text(name, value)
    case "project": filter.project = try QueryError.text(name, value)
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
