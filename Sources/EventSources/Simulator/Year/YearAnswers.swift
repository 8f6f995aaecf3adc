package import ValueStreamCore

/// The true delivery metrics of a year-long history, counted from its plan.
///
/// They follow the definitions of the reports, but know neither deliveries nor what vsd made of them. Tests compare the two.
package struct YearAnswers: Sendable, Hashable {
  /// The numbers of one window, for one service or for all.
  package struct Group: Sendable, Hashable {
    /// The service; nil for all together.
    package var service: String?
    /// The lead times of the changes that reached production, in seconds, sorted.
    package var leadTimes: [Double] = []
    /// Those of pull and merge requests alone, without direct pushes.
    package var leadTimesOfRequests: [Double] = []
    package var releases = 0
    /// The median over whole ISO weeks of days with a release; nil for fewer than four weeks.
    package var medianDaysPerWeek: Double?
    package var failed = 0
    /// The releases with a verdict, and those that are too young for one.
    package var total = 0
    package var pending = 0
    /// The recovery times of failed releases, in seconds, sorted, and how many are not repaired yet.
    package var recoveryTimes: [Double] = []
    package var open = 0
    package var rework = 0
    package var incidents = 0
    /// The issues that were completed, and the merged requests of people with and without a review.
    package var issuesDone = 0
    package var reviewed = 0
    package var unreviewed = 0
    package var directChanges = 0
    /// The runs that failed and passed when they were run again.
    package var flakyRuns = 0
  }

  package struct Window: Sendable, Hashable {
    package var from: Timestamp
    package var to: Timestamp
    /// All services together, then each.
    package var groups: [Group]
  }

  package var windows: [Window]

  /// Counts a history in three windows: the last 90 days, the 90 days before, and all of it.
  init(_ plans: [YearPlan], _ configuration: HistoryConfiguration) {
    let until = configuration.until
    let quarter = 90.0 * 86_400
    let ends = [(until.after(-quarter), until), (until.after(-2 * quarter), until.after(-quarter)), (configuration.start, until)]
    windows = ends.filter { $0.0 >= configuration.start }.map { from, to in
      let counting = YearCounting(from: from, to: to, start: configuration.start, until: until)
      let services = plans.flatMap { plan in plan.serviceNames.indices.map { (plan, $0) } }
      let groups =
        [counting.group(of: services, plans: plans, service: nil)]
        + services.map { counting.group(of: [$0], plans: [], service: $0.0.serviceNames[$0.1]) }
      return Window(from: from, to: to, groups: groups)
    }
  }

  /// The answers as JSON, with the member names of the reports.
  package var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("windows", windows) { json, window in
        json.object { json in
          json.object("window") { json in
            json.member("from", window.from.rfc3339)
            json.member("to", window.to.rfc3339)
          }
          json.array("groups", window.groups) { json, group in json.object { group.write(to: &$0, window) } }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}

extension YearAnswers.Group {
  fileprivate func write(to json: inout JSONWriter, _ window: YearAnswers.Window) {
    json.member("service", service)
    json.object("metrics") { json in
      json.object("lead_time") { json in
        json.number("median_seconds", YearCounting.median(leadTimes))
        for percent in [75, 85, 95] { json.number("p\(percent)_seconds", YearCounting.percentile(percent, of: leadTimes)) }
        json.member("n", leadTimes.count)
      }
      json.object("deployment_frequency") { json in
        json.member("deploys", releases)
        json.number("per_day", Double(releases) / (window.to.seconds(since: window.from) / 86_400))
        json.number("median_days_per_week", medianDaysPerWeek)
      }
      json.object("change_fail_rate") { json in
        json.number("ratio", total > 0 ? Double(failed) / Double(total) : nil)
        json.member("failed", failed)
        json.member("total", total)
        json.member("pending", pending)
      }
      json.object("failed_deployment_recovery_time") { json in
        json.number("median_seconds", YearCounting.median(recoveryTimes))
        json.member("n", recoveryTimes.count)
        json.member("open", open)
      }
      json.object("rework_rate") { json in
        json.number("ratio", releases > 0 ? Double(rework) / Double(releases) : nil)
        json.member("rework", rework)
        json.member("total", releases)
      }
    }
    guard service == nil else { return }
    json.object("counts") { json in
      for (name, count) in [
        ("incidents", incidents), ("issues_done", issuesDone), ("changes_reviewed", reviewed), ("changes_unreviewed", unreviewed),
        ("direct_changes", directChanges), ("flaky_runs", flakyRuns),
      ] {
        json.member(name, count)
      }
    }
  }
}

/// Counts plans in one window.
struct YearCounting {
  let from: Timestamp
  let to: Timestamp
  /// The beginning and the end of the history. What happens after the end is not known.
  let start: Timestamp
  let until: Timestamp

  /// How old a release is before it has a verdict.
  private static let verdictAfter = 86_400.0

  private func contains(_ time: Timestamp) -> Bool { time >= from && time < to }

  func group(of services: [(plan: YearPlan, service: Int)], plans: [YearPlan], service: String?) -> YearAnswers.Group {
    var group = YearAnswers.Group()
    group.service = service
    var days: Set<Int64> = []
    // The first arrival of each change in production, at whichever of these services it was first.
    var arrivals: [ObjectIdentifier: (change: YearChange, time: Timestamp)] = [:]
    for (plan, service) in services {
      let releases = plan.releases.filter { $0.service == service && succeeded($0) != nil }.sorted { time(of: $0) < time(of: $1) }
      count(releases, in: &group, days: &days)
      for (change, time) in brought(by: releases, of: plan) {
        let known = arrivals[ObjectIdentifier(change)]
        if known.map({ time < $0.time }) ?? true { arrivals[ObjectIdentifier(change)] = (change, time) }
      }
    }
    let counted = arrivals.values.filter { contains($0.time) }
    func leadTime(_ change: YearChange, _ time: Timestamp) -> Double { time.seconds(since: change.firstCommit) }
    group.leadTimes = counted.map { leadTime($0.change, $0.time) }.sorted()
    group.leadTimesOfRequests = counted.filter { !$0.change.isDirect }.map { leadTime($0.change, $0.time) }.sorted()
    group.recoveryTimes.sort()
    group.medianDaysPerWeek = medianDaysPerWeek(days)
    for plan in plans { countWork(of: plan, in: &group) }
    return group
  }

  // MARK: Releases

  /// Returns the end of the first success that is known; nil if there is none.
  private func succeeded(_ release: YearRelease) -> Timestamp? {
    release.deploys.filter { $0.isSuccess && $0.ended <= until }.map(\.ended).min()
  }

  private func time(of release: YearRelease) -> Timestamp { succeeded(release) ?? until }

  private func count(_ releases: [YearRelease], in group: inout YearAnswers.Group, days: inout Set<Int64>) {
    for release in releases {
      let end = time(of: release)
      let failure = failure(of: release)
      if contains(end) {
        group.releases += 1
        days.insert(end.day)
        if release.remedy != nil { group.rework += 1 }
        if until.seconds(since: end) < Self.verdictAfter {
          group.pending += 1
        } else {
          group.total += 1
          if failure.isKnown { group.failed += 1 }
        }
      }
      guard failure.isKnown else { continue }
      if let recovered = failure.recovered {
        if contains(recovered) { group.recoveryTimes.append(recovered.seconds(since: end)) }
      } else if to == until {
        group.open += 1
      }
    }
  }

  /// Returns whether it is known by the end of the history that a release broke production, and when that was repaired.
  private func failure(of release: YearRelease) -> (isKnown: Bool, recovered: Timestamp?) {
    guard release.isBad else { return (false, nil) }
    let remedied = release.remediedBy.flatMap(succeeded)
    let began = release.incident.flatMap { $0.began <= until ? $0.began : nil }
    let resolved = release.incident?.resolved.flatMap { $0 <= until ? $0 : nil }
    return (remedied != nil || began != nil, [remedied, resolved].compactMap { $0 }.min())
  }

  /// Returns the changes that each release brought for the first time. The first release of a service brings nothing.
  private func brought(by releases: [YearRelease], of plan: YearPlan) -> [(YearChange, Timestamp)] {
    guard var head = releases.first?.headTime else { return [] }
    var seen: Set<ObjectIdentifier> = []
    var result: [(YearChange, Timestamp)] = []
    for release in releases.dropFirst() {
      defer { head = release.headTime }
      for change in plan.landed(after: head, upTo: release.headTime) where seen.insert(ObjectIdentifier(change)).inserted {
        result.append((change, time(of: release)))
      }
    }
    return result
  }

  // MARK: Weeks

  private func medianDaysPerWeek(_ days: Set<Int64>) -> Double? {
    // Day 4 of the Unix epoch was a Monday.
    let first = max(from, start)
    var week = (first.day - 4 + 6) / 7
    if first > Timestamp.midnight(of: week * 7 + 4) { week += 1 }
    var counts: [Double] = []
    while Timestamp.midnight(of: (week + 1) * 7 + 4) <= to {
      counts.append(Double((0..<7).count { days.contains(week * 7 + 4 + Int64($0)) }))
      week += 1
    }
    return counts.count < 4 ? nil : Self.median(counts.sorted())
  }

  // MARK: Other work

  private func countWork(of plan: YearPlan, in group: inout YearAnswers.Group) {
    group.incidents += plan.incidents.count { contains($0.began) }
    group.issuesDone += plan.issues.count { issue in
      !issue.isIncident && !issue.isNotPlanned && issue.done.map(contains) == true
    }
    for change in plan.changes {
      guard let merged = change.merged, contains(merged) else { continue }
      if change.isDirect {
        group.directChanges += 1
      } else if !change.isUpdate {
        if change.reviews.isEmpty { group.unreviewed += 1 } else { group.reviewed += 1 }
      }
    }
    for change in plan.changes {
      group.flakyRuns += change.runs.count { run in run.attempts.count > 1 && run.attempts.last.map { contains($0.ended) } == true
      }
    }
  }

  // MARK: Statistics

  /// Returns the median of sorted numbers, between the two middle ones if their number is even.
  static func median(_ sorted: [Double]) -> Double? {
    guard !sorted.isEmpty else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// Returns the percentile of sorted numbers by nearest rank.
  static func percentile(_ percent: Int, of sorted: [Double]) -> Double? {
    sorted.isEmpty ? nil : sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
  }
}

extension JSONWriter {
  fileprivate mutating func number(_ name: String, _ value: Double?) {
    self.name(name)
    if let value { self.value(value) } else { self.value(nil as String?) }
  }
}
