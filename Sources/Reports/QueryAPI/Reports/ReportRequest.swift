import DeliveryMetrics
import ValueStreamCore

/// A question for a report, from the query parameters of a request.
struct ReportRequest: Sendable {
  let kind: ReportKind
  private(set) var frame: ReportFrame
  private(set) var scope: ReportScope
  private(set) var grouping: Grouping?
  private(set) var bucketWidth: BucketWidth?
  private(set) var leadTimeFrom: LeadTimeBasis
  private(set) var settings: ReportSettings
  private(set) var isCSV: Bool
  /// True to list deploys to all environments.
  private(set) var includesAllEnvironments: Bool
  private let values: ParameterValues
  private let base: String
  /// The encoded parameters of ``pinned``. They are in the address of each number of an answer.
  private var pinnedQuery = ""

  /// - Throws: ``QueryError`` for an unknown parameter, or a value that it does not take.
  init(
    _ kind: ReportKind, _ query: [(name: String, value: String)], parameters: [APIParameter], defaults: ReportDefaults,
    now: Timestamp
  ) throws(QueryError) {
    self.kind = kind
    let values = try ParameterValues(query, parameters)
    self.values = values
    settings = defaults.settings
    base = defaults.base
    if let bots = values["bots"] { settings.includesBots = bots == "include" }
    if let rules = values["rules"] { settings.failureRules = Set(APIParameter.words(in: rules).compactMap(FailureRule.init)) }
    let environments = values.all("environment")
    includesAllEnvironments = environments.contains("*")
    scope = ReportScope(
      services: values.patterns("service"), repositories: values.patterns("repository"), team: values["team"],
      environments: values.patterns("environment"), workTypes: values.patterns("work-type"))
    if let team = scope.team, !settings.teams.contains(where: { $0.name == team }) {
      let known = settings.teams.map(\.name)
      throw QueryError(
        "team", team, expected: known.isEmpty ? "no team: --teams names none" : "one of \(known.joined(separator: ", "))")
    }
    grouping = values["group-by"].flatMap(Grouping.init)
    if grouping == .team, settings.teams.isEmpty {
      throw QueryError("group-by", "team", expected: "another word, because --teams names no team")
    }
    bucketWidth = values["bucket"].flatMap(BucketWidth.init)
    leadTimeFrom = values["lead-time-from"].flatMap(LeadTimeBasis.init) ?? .commit
    isCSV = values["format"] == "csv"
    var zone = defaults.zone
    if let name = values["time-zone"] {
      do throws(ReportError) {
        zone = try .named(name)
      } catch {
        throw QueryError("time-zone", name, expected: "a name of the time zone database, such as Europe/Berlin")
      }
    }
    let window = try Self.window(values, now: now)
    frame = ReportFrame(window: window, comparison: Self.comparison(values["compare"], window), zone: zone, now: now)
    // Roll-ups count days of the store's zone.
    if kind == .pipelines {
      frame.zone = defaults.zone
      frame = frame.wholeDays
    }
    pinnedQuery = Self.encoded(pinned)
  }

  /// The question without a comparison if history begins after the period to compare with. Nothing is known of that period,
  /// which is not the same as none.
  ///
  /// - Parameter beginning: When the history of the scope begins. Nil if there is none.
  func comparing(sinceBeginning beginning: Timestamp?) -> ReportRequest {
    guard let compared = frame.comparedWindow, let beginning, beginning >= compared.end else { return self }
    var request = self
    request.frame.comparison = .none
    return request
  }

  private static func comparison(_ name: String?, _ window: TimeWindow) -> ReportFrame.Comparison {
    switch name {
    case "none": .none
    case "year": .window(window.yearBefore)
    default: .previousPeriod
    }
  }

  /// The length of the window if neither `from` nor `since` is given.
  private static let usualLength = Duration.seconds(90 * 86_400)

  private static func window(_ values: ParameterValues, now: Timestamp) throws(QueryError) -> TimeWindow {
    let end = values["to"].flatMap { Timestamp(rfc3339: $0) } ?? now
    if let from = values["from"], let since = values["since"] {
      throw QueryError("since", since, expected: "no from beside it, which is \(from)")
    }
    let length = values["since"].flatMap { try? Duration(setting: $0) } ?? usualLength
    let start = values["from"].flatMap { Timestamp(rfc3339: $0) } ?? end.advanced(byNanoseconds: -length.nanoseconds)
    guard start < end else {
      throw QueryError("from", values["from"] ?? start.rfc3339, expected: "a time before to, which is \(end.rfc3339)")
    }
    return TimeWindow(start: start, end: end)
  }

  // MARK: Other parameters

  subscript(name: String) -> String? { values[name] }

  func integer(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

  /// The beginning of a day in the time zone of the report.
  func day(_ text: String) -> Timestamp? { APIParameter.day(text).map { frame.zone.start(ofLocalDay: $0) } }

  var days: [Timestamp] { values["blackout"].map { APIParameter.words(in: $0).compactMap { day($0) } } ?? [] }

  /// The page of a list.
  func page(limit: Int) -> PageRequest {
    PageRequest(
      cursor: values["cursor"], limit: integer("limit") ?? limit,
      order: values["order"].flatMap(PageRequest.Order.init) ?? .newestFirst)
  }

  /// The group that evidence is about.
  var group: GroupKey {
    guard let grouping else { return .all }
    return GroupKey(grouping: grouping, name: values["group"].flatMap { $0.isEmpty ? nil : $0 })
  }

  var period: Period { values["period"].flatMap(Period.init) ?? .current }

  var bucketStart: Timestamp? { values["bucket-start"].flatMap { Timestamp(rfc3339: $0) } }

  // MARK: Addresses

  /// The name that a group has in a member such as `service`: that of the group, or the only one that is asked for.
  func label(_ grouping: Grouping, of group: GroupKey) -> String? {
    if group.grouping == grouping { return group.name }
    if grouping == .team { return scope.team }
    let names = values.all(grouping.rawValue)
    guard names.count == 1, let name = names.first, !name.contains("*"), !name.contains("?") else { return nil }
    return name
  }

  /// Returns the address of the rows behind a number.
  ///
  /// - Parameter kind: The report that has the metric, if it is another one.
  func evidence(of metric: String, in group: GroupKey, bucket: Timestamp? = nil, kind: ReportKind? = nil) -> String {
    var query = pinnedQuery
    if group.grouping != nil { query += "&group=\(PercentEncoding.encode(group.name ?? ""))" }
    if let bucket { query += "&bucket-start=\(PercentEncoding.encode(bucket.rfc3339))" }
    let path = "\((kind ?? self.kind).rawValue)/\(metric.replacing("_", with: "-"))/evidence"
    return "\(base)\(ReportHandler.prefix)\(path)?\(query)"
  }

  /// Returns the path and query of the next page.
  func address(_ path: String, cursor: String) -> String {
    address(path, values.given.filter { $0.name != "cursor" } + [("cursor", cursor)])
  }

  /// The parameters with the window as it is now, so that the address always answers the same question.
  private var pinned: [(name: String, value: String)] {
    let others = values.given.filter { !["from", "to", "since", "format", "limit", "list", "cursor"].contains($0.name) }
    return [("from", frame.window.start.rfc3339), ("to", frame.window.end.rfc3339)] + others
  }

  private func address(_ path: String, _ query: [(name: String, value: String)]) -> String {
    "\(base)\(path)?\(Self.encoded(query))"
  }

  private static func encoded(_ query: [(name: String, value: String)]) -> String {
    query.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
  }
}

/// The values of query parameters, checked against their declarations.
struct ParameterValues: Sendable {
  let given: [(name: String, value: String)]

  /// The number of values of one parameter that may be repeated.
  private static let repetitionLimit = 50

  init(_ query: [(name: String, value: String)], _ parameters: [APIParameter]) throws(QueryError) {
    for (index, (name, value)) in query.enumerated() {
      guard let parameter = parameters.first(where: { $0.name == name }) else {
        throw QueryError(unknown: name, of: "report", known: parameters)
      }
      try parameter.check(value)
      let before = query[..<index].count { $0.name == name }
      guard before == 0 || parameter.isRepeatable && before < Self.repetitionLimit else {
        throw QueryError("\(name): given \(parameter.isRepeatable ? "more than \(Self.repetitionLimit) times" : "twice")")
      }
    }
    given = query
  }

  subscript(name: String) -> String? { given.first { $0.name == name }?.value }

  func all(_ name: String) -> [String] { given.filter { $0.name == name }.map(\.value) }

  func patterns(_ name: String) -> [NamePattern] { all(name).map { NamePattern($0) } }
}
