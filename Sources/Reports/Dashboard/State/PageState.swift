import ValueStreamCore

/// What a page shows, as its address says it: scope, window, order and place in a list.
///
/// The state parses from the query of a request and writes itself back into addresses, so that a link shares the view.
struct PageState: Hashable {
  /// A query parameter. Each page says which ones it takes.
  enum Parameter: String, CaseIterable {
    case source, project, environment, tier, outcome, state, result
    case team, service, repository
    case workType = "work-type"
    case from, to, compare
    // The rows behind a number
    case part, period, group
    case groupBy = "group-by"
    case bucketStart = "bucket-start"
    // Forecasts
    case items, by, blackout, seed
    case sort, cursor, place, limit
    case q, key, span, rows
    case format
  }

  /// The form of the answer.
  enum Format: String, CaseIterable {
    case html, json, csv
  }

  /// A period, `[from, to)`. An open side is nil. In addresses, a date as its end includes that day.
  struct Window: Hashable {
    var from: Timestamp?
    var to: Timestamp?

    var isEmpty: Bool { from == nil && to == nil }
  }

  /// With what a page of metrics compares. Without it, with the period of the same length before.
  enum Comparison: String, CaseIterable {
    case previous, year, none
  }

  /// The order of a list.
  enum Sort: String, CaseIterable {
    case newest, oldest, longest, shortest
  }

  /// The texts of the parameters that are names: source, project, environment, search text, key, span.
  private(set) var texts: [Parameter: String] = [:]
  var outcome: Outcome?
  /// True if only deploys to production are asked for.
  var isProduction = false
  /// True for what still runs, false for what ended.
  var isOpen: Bool?
  var result: DeliveryResult?
  var window = Window()
  var sort: Sort?
  var comparison: Comparison?
  var items: Int?
  var seed: Int?
  var cursor: UInt64?
  var limit: Int?
  var rows: Int?
  var format = Format.html

  subscript(name: Parameter) -> String? {
    get { texts[name] }
    set { texts[name] = newValue }
  }

  init() {}

  /// The longest text of a parameter, in bytes. Keys and search texts are shorter.
  private static let longestText = 1000
  private static let limits = 1...200
  private static let rowLimits = 1...5000
  private static let itemLimits = 1...100_000
  private static let results: [DeliveryResult] = [.recorded, .ignored, .unreadable]

  /// Parses the query of a request.
  ///
  /// - Parameters:
  ///   - known: The parameters that the page takes. `format` is always one.
  ///   - formats: The forms in which the page answers.
  /// - Throws: ``PageError`` with status 400 for an unknown, repeated or invalid parameter.
  init(
    _ request: HTTPRequest, taking known: [Parameter], sorts: [Sort] = [], formats: [Format] = [.html]
  ) throws(PageError) {
    var seen: Set<Parameter> = []
    for (name, value) in request.query {
      guard let parameter = Parameter(rawValue: name), known.contains(parameter) || parameter == .format && formats.count > 1
      else { throw PageError(unknown: name, known: known.map(\.rawValue) + (formats.count > 1 ? ["format"] : [])) }
      // A form sends its empty fields, too.
      if value.isEmpty { continue }
      guard seen.insert(parameter).inserted else { throw PageError(400, "\(name) is given twice") }
      try take(parameter, value, sorts, formats)
    }
    if let from = window.from, let to = window.to, from >= to {
      throw PageError(400, "the period ends before it begins: from=\(from.rfc3339), to=\(to.rfc3339)")
    }
  }

  private mutating func take(
    _ parameter: Parameter, _ value: String, _ sorts: [Sort], _ formats: [Format]
  ) throws(PageError) {
    switch parameter {
    case .source, .project, .environment, .team, .service, .repository, .workType, .place, .q, .key, .span, .part, .period,
      .group,
      .groupBy, .bucketStart, .by, .blackout:
      guard value.utf8.count <= Self.longestText else { throw PageError(400, "\(parameter.rawValue) is too long") }
      texts[parameter] = value
    case .outcome: outcome = try Self.one(of: Outcome.allCases, parameter, value)
    case .state:
      switch value {
      case "open": isOpen = true
      case "finished": isOpen = false
      default: throw PageError(parameter, value, expected: "open or finished")
      }
    case .tier:
      guard value == "production" else { throw PageError(parameter, value, expected: "production") }
      isProduction = true
    case .result: result = try Self.one(of: Self.results, parameter, value)
    case .from: window.from = try Self.time(parameter, value)
    case .to:
      let time = try Self.time(parameter, value)
      window.to = Timestamp(rfc3339: value) == nil ? time.advanced(bySeconds: Self.dayLength) : time
    case .compare: comparison = try Self.one(of: Comparison.allCases, parameter, value)
    case .items: items = try Self.number(parameter, value, in: Self.itemLimits)
    case .seed: seed = try Self.number(parameter, value, in: 0...Int(Int32.max))
    case .sort: sort = try Self.one(of: sorts, parameter, value)
    case .cursor: cursor = try Self.number(parameter, value)
    case .limit: limit = try Self.number(parameter, value, in: Self.limits)
    case .rows: rows = try Self.number(parameter, value, in: Self.rowLimits)
    case .format: format = try Self.one(of: formats, parameter, value)
    }
  }

  private static func one<Value: RawRepresentable>(
    of values: [Value], _ parameter: Parameter, _ text: String
  ) throws(PageError) -> Value where Value.RawValue == String {
    guard let value = values.first(where: { $0.rawValue == text }) else {
      throw PageError(parameter, text, expected: "one of \(values.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  private static func number(_ parameter: Parameter, _ text: String, in range: ClosedRange<Int>) throws(PageError) -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw PageError(parameter, text, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func number(_ parameter: Parameter, _ text: String) throws(PageError) -> UInt64 {
    guard let number = UInt64(text) else { throw PageError(parameter, text, expected: "the place that a link of a list gives") }
    return number
  }

  /// Parses a time, or a date as the start of that day.
  private static func time(_ parameter: Parameter, _ text: String) throws(PageError) -> Timestamp {
    guard let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z") else {
      throw PageError(parameter, text, expected: "a date such as 2026-03-01, or a time such as 2026-03-01T08:00:00Z")
    }
    return time
  }

  // MARK: Addresses

  /// The query of this state, in a fixed order and without what is not set.
  var query: [Address.Item] {
    var list: [Address.Item] = []
    func add(_ parameter: Parameter, _ value: String?) {
      if let value { list.append(Address.Item(name: parameter.rawValue, value: value)) }
    }
    for parameter in Parameter.allCases {
      switch parameter {
      case .source, .project, .environment, .team, .service, .repository, .workType, .place, .q, .key, .span, .part, .period,
        .group,
        .groupBy, .bucketStart, .by, .blackout:
        add(parameter, texts[parameter])
      case .outcome: add(parameter, outcome?.rawValue)
      case .tier: add(parameter, isProduction ? "production" : nil)
      case .state: add(parameter, isOpen.map { $0 ? "open" : "finished" })
      case .result: add(parameter, result?.rawValue)
      case .from: add(parameter, window.from.map(Self.text))
      case .to: add(parameter, window.to.map(Self.endText))
      case .compare: add(parameter, comparison?.rawValue)
      case .items: add(parameter, items.map { String($0) })
      case .seed: add(parameter, seed.map { String($0) })
      case .sort: add(parameter, sort?.rawValue)
      case .cursor: add(parameter, cursor.map { String($0) })
      case .limit: add(parameter, limit.map { String($0) })
      case .rows: add(parameter, rows.map { String($0) })
      case .format: add(parameter, format == .html ? nil : format.rawValue)
      }
    }
    return list
  }

  /// Returns the address of a page with this state.
  func address(_ page: Address) -> Address {
    var address = page
    address.query += query
    return address
  }

  /// Returns the state with some changes.
  func with(_ change: (inout PageState) -> Void) -> PageState {
    var state = self
    change(&state)
    return state
  }

  /// The end of a period as short as it can be: the date of its last day if it ends with that day.
  private static func endText(_ time: Timestamp) -> String {
    let dayBefore = text(time.advanced(bySeconds: -dayLength))
    return dayBefore.contains("T") ? time.rfc3339 : dayBefore
  }

  private static let dayLength = 86_400.0

  /// A time as short as it can be: a date if it is the start of a day.
  private static func text(_ time: Timestamp) -> String {
    let text = time.rfc3339
    return text.hasSuffix("T00:00:00Z") ? String(text.dropLast(10)) : text
  }
}
