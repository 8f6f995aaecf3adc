package import ValueStreamCore

/// A question to a vsd: which report, of which part of the work, in which window.
package struct ReportQuery: Sendable, Hashable {
  package enum Format: String, Sendable {
    case csv, json
  }

  package var report: ReportName
  /// The metric whose rows are wanted instead of the numbers, such as `lead-time`; nil for the numbers.
  package var evidence: String?
  /// The parameters in the order in which the address has them.
  package private(set) var parameters: [(name: String, value: String)] = []

  package init(_ report: ReportName, evidence: String? = nil) {
    self.report = report
    self.evidence = evidence
  }

  /// True if the values of the wanted rows are seconds, which CSV does not say.
  package var hasDurationsAsEvidence: Bool {
    evidence.map { Self.durations.contains($0.replacing("-", with: "_")) } ?? false
  }

  private static let durations: Set<String> = [
    "lead_time", "coding", "pickup", "review", "merge", "release", "deploy", "failed_deployment_recovery_time", "flow_time",
    "first_response", "ready_to_merge", "waiting_for_reviewer", "waiting_for_author", "time_to_resolve", "time_to_detect",
    "open_time",
  ]

  /// Sets a parameter. Without a value, removes it.
  package mutating func set(_ name: String, _ value: String?) {
    let place = parameters.firstIndex { $0.name == name }
    if let place { parameters.remove(at: place) }
    if let value { parameters.insert((name, value), at: place ?? parameters.count) }
  }

  /// Sets the window to what lies between two times. Without an end, the window ends when vsd answers.
  package mutating func setWindow(from start: Timestamp, to end: Timestamp?) {
    set("from", start.rfc3339)
    set("to", end?.rfc3339)
  }

  /// Returns the value of a parameter; nil if it is not set.
  package func value(of name: String) -> String? {
    parameters.first { $0.name == name }?.value
  }

  /// Returns the path and query of the answer in a format.
  package func path(as format: Format) -> String {
    let place = "/api/v1/reports/\(report.rawValue)"
    // Metrics have names with underscores in JSON and with hyphens in addresses.
    let evidence = evidence.map { "/\(PercentEncoding.encode($0.replacing("_", with: "-")))/evidence" } ?? ""
    let all = parameters + (format == .csv ? [("format", "csv")] : [])
    let query = all.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    return place + evidence + (query.isEmpty ? "" : "?\(query)")
  }

  package static func == (left: ReportQuery, right: ReportQuery) -> Bool {
    left.report == right.report && left.evidence == right.evidence
      && left.parameters.elementsEqual(right.parameters) { $0 == $1 }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(path(as: .json))
  }
}
