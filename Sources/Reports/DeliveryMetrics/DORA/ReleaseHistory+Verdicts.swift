import ValueStreamCore

/// Decides what became of releases.
extension ReleaseHistory {
  mutating func judge(_ source: any FactSource) throws {
    let rules = question.settings.failureRules
    if rules.contains(.rollback) { try judgeRollbacks(source) }
    try judgeChanges(source)
    // Also without the rule, because lists show the causes.
    judgeIncidents(blames: rules.contains(.incident))
    judgeFailed()
  }

  /// True if a release ended so shortly before that it can be blamed.
  private func isRecent(_ release: Int, before time: Timestamp) -> Bool {
    time.seconds(since: releases[release].end) <= question.settings.blameWithinSeconds
  }

  /// Marks a release as failed, and the one that remedied it.
  private mutating func blame(_ release: Int, _ rule: FailureRule, remedy: Int) {
    releases[release].rules.insert(Rules(rule))
    let earlier = releases[release].remedy
    if earlier < 0 || releases[remedy].end < releases[Int(earlier)].end { releases[release].remedy = Int32(remedy) }
  }

  // MARK: Rollbacks

  private mutating func judgeRollbacks(_ source: any FactSource) throws {
    /// Rollbacks to a commit that was released before the days that were read, with the first release that was read.
    var distant: [(rollback: Int, first: Int, previous: FactID)] = []
    for range in lists {
      var firstIndex: [CommitPrefix: Int] = [:]
      if releases[range].contains(where: { $0.isStepUnknown && $0.commit.isKnown }) {
        for index in range where releases[index].commit.isKnown && firstIndex[releases[index].commit] == nil {
          firstIndex[releases[index].commit] = index
        }
      }
      for index in range where index > range.lowerBound {
        let release = releases[index]
        guard release.isRollback || release.isStepUnknown && goesBack(index, firstIndex) else { continue }
        if release.rollbackCreated < releases[index - 1].start { continue }
        guard release.commit.isKnown else {
          judge(rollback: index, since: index - 1, firstFailed: true)
          continue
        }
        if let last = (range.lowerBound..<index).last(where: { releases[$0].commit == release.commit }) {
          if last + 1 < index { judge(rollback: index, since: last + 1, firstFailed: true) }
        } else if let previous = deploys[Int(releases[range.lowerBound].firstDeploy)].previous {
          distant.append((index, range.lowerBound, previous))
        } else {
          judge(rollback: index, since: index - 1, firstFailed: true)
        }
      }
    }
    guard !distant.isEmpty else { return }
    let facts = try source.facts(DeployFact.self, of: Set(distant.map(\.previous)))
    for (rollback, first, previous) in distant {
      let attempt = deploys[Int(releases[first].firstDeploy)].previousAttempt
      let known = facts[previous]?.first { $0.attempt == attempt } ?? facts[previous]?.first
      judge(rollback: rollback, since: first, firstFailed: known.map { $0.commit == releases[rollback].commit } ?? false)
    }
  }

  /// True if a release of unknown direction returns to a commit that was released before the one that it replaces.
  private func goesBack(_ index: Int, _ firstIndex: [CommitPrefix: Int]) -> Bool {
    let (commit, replaced) = (releases[index].commit, releases[index - 1].commit)
    guard commit != replaced, let first = firstIndex[commit], first < index, let other = firstIndex[replaced] else {
      return false
    }
    return first < other
  }

  /// - Parameters:
  ///   - first: the first release after the one that the service returned to.
  ///   - firstFailed: false if that one is older than all releases that were read.
  private mutating func judge(rollback: Int, since first: Int, firstFailed: Bool) {
    releases[rollback].rework.insert(Rework(.rollback))
    for index in first..<rollback where isRecent(index, before: releases[rollback].start) {
      if index == first, firstFailed {
        blame(index, .rollback, remedy: rollback)
      } else {
        releases[index].isTakenBack = true
      }
    }
  }

  // MARK: Changes

  /// Applies the rules about reverts and hotfixes, and marks rework.
  private mutating func judgeChanges(_ source: any FactSource) throws {
    let exclusions = question.settings.exclusions
    /// The first release in each list that brought a change.
    var first: [ListedChange: Int32] = [:]
    for index in judged {
      let delivery = deliveries[Int(index)]
      guard exclusions[delivery.change] == nil, Int(delivery.release) < successCount else { continue }
      let key = ListedChange(list: releases[Int(delivery.release)].list, change: delivery.change)
      if let known = first[key], deliveries[Int(known)].release <= delivery.release { continue }
      first[key] = index
    }
    try removeEarlier(&first, source)
    let ordered = first.values.sorted { left, right in
      let (a, b) = (deliveries[Int(left)], deliveries[Int(right)])
      return (a.release, a.change) < (b.release, b.change)
    }
    for index in ordered {
      let delivery = deliveries[Int(index)]
      let release = Int(delivery.release)
      if delivery.traits.contains(.isForIncident) { releases[release].rework.insert(Rework(.incident)) }
      if delivery.traits.contains(.isHotfix), question.settings.failureRules.contains(.hotfix) {
        releases[release].rework.insert(Rework(.hotfix))
        let before = release - 1
        if before >= lists[Int(releases[release].list)].lowerBound, isRecent(before, before: releases[release].start) {
          blame(before, .hotfix, remedy: release)
        }
      }
    }
    guard question.settings.failureRules.contains(.revert) else { return }
    let reverts = ordered.filter { deliveries[Int($0)].traits.contains(.isRevert) }
    guard !reverts.isEmpty else { return }
    try judge(reverts: reverts, source)
  }

  private struct ListedChange: Hashable {
    var list: Int32
    var change: FactID
  }

  /// Removes changes that the service received before the days that were read.
  private func removeEarlier(_ first: inout [ListedChange: Int32], _ source: any FactSource) throws {
    let old = first.filter { deliveries[Int($0.value)].mayBeOlder }
    guard !old.isEmpty else { return }
    let (earlier, names) = try countedDeliveries(of: Set(old.keys.map(\.change)), source)
    for (key, index) in old {
      let release = releases[Int(deliveries[Int(index)].release)]
      let isKnown = earlier[key.change]?.contains { row in
        names.number(of: row.target.service) == release.service && isOlder(row, than: release)
          && (!question.separatesEnvironments || names.number(of: row.target.environment) == release.environment)
      }
      if isKnown ?? false { first[key] = nil }
    }
  }

  /// Returns the deliveries of changes, without those to environments that do not count and those of excluded deploys.
  ///
  /// - Returns: the table of names also has those of the deliveries.
  func countedDeliveries(
    of changes: Set<FactID>, _ source: any FactSource
  ) throws -> (rows: [FactID: [DeliveredChange]], names: NameTable) {
    var names = self.names
    let known = try source.deliveries(of: changes)
    for row in known.values.joined() {
      for name in [row.target.service, row.target.environment, row.target.repository, row.labels.repository] {
        names.note(name)
      }
    }
    try names.resolve(in: source)
    let environments = EnvironmentRule(question.settings, question.scope, names)
    let rows = known.mapValues { rows in
      rows.filter { question.settings.exclusions[$0.id] == nil && environments.includes($0.target, names) }
    }
    return (rows, names)
  }

  /// True if a delivery lies before the days around a release that were read.
  func isOlder(_ row: DeliveredChange, than release: Release) -> Bool {
    guard row.deployEnded < release.end else { return false }
    let (day, end) = (FactDay(row.deployEnded), FactDay(release.end))
    return !(days.first { $0.contains(end) }?.contains(day) ?? false)
  }

  /// - Parameter firstReverts: the first deliveries of reverts.
  private mutating func judge(reverts firstReverts: [Int32], _ source: any FactSource) throws {
    let originals = try originals(of: firstReverts, source)
    /// The first release in each list that brought an original.
    var wanted = IDMap(minimumCapacity: originals.count)
    for original in originals.values { wanted.set(1, for: original.change.rawValue) }
    var first: [ListedChange: Int32] = [:]
    func note(_ change: UInt64, _ release: Int32) {
      guard wanted[change] != nil, Int(release) < successCount else { return }
      let key = ListedChange(list: releases[Int(release)].list, change: FactID(rawValue: change))
      first[key] = min(first[key] ?? release, release)
    }
    for delivery in deliveries { note(delivery.change.rawValue, delivery.release) }
    for other in otherDeliveries { note(other.change, other.release) }
    for index in firstReverts {
      let revert = deliveries[Int(index)]
      let release = Int(revert.release)
      let original = originals[revert.change]
      if let original, original.isReapplied { continue }
      guard let original else {
        releases[release].rework.insert(Rework(.revert))
        continue
      }
      let brought = first[ListedChange(list: releases[release].list, change: original.change)].map { Int($0) }
      // Both came at once: nobody ever saw the original.
      guard brought != release else { continue }
      releases[release].rework.insert(Rework(.revert))
      if let brought, brought < release, isRecent(brought, before: releases[release].start) {
        blame(brought, .revert, remedy: release)
      }
    }
  }

  /// Returns the change that each revert takes back, and whether the revert brings it again: a revert of a revert.
  private func originals(
    of firstReverts: [Int32], _ source: any FactSource
  ) throws -> [FactID: (change: FactID, isReapplied: Bool)] {
    /// The change that each known change reverts. 0 if it is no revert, or if nothing tells which one it reverts.
    var reverted: [FactID: UInt64] = [:]
    var isRevert: Set<FactID> = []
    var wanted = IDMap(minimumCapacity: firstReverts.count)
    for index in firstReverts {
      let (change, original) = (deliveries[Int(index)].change, reverts[index] ?? 0)
      reverted[change] = original
      isRevert.insert(change)
      if original != 0 { wanted.set(1, for: original) }
    }
    for (index, delivery) in deliveries.enumerated() where wanted[delivery.change.rawValue] != nil {
      reverted[delivery.change] = max(reverted[delivery.change] ?? 0, reverts[Int32(truncatingIfNeeded: index)] ?? 0)
      if delivery.traits.contains(.isRevert) { isRevert.insert(delivery.change) }
    }
    for other in otherDeliveries where wanted[other.change] != nil {
      let change = FactID(rawValue: other.change)
      reverted[change] = reverted[change] ?? 0
    }
    // Facts of changes tell what deliveries do not. Longer chains of reverts of reverts do not occur.
    var open = Set(isRevert.filter { reverted[$0] == 0 })
    for id in reverted.values where id != 0 && reverted[FactID(rawValue: id)] == nil { open.insert(FactID(rawValue: id)) }
    for _ in 0..<16 where !open.isEmpty {
      let facts = try source.facts(ChangeFact.self, of: open)
      var next: Set<FactID> = []
      for id in open {
        let fact = facts[id]?.max { ($0.times.merged ?? .epoch) < ($1.times.merged ?? .epoch) }
        let original = fact?.reverts ?? FactID(rawValue: 0)
        reverted[id] = original.rawValue
        if fact?.labels.traits.contains(.isRevert) ?? false || original.rawValue != 0 { isRevert.insert(id) }
        if original.rawValue != 0, reverted[original] == nil { next.insert(original) }
      }
      open = next
    }
    var result: [FactID: (change: FactID, isReapplied: Bool)] = [:]
    for index in firstReverts {
      let revert = deliveries[Int(index)]
      guard let original = reverted[revert.change], original != 0 else { continue }
      var depth = 1
      var change = FactID(rawValue: original)
      while isRevert.contains(change), depth < 16 {
        depth += 1
        guard let next = reverted[change], next != 0 else { break }
        change = FactID(rawValue: next)
      }
      result[revert.change] = (FactID(rawValue: original), depth % 2 == 0)
    }
    return result
  }

  // MARK: Incidents and failed deploys

  private mutating func judgeIncidents(blames: Bool) {
    for index in incidents.indices where !incidents[index].isExcluded && incidents[index].isCounted {
      let fact = incidents[index].fact
      var release: Int?
      if fact.basis == .stated, let cause = fact.cause {
        let stated = releaseOfDeploy[cause, fact.causeAttempt] ?? (fact.causeAttempt == 0 ? releaseOfDeploy[cause, 1] : nil)
        // A deploy can cause an incident while it still runs.
        if let stated, releases[Int(stated.release)].start <= fact.began, isRecent(Int(stated.release), before: fact.began) {
          release = Int(stated.release)
          incidents[index].basis = .stated
        }
      } else if let latest = latestRelease(before: incidents[index]), isRecent(latest, before: fact.began) {
        release = latest
        incidents[index].basis = .latestRelease
      }
      guard let release else { continue }
      incidents[index].release = Int32(release)
      guard blames else { continue }
      releases[release].rules.insert(Rules(.incident))
      incidentsOfRelease[Int32(release), default: []].append(Int32(index))
    }
  }

  /// Returns the last release of the service that ended before the incident began.
  private func latestRelease(before incident: IncidentEntry) -> Int? {
    var best: Int?
    func consider(_ range: Range<Int>, _ isCandidate: (Release) -> Bool) {
      var (low, high) = (range.lowerBound, range.upperBound)
      while low < high {
        let middle = (low + high) / 2
        if releases[middle].end <= incident.fact.began { low = middle + 1 } else { high = middle }
      }
      guard let last = (range.lowerBound..<low).last(where: { isCandidate(releases[$0]) }) else { return }
      if best.map({ releases[$0].end < releases[last].end }) ?? true { best = last }
    }
    let environment = names.number(of: incident.fact.environment)
    if incident.service != 0 {
      for list in listsOfService[incident.service] ?? [] {
        consider(lists[list]) { $0.environment == 0 || environment == 0 || $0.environment == environment }
      }
    } else if incident.repository != 0 {
      for range in lists { consider(range) { $0.repository == incident.repository } }
    }
    return best
  }

  /// The next release of the service remedies a failed deploy.
  private mutating func judgeFailed() {
    for index in successCount..<releases.count {
      let next = (listsOfService[releases[index].service] ?? []).compactMap { list in
        let range = lists[list]
        guard releases[range.lowerBound].environment == releases[index].environment else { return nil as Int? }
        return range.first { releases[$0].end > releases[index].end }
      }.min { releases[$0].end < releases[$1].end }
      if let next { releases[index].remedy = Int32(next) }
    }
  }

  // MARK: Results

  func verdict(on release: Release) -> Verdict {
    if question.now.seconds(since: release.end) < question.settings.verdictAfterSeconds { return .pending }
    return !release.rules.isEmpty ? .failed : release.isTakenBack ? .takenBack : .ok
  }

  func incidents(of release: Int) -> [Int32] { incidentsOfRelease[Int32(release)] ?? [] }

  /// When a failed release was remedied, or its last incident was resolved, whichever was first. Nil while it lasts.
  func recovery(of release: Int) -> Recovery? {
    let remedy = releases[release].remedy
    let remedied = remedy < 0 ? nil : Recovery(time: releases[Int(remedy)].end)
    var resolved: Recovery?
    for index in incidents(of: release) {
      let fact = incidents[Int(index)].fact
      guard let end = fact.resolved else { return remedied }
      if resolved.map({ $0.time < end }) ?? true { resolved = Recovery(time: end, isTimeUnknown: fact.isResolutionUnknown) }
    }
    guard let remedied, let resolved else { return remedied ?? resolved }
    return resolved.isTimeUnknown || remedied.time < resolved.time ? remedied : resolved
  }

  struct Recovery {
    var time: Timestamp
    /// True if no delivery states when the last incident was resolved. The time is then the latest one known.
    var isTimeUnknown = false
  }

  func detection(of release: Int) -> Timestamp? {
    incidents(of: release).map { incidents[Int($0)].fact.detected }.min()
  }
}
