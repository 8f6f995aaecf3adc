import ValueStreamCore

/// The query parameters of the list of spans.
///
/// `order` is `start`, `end`, `duration` or `age`. `from` and `to` (RFC 3339) compare the start in the orders by start and age,
/// and the end in those by end and duration. Without an order they select the subjects that ran at some time between them.
/// `environment` and `service` are those of deploys, incidents and other subjects that state one.
struct SpansQuery {
  private(set) var filter: SubjectFilter
  private(set) var references: [Reference]
  private(set) var order: SubjectOrder?
  private(set) var limit: Int
  /// The `next` of the previous page; nil for the first page.
  private(set) var cursor: String?
  private var environment: String?
  private var service: String?

  private static let limits = 1...1000
  private static let orders = SubjectOrder.allCases.map(\.rawValue)

  static let parameters =
    ListParameters.declarations + PageParameters.declarations(limits) + [
      APIParameter("from", .time, "The beginning of the window."),
      APIParameter("to", .time, "The end of the window, which does not belong to it."),
      APIParameter("environment", .text, "The environment that deploys and incidents state."),
      APIParameter("service", .text, "The service that deploys and incidents state, else their project."),
      APIParameter("order", .choice(orders), "The time that orders the list, and that from and to compare."),
    ]

  init(_ request: HTTPRequest) throws(QueryError) {
    var parameters = ListParameters(limit: 100, limits: Self.limits)
    var (from, to): (Timestamp?, Timestamp?)
    for (name, value) in request.query {
      switch name {
      case "from": from = try QueryError.time(name, value)
      case "to": to = try QueryError.time(name, value)
      case "environment": environment = try QueryError.text(name, value)
      case "service": service = try QueryError.text(name, value).lowercased()
      case "cursor": cursor = value
      case "order":
        guard let order = SubjectOrder(rawValue: value) else {
          throw QueryError(name, value, expected: "one of \(Self.orders.joined(separator: ", "))")
        }
        self.order = order
      default:
        guard try parameters.take(name, value) else { throw QueryError(unknown: name, known: Self.parameters) }
      }
    }
    if let from, let to, to < from { throw QueryError("to", to.rfc3339, expected: "a time that is not before from") }
    filter = parameters.filter
    references = parameters.references
    limit = parameters.page.limit
    try select(from, to)
    try check()
  }

  private mutating func select(_ from: Timestamp?, _ to: Timestamp?) throws(QueryError) {
    switch order {
    case nil: (filter.endedAfter, filter.startedBefore) = (from, to)
    case .start?: (filter.startedAfter, filter.startedBefore) = (from, to)
    case .end?, .duration?:
      if filter.isOpen == true { throw QueryError("order", order?.rawValue ?? "", expected: "start or age, with state=open") }
      filter.isOpen = false
      (filter.endedAfter, filter.endedBefore) = (from, to)
    case .age?:
      if filter.isOpen == false { throw QueryError("order", "age", expected: "start, end or duration, with state=finished") }
      filter.isOpen = true
      (filter.startedAfter, filter.startedBefore) = (from, to)
    }
  }

  private func check() throws(QueryError) {
    if !references.isEmpty, cursor != nil { throw QueryError("reference and cursor do not go together") }
    if !references.isEmpty, order != nil { throw QueryError("reference and order do not go together") }
    guard let cursor else { return }
    guard order == nil ? UInt64(cursor) != nil : SubjectPlace(cursor) != nil else {
      throw QueryError("cursor", cursor, expected: "the \"next\" of an earlier answer")
    }
  }

  /// True if the store cannot evaluate the whole query.
  var isSelective: Bool { environment != nil || service != nil }

  /// True if the subject is of the service and environment.
  ///
  /// Services match in any letter case. A subject that names no service belongs to the one that is called like its project.
  func matches(_ subject: Subject) -> Bool {
    if let environment, subject.environment != environment { return false }
    guard let service else { return true }
    return (subject.service ?? subject.project)?.lowercased() == service
  }
}

extension QueryError {
  /// Parses a time.
  ///
  /// - Throws: ``QueryError`` for anything else.
  static func time(_ name: String, _ value: String) throws(QueryError) -> Timestamp {
    guard let time = Timestamp(rfc3339: value) else {
      throw QueryError(name, value, expected: "a time such as 2026-03-01T08:00:00Z")
    }
    return time
  }
}
