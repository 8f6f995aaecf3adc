import ValueStreamCore

/// The rows behind the numbers about releases, by period and group.
///
/// Numbers and evidence both come from these lists.
struct DeliveryPopulation: Sendable {
  let frame: ReportFrame
  let settings: ReportSettings
  let basis: LeadTimeBasis
  let history: ReleaseHistory
  let scope: ScopeRule
  let failures: [Failure]
  var periods: [Period: Rows] = [:]

  /// The rows of one period, by number of the group.
  struct Rows: Sendable {
    var window: TimeWindow
    var groups: [GroupRows]
  }

  struct GroupRows: Sendable {
    /// Releases that ended in the window, and failed deploys if the rule counts them.
    var releases: [Int32] = []
    var leftOutDeploys: [Int32] = []
    /// Incidents without a release.
    var incidents: [Int32] = []
    /// Changes whose first release ended in the window.
    var changes: [ChangeEntry] = []
    /// Failures that ended in the window, and those that lasted at its end.
    var recovered: [Int32] = []
    var open: [Int32] = []

    /// The releases, changes and failures that ended in the window.
    var count: Int { releases.count + changes.count + recovered.count }

    var isEmpty: Bool {
      releases.isEmpty && leftOutDeploys.isEmpty && incidents.isEmpty && changes.isEmpty && recovered.isEmpty && open.isEmpty
    }
  }

  /// A change at its first release.
  struct ChangeEntry: Sendable {
    var delivery: Int32
    var traits: ChangeLabels.Traits
    var leftOut: LeftOutReason?
    var seconds: Double
  }

  /// Failed releases of a service whose failures overlap.
  struct Failure: Sendable {
    /// In the order of their ends.
    var releases: [Int32]
    var start: Timestamp
    /// Nil while it lasts.
    var end: Timestamp?
    /// True if no delivery states the end, so that it says nothing about durations.
    var isEndUnknown: Bool
    var detected: Timestamp?

    var seconds: Double? { end.map { $0.seconds(since: start) } }
  }

  struct Question: Sendable {
    var frame: ReportFrame
    var scope: ReportScope
    var grouping: Grouping?
    var basis: LeadTimeBasis
    var settings: ReportSettings
    var keepsAllDeploys = false
    var keepsMilestones = false
    /// False if no row of a change is asked for.
    var countsChanges = true
  }

  init(_ source: any FactSource, _ question: Question) throws {
    frame = question.frame
    settings = question.settings
    basis = question.basis
    let windows = [question.frame.window, question.frame.comparedWindow].compactMap { $0 }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    history = try ReleaseHistory(
      source,
      ReleaseHistory.Question(
        windows: windows, now: question.frame.now, settings: question.settings, scope: question.scope,
        separatesEnvironments: question.grouping == .environment, keepsAllDeploys: question.keepsAllDeploys,
        basis: question.basis, keepsMilestones: question.keepsMilestones, countsChanges: question.countsChanges))
    scope = try ScopeRule(question.settings, question.scope, question.grouping, history.names)
    failures = Self.failures(of: history)
    for period in Period.allCases {
      guard let window = question.frame.window(of: period) else { continue }
      periods[period] = Rows(window: window, groups: [GroupRows](repeating: GroupRows(), count: groupCount))
    }
    addReleases()
    addFailures()
    if question.countsChanges { try addChanges(source) }
  }

  /// Divides the releases and failures of another population, and its changes if a source is given, without reading them again.
  ///
  /// - Parameters:
  ///   - frame: with windows of `other`.
  ///   - grouping: not ``Grouping/environment``, which has other releases.
  ///   - source: for deliveries before the days that were read.
  init(
    dividing other: DeliveryPopulation, frame: ReportFrame, groupedBy grouping: Grouping?,
    changesFrom source: (any FactSource)? = nil
  ) throws {
    self.frame = frame
    (settings, basis, history, failures) = (other.settings, other.basis, other.history, other.failures)
    scope = try ScopeRule(settings, history.question.scope, grouping, history.names)
    for period in Period.allCases {
      guard let window = frame.window(of: period) else { continue }
      periods[period] = Rows(window: window, groups: [GroupRows](repeating: GroupRows(), count: groupCount))
    }
    addReleases()
    addFailures()
    if let source { try addChanges(source) }
  }

  private var groupCount: Int {
    switch scope.grouping {
    case nil: 1
    case .team: settings.teams.count + 1
    default: history.names.count
    }
  }

  /// The rows of a group. Empty for an unknown group, nil for a period that is not compared.
  func rows(_ period: Period, _ group: Int32) -> GroupRows? {
    periods[period].map { $0.groups.indices.contains(Int(group)) ? $0.groups[Int(group)] : GroupRows() }
  }

  /// The numbers of the groups with a row in any period, or of the only group.
  func groups(where isShown: (GroupRows) -> Bool = { !$0.isEmpty }) -> [Int32] {
    if scope.grouping == nil { return [0] }
    let count = periods.values.map(\.groups.count).max() ?? 0
    return (0..<Int32(count)).filter { group in periods.values.contains { isShown($0.groups[Int(group)]) } }
  }

  // MARK: Releases

  private mutating func addReleases() {
    for period in Period.allCases {
      guard var rows = periods[period] else { continue }
      let window = rows.window
      for (index, release) in history.releases.enumerated() where window.contains(release.end) {
        guard scope.includes(service: release.service, repository: release.repository) else { continue }
        scope.forEachGroup(service: release.service, repository: release.repository, environment: release.environment) {
          rows.groups[Int($0)].releases.append(Int32(index))
        }
      }
      for (index, left) in history.leftOut.enumerated() {
        let deploy = history.deploys[Int(left.deploy)]
        guard window.contains(deploy.ended ?? deploy.started ?? deploy.created) else { continue }
        let service = history.names.number(of: deploy.target.service)
        let repository = history.names.number(of: deploy.target.repository)
        guard scope.includes(service: service, repository: repository) else { continue }
        let environment = history.names.number(of: deploy.target.environment)
        scope.forEachGroup(service: service, repository: repository, environment: environment) {
          rows.groups[Int($0)].leftOutDeploys.append(Int32(index))
        }
      }
      for (index, incident) in history.incidents.enumerated() {
        guard incident.isCounted, incident.release < 0, window.contains(incident.fact.began),
          scope.includes(service: incident.service, repository: incident.repository)
        else { continue }
        let environment = history.names.number(of: incident.fact.environment)
        scope.forEachGroup(service: incident.service, repository: incident.repository, environment: environment) {
          rows.groups[Int($0)].incidents.append(Int32(index))
        }
      }
      periods[period] = rows
    }
  }

  // MARK: Failures

  /// Joins the failures of a service that overlap.
  private static func failures(of history: ReleaseHistory) -> [Failure] {
    var failed: [(service: Int32, environment: Int32, release: Int32)] = []
    for (index, release) in history.releases.enumerated() where !release.rules.isEmpty {
      failed.append((release.service, release.environment, Int32(index)))
    }
    failed.sort { left, right in
      let (a, b) = (history.releases[Int(left.release)], history.releases[Int(right.release)])
      if left.service != right.service { return left.service < right.service }
      if left.environment != right.environment { return left.environment < right.environment }
      return a.end != b.end ? a.end < b.end : left.release < right.release
    }
    var result: [Failure] = []
    var last: (service: Int32, environment: Int32)?
    for entry in failed {
      let release = history.releases[Int(entry.release)]
      let end = history.recovery(of: Int(entry.release))
      let detected = history.detection(of: Int(entry.release))
      if let known = last, known == (entry.service, entry.environment), var failure = result.last,
        failure.end.map({ release.end < $0 }) ?? true
      {
        failure.releases.append(entry.release)
        if let known = failure.end, end.map({ $0.time > known }) ?? true {
          failure.end = end?.time
          failure.isEndUnknown = end?.isTimeUnknown ?? false
        }
        failure.detected = [failure.detected, detected].compactMap { $0 }.min()
        result[result.count - 1] = failure
      } else {
        result.append(
          Failure(
            releases: [entry.release], start: release.end, end: end?.time, isEndUnknown: end?.isTimeUnknown ?? false,
            detected: detected))
      }
      last = (entry.service, entry.environment)
    }
    return result
  }

  private mutating func addFailures() {
    for period in Period.allCases {
      guard var rows = periods[period] else { continue }
      let window = rows.window
      let end = min(window.end, frame.now)
      for (index, failure) in failures.enumerated() {
        let release = history.releases[Int(failure.releases[0])]
        guard scope.includes(service: release.service, repository: release.repository) else { continue }
        let isRecovered = failure.end.map { window.contains($0) } ?? false
        let isOpen = failure.start < end && failure.end.map { $0 >= window.end } ?? true
        guard isRecovered || isOpen else { continue }
        scope.forEachGroup(service: release.service, repository: release.repository, environment: release.environment) {
          if isRecovered {
            rows.groups[Int($0)].recovered.append(Int32(index))
          } else {
            rows.groups[Int($0)].open.append(Int32(index))
          }
        }
      }
      periods[period] = rows
    }
  }
}
