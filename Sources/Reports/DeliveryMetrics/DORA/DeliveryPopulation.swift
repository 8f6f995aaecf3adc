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
  private(set) var periods: [Period: Rows] = [:]

  /// The rows of one period, by number of the group.
  struct Rows: Sendable {
    var window: TimeWindow
    var groups: [Int32: GroupRows] = [:]
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
  }

  /// A change at its first release.
  struct ChangeEntry: Sendable {
    var delivery: Int32
    var seconds: Double
    var leftOut: LeftOutReason?
  }

  /// Failed releases of a service whose failures overlap.
  struct Failure: Sendable {
    /// In the order of their ends.
    var releases: [Int32]
    var start: Timestamp
    /// Nil while it lasts.
    var end: Timestamp?
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
        separatesEnvironments: question.grouping == .environment, keepsAllDeploys: question.keepsAllDeploys))
    scope = try ScopeRule(question.settings, question.scope, question.grouping, history.names)
    failures = Self.failures(of: history)
    for period in Period.allCases {
      guard let window = question.frame.window(of: period) else { continue }
      periods[period] = Rows(window: window)
    }
    addReleases()
    addFailures()
    try addChanges(source)
  }

  // MARK: Releases

  private func windowsContaining(_ time: Timestamp) -> [Period] {
    Period.allCases.filter { periods[$0]?.window.contains(time) ?? false }
  }

  private mutating func addReleases() {
    for period in Period.allCases {
      guard var rows = periods[period] else { continue }
      let window = rows.window
      for (index, release) in history.releases.enumerated() where window.contains(release.end) {
        guard scope.includes(service: release.service, repository: release.repository) else { continue }
        scope.forEachGroup(service: release.service, repository: release.repository, environment: release.environment) {
          rows.groups[$0, default: GroupRows()].releases.append(Int32(index))
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
          rows.groups[$0, default: GroupRows()].leftOutDeploys.append(Int32(index))
        }
      }
      for (index, incident) in history.incidents.enumerated() {
        guard incident.isCounted, incident.release < 0, window.contains(incident.fact.began),
          scope.includes(service: incident.service, repository: incident.repository)
        else { continue }
        let environment = history.names.number(of: incident.fact.environment)
        scope.forEachGroup(service: incident.service, repository: incident.repository, environment: environment) {
          rows.groups[$0, default: GroupRows()].incidents.append(Int32(index))
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
      let end = history.recovery(of: release)
      let detected = history.detection(of: release)
      if let known = last, known == (entry.service, entry.environment), var failure = result.last,
        failure.end.map({ release.end < $0 }) ?? true
      {
        failure.releases.append(entry.release)
        if let start = failure.end { failure.end = end.map { max($0, start) } }
        failure.detected = [failure.detected, detected].compactMap { $0 }.min()
        result[result.count - 1] = failure
      } else {
        result.append(Failure(releases: [entry.release], start: release.end, end: end, detected: detected))
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
            rows.groups[$0, default: GroupRows()].recovered.append(Int32(index))
          } else {
            rows.groups[$0, default: GroupRows()].open.append(Int32(index))
          }
        }
      }
      periods[period] = rows
    }
  }

  // MARK: Changes

  private mutating func addChanges(_ source: any FactSource) throws {
    let deliveries = history.deliveries
    var first = IDMap(minimumCapacity: scope.grouping == nil ? deliveries.count : 1024)
    var groupedFirst: [GroupedChange: Int32] = [:]
    var entries: [(group: Int32, delivery: Int32)] = []
    entries.reserveCapacity(deliveries.count)
    func isEarlier(_ left: ReleaseHistory.Delivery, than right: ReleaseHistory.Delivery) -> Bool {
      let (a, b) = (history.releases[Int(left.release)], history.releases[Int(right.release)])
      if a.end != b.end { return a.end < b.end }
      return (left.release, left.deploy) < (right.release, right.deploy)
    }
    func consider(_ index: Int, group: Int32) {
      let place: Int32
      if scope.grouping == nil {
        place = first.value(of: deliveries[index].change.rawValue, orInsert: Int32(entries.count))
      } else {
        let key = GroupedChange(change: deliveries[index].change, group: group)
        place = groupedFirst[key] ?? Int32(entries.count)
        if Int(place) == entries.count { groupedFirst[key] = place }
      }
      if Int(place) == entries.count {
        entries.append((group, Int32(index)))
      } else if isEarlier(deliveries[index], than: deliveries[Int(entries[Int(place)].delivery)]) {
        entries[Int(place)].delivery = Int32(index)
      }
    }
    for index in deliveries.indices {
      let delivery = deliveries[index]
      let release = history.releases[Int(delivery.release)]
      guard Int(delivery.release) < history.successCount,
        scope.includes(service: release.service, repository: delivery.repository),
        scope.includes(workType: delivery.workType), settings.includesBots || !delivery.traits.contains(.isByBot)
      else { continue }
      scope.forEachGroup(service: release.service, repository: delivery.repository, environment: release.environment) {
        consider(index, group: $0)
      }
    }
    let older = try olderDeliveries(of: entries, source)
    for period in Period.allCases {
      guard var rows = periods[period] else { continue }
      let window = rows.window
      var groups: [Int32: [ChangeEntry]] = [:]
      var (group, list): (Int32, [ChangeEntry]) = (0, [])
      for entry in entries {
        let delivery = deliveries[Int(entry.delivery)]
        let release = history.releases[Int(delivery.release)]
        guard window.contains(release.end) else { continue }
        if !older.isEmpty, older.contains(GroupedChange(change: delivery.change, group: entry.group)) { continue }
        if entry.group != group {
          groups[group, default: []] += list
          (group, list) = (entry.group, [])
        }
        list.append(changeEntry(entry.delivery, delivery, release))
      }
      groups[group, default: []] += list
      for (group, list) in groups where !list.isEmpty { rows.groups[group, default: GroupRows()].changes = list }
      periods[period] = rows
    }
  }

  private struct GroupedChange: Hashable {
    var change: FactID
    var group: Int32
  }

  private func changeEntry(
    _ index: Int32, _ delivery: ReleaseHistory.Delivery, _ release: ReleaseHistory.Release
  ) -> ChangeEntry {
    if settings.exclusions[delivery.change] != nil {
      return ChangeEntry(delivery: index, seconds: 0, leftOut: .excluded)
    }
    let start: Timestamp?
    let reason: LeftOutReason
    switch basis {
    case .commit: (start, reason) = (delivery.times.firstCommit, .firstCommitUnknown)
    case .opened: (start, reason) = (delivery.times.opened, .openingUnknown)
    case .merged: (start, reason) = (delivery.times.merged, .mergeUnknown)
    }
    guard let start, basis != .opened || !delivery.traits.contains(.isOpeningUnknown) else {
      return ChangeEntry(delivery: index, seconds: 0, leftOut: reason)
    }
    let seconds = release.end.seconds(since: start)
    return ChangeEntry(delivery: index, seconds: seconds, leftOut: seconds < 0 ? .clock : nil)
  }

  /// Returns the changes that the group received before the days that were read.
  private func olderDeliveries(
    of entries: [(group: Int32, delivery: Int32)], _ source: any FactSource
  ) throws -> Set<GroupedChange> {
    let windows = periods.values.map(\.window)
    var candidates: [(group: Int32, delivery: ReleaseHistory.Delivery)] = []
    for entry in entries {
      let delivery = history.deliveries[Int(entry.delivery)]
      guard history.mayBeOlder(delivery) else { continue }
      let end = history.releases[Int(delivery.release)].end
      if windows.contains(where: { $0.contains(end) }) { candidates.append((entry.group, delivery)) }
    }
    guard !candidates.isEmpty else { return [] }
    let known = try source.deliveries(of: Set(candidates.map(\.delivery.change)))
    var result: Set<GroupedChange> = []
    for (group, delivery) in candidates {
      let release = history.releases[Int(delivery.release)]
      for row in known[delivery.change] ?? [] where history.isOlder(row, than: release) {
        let service = history.names.number(of: row.target.service)
        var repository = history.names.number(of: row.labels.repository)
        if repository == 0 { repository = history.names.number(of: row.target.repository) }
        guard scope.includes(service: service, repository: repository) else { continue }
        let environment = history.names.number(of: row.target.environment)
        scope.forEachGroup(service: service, repository: repository, environment: environment) {
          if $0 == group { result.insert(GroupedChange(change: delivery.change, group: group)) }
        }
      }
    }
    return result
  }
}
