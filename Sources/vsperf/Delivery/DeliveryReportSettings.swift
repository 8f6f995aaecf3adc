import Aggregates
import ReportClient
import ValueStreamCore

/// The settings of the commands that ask a vsd for delivery reports: the vsd, the window, and the part of the work.
struct DeliveryReportSettings: Sendable {
  let server: String
  let token: Secret?
  let query: ReportQuery
  let isCompared: Bool
  /// The window for headings, such as `last 90 days`; nil if the report has none.
  let window: String?

  enum Comparison: String, CaseIterable, Sendable {
    case previous, year, none
  }

  enum Grouping: String, CaseIterable, Sendable {
    case service, repository, team, environment
  }

  enum Bucket: String, CaseIterable, Sendable {
    case day, week, month
  }

  enum Beginning: String, CaseIterable, Sendable {
    case commit, opened, merged
  }

  // MARK: Declarations

  private static let serverSetting = Setting<String?>.address(
    "server", environment: "VS_SERVER_URL", help: "Address of vsd.")

  private static let tokenSetting = Setting<String?>.optionalText(
    "read-token", placeholder: "TOKEN", isSecret: true, help: "Read token of vsd, if it has one.")

  private static let tokenFile = Setting<String?>.optionalText(
    "read-token-file", placeholder: "FILE", help: "File that holds the read token of vsd.")

  private static let since = Setting<Duration?>(
    "since", environment: "", placeholder: "DURATION", default: nil, defaultText: "90d",
    help: "Length of the window that ends now, such as 30d."
  ) { text throws(SettingError) in
    let duration = try Duration(setting: text)
    guard duration > .zero else { throw SettingError(expected: "a duration such as 12h or 30d") }
    return duration
  }

  private static let from = Setting<Timestamp?>.time("from", help: "Beginning of the window, instead of --since.")
  private static let to = Setting<Timestamp?>.time("to", help: "End of the window. Without it, now.")

  private static let compare = Setting<Comparison>.choice(
    "compare", environment: "", default: .previous,
    help: "What to compare with: the window of the same length before, the same window a year before, or nothing.")

  private static let groupBy = Setting<Grouping?>.optionalChoice(
    "group-by", help: "Print a row for each service, repository, team or environment.")

  private static let bucket = Setting<Bucket?>.optionalChoice("bucket", help: "Print a row for each day, week or month.")

  private static let beginning = Setting<Beginning?>.optionalChoice(
    "lead-time-from", help: "Where the lead time begins: at the first commit, or when the change was opened or merged.")

  private static func scope(_ name: String, _ help: String) -> Setting<String?> {
    .optionalText(name, environment: "", placeholder: "NAME", help: help)
  }

  private static let team = scope("team", "Only this team, as vsd's --teams names it.")
  private static let repository = scope("repository", "Only this repository or project.")
  private static let service = scope("service", "Only this service.")
  private static let environment = scope(
    "environment", "Only this environment. Without it, those that are production by vsd's rules.")
  private static let timeZone = scope(
    "time-zone", "Time zone of days and weeks, such as Europe/Berlin. Without it, the one of vsd.")
  private static let items = scope("items", "Number of items to forecast: says when they are done.")
  private static let by = scope("by", "Day to forecast: says how many items are done by then.")

  /// The settings that are parameters of the API as they are.
  private static func scopes(of report: ReportName) -> [Setting<String?>] {
    [team, repository] + (report.hasServices ? [service, environment] : []) + [timeZone]
      + (report == .forecast ? [items, by] : [])
  }

  private static let further = Setting<[(name: String, value: String)]>(
    "with", environment: "", placeholder: "NAME=VALUE,...", default: [], defaultText: nil,
    help: "Further parameters of the report, as the API documents them."
  ) { text throws(SettingError) in
    let pairs = text.split(separator: ",").map { $0.split(separator: "=", maxSplits: 1).map(\.trimmed) }
    let found = pairs.compactMap { $0.count == 2 && !$0[0].isEmpty ? (name: $0[0], value: $0[1]) : nil }
    guard found.count == pairs.count, !found.isEmpty else { throw SettingError(expected: "a list such as items=20") }
    return found
  }

  static let connection = [serverSetting.declaration, tokenSetting.declaration, tokenFile.declaration]

  /// The settings of a report that are part of the question.
  static func question(of report: ReportName) -> [SettingDeclaration] {
    [since.declaration, from.declaration, to.declaration] + scopes(of: report).map(\.declaration)
      + (report.hasLeadTimes ? [beginning.declaration] : []) + (report.isAboutNow ? [] : [compare.declaration])
      + (report.hasGroups ? [groupBy.declaration, bucket.declaration] : []) + [further.declaration]
  }

  // MARK: Values

  /// - Parameters:
  ///   - evidence: The metric whose rows are wanted; nil for the numbers.
  ///   - words: The words of the command, for the hint at its help page.
  init(
    _ settings: Settings, report: ReportName, evidence: String? = nil, now: Timestamp, of words: [String]
  ) throws {
    var query = ReportQuery(report, evidence: evidence)
    let server: String?
    do throws(SettingsError) {
      server = try settings.value(of: Self.serverSetting)
      token = try Self.token(in: settings)
      window = try Self.setWindow(of: &query, settings, now: now)
      for setting in Self.scopes(of: report) { query.set(setting.declaration.name, try settings.value(of: setting)) }
      let comparison = report.isAboutNow ? .previous : try settings.value(of: Self.compare)
      isCompared = comparison != .none
      // The API compares with the window before unless told otherwise, and lists of deploys with nothing.
      if comparison == .year, report != .deploys { query.set("compare", comparison.rawValue) }
      if report.hasGroups {
        query.set("group-by", try settings.value(of: Self.groupBy)?.rawValue)
        query.set("bucket", try settings.value(of: Self.bucket)?.rawValue)
      }
      if report.hasLeadTimes { query.set("lead-time-from", try settings.value(of: Self.beginning)?.rawValue) }
      for (name, value) in try settings.value(of: Self.further) { query.set(name, value) }
    } catch {
      throw UsageError("\(error)", seeing: words)
    }
    guard let server else { throw UsageError("which vsd? --server URL or VS_SERVER_URL", seeing: words) }
    self.server = server
    self.query = query
  }

  /// Returns the read token; nil if there is none. CI systems set a secret to an empty text where they withhold it.
  private static func token(in settings: Settings) throws(SettingsError) -> Secret? {
    let given = try settings.value(of: tokenSetting).flatMap { Secret($0) }
    guard let path = try settings.value(of: tokenFile) else { return given }
    if given != nil { throw SettingsError("VS_READ_TOKEN and --read-token-file are both set") }
    guard let bytes = Environment.readFile(path) else { throw SettingsError("--read-token-file: \(UnreadableFile(path))") }
    var text = Substring(String(decoding: bytes, as: UTF8.self))
    while text.last?.isNewline == true { text.removeLast() }
    guard let token = Secret(String(text)) else { throw SettingsError("--read-token-file: the file \(path) is empty") }
    return token
  }

  /// Sets the window of a query.
  ///
  /// - Returns: The window for headings; nil if the report is about now and the user gave no window.
  private static func setWindow(
    of query: inout ReportQuery, _ settings: Settings, now: Timestamp
  ) throws(SettingsError) -> String? {
    let length = try settings.value(of: since)
    let start = try settings.value(of: from)
    let end = try settings.value(of: to)
    if length != nil, start != nil { throw SettingsError("--since and --from do not go together") }
    if length == nil, start == nil, end == nil, query.report.isAboutNow { return nil }
    // Whole seconds keep addresses short.
    let last = end ?? Timestamp(seconds: now.seconds)
    let seconds = Double((length ?? .seconds(90 * 86_400)).nanoseconds) / 1e9
    let first = start ?? last.advanced(bySeconds: -seconds)
    guard first < last else { throw SettingsError("the window ends before it begins") }
    query.setWindow(from: first, to: last)
    return "\(first.rfc3339.prefix(10)) to \(last.rfc3339.prefix(10))"
  }
}

extension Setting {
  /// A setting that accepts one of a fixed set of words and has no default.
  fileprivate static func optionalChoice<Choice>(
    _ name: String, help: String
  ) -> Setting where Value == Choice?, Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    let words = Choice.allCases.map(\.rawValue)
    return Setting(
      name, environment: "", placeholder: words.joined(separator: "|"), default: nil, defaultText: nil, help: help
    ) { text throws(SettingError) in
      guard let value = Choice(rawValue: text) else { throw SettingError(expected: "one of \(words.joined(separator: ", "))") }
      return value
    }
  }
}
