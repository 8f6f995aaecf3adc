import DeliveryMetrics
import ValueStreamCore

/// What became of the deploys of a list: the verdict on the release of each, with the rules, and who remedied what.
struct DeployVerdicts {
  struct Entry {
    var row: DeployRow
    /// The deploy that remedied the failure, and the incidents that the release is blamed for.
    var remedy: FactSubject?
    var incidents: [FactSubject]
    /// The failed deploys that this one remedied, with their attempts.
    var remedied: [(subject: FactSubject, attempt: UInt16)]
  }

  private var entries: [SpanID: Entry] = [:]

  private static let limit = 5000

  /// Reads the verdicts on deploys within a period.
  ///
  /// The remedies of a failure are found if they are in the period, too.
  init(from: Timestamp, to: Timestamp, _ reports: Dashboard.Reports, now: Timestamp) throws {
    let window = TimeWindow(start: from, end: max(from, to).advanced(bySeconds: 1))
    let report = try DeploysReport(
      DeploysQuery(
        frame: ReportFrame(window: window, comparison: .none, zone: reports.zone, now: now), includesAllEnvironments: true,
        limit: Self.limit, settings: reports.settings), from: reports.facts)
    let related = report.rows.flatMap { row in
      [row.deploy] + [row.release?.remediedBy].compactMap { $0 } + (row.release?.incidents ?? [])
    }
    let subjects = try reports.facts.factSubjects(Set(related))
    var remedied: [FactID: [(subject: FactSubject, attempt: UInt16)]] = [:]
    for row in report.rows {
      guard let release = row.release, release.deploy == row.deploy, let remedy = release.remediedBy else { continue }
      if let subject = subjects[row.deploy] { remedied[remedy, default: []].append((subject, row.attempt)) }
    }
    for row in report.rows {
      guard let subject = subjects[row.deploy] else { continue }
      entries[SpanID(key: subject.key, attempt: Int(row.attempt))] = Entry(
        row: row, remedy: row.release?.remediedBy.flatMap { subjects[$0] },
        incidents: (row.release?.incidents ?? []).compactMap { subjects[$0] }, remedied: remedied[row.deploy] ?? [])
    }
  }

  subscript(id: SpanID) -> Entry? { entries[id] }
}

extension HTMLWriter {
  /// Writes the verdict on the release of a deploy, the rules behind it, and what remedied it or what it remedied.
  mutating func verdict(_ entry: DeployVerdicts.Entry?) {
    guard let entry else { return }
    guard let release = entry.row.release else {
      return element(
        .span, .classes("quiet"),
        text: entry.row.outcome == .running
          ? "" : entry.row.isProduction ? "no release" : entry.row.environment == nil ? "environment unknown" : "not production")
    }
    verdict(release.verdict)
    if !release.rules.isEmpty {
      element(
        .span, .classes("quiet"),
        text: " · \(release.rules.count == 1 ? "rule" : "rules"): \(release.rules.map(\.words).joined(separator: ", "))")
    }
    for incident in entry.incidents {
      reference(" · incident ", incident, Address("traces", incident.traceID.description))
    }
    if let remedy = entry.remedy {
      reference(" · remedied by ", remedy, remedy.address(ofDeploy: 1))
    } else if release.verdict == .failed, let recovered = release.recovered {
      element(
        .span, .classes("quiet"),
        text: " · over after \(Wording.duration(from: release.ended, to: max(recovered, release.ended)))")
    }
    for failed in entry.remedied {
      reference(" · remedied ", failed.subject, failed.subject.address(ofDeploy: failed.attempt))
    }
    if !release.rework.isEmpty, entry.remedied.isEmpty {
      element(.span, .classes("quiet"), text: " · rework: \(release.rework.map(\.words).joined(separator: ", "))")
    }
  }

  private mutating func reference(_ words: String, _ subject: FactSubject, _ address: Address) {
    element(.span, .classes("quiet"), text: words)
    element(.a, .href(address)) { $0.foreign(subject.name) }
  }
}
