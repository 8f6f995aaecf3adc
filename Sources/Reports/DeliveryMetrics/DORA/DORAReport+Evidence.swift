package import ValueStreamCore

/// Lists the rows behind a number.
extension DORAComputation {
  /// What a row of evidence is about.
  private enum Item {
    case change(DeliveryPopulation.ChangeEntry)
    case release(Int32)
    case leftOutDeploy(Int32)
    case incident(Int32)
    case recovered(Int32)
    case open(Int32)
  }

  func page(_ evidence: DORAEvidence, _ request: PageRequest) throws -> EvidencePage {
    guard let rows = try groupRows(evidence) else { return EvidencePage(rows: [], total: 0) }
    let part = evidence.part
    return try EvidencePage(of: items(rows, evidence.metric, part), request) { head in
      switch (evidence.metric, part) {
      case (.changeFailRate, .verdict(let verdict)): head.verdict == verdict
      case (.changeFailRate, .rule): head.verdict == .failed
      case (.recoveryTime, .detected): head.value != nil && head.leftOut == nil
      case (.recoveryTime, .open), (.reworkRate, .rework): true
      default: head.belongs(to: part)
      }
    } head: {
      head(of: $0, evidence)
    } row: {
      row(of: $0, evidence)
    }
  }

  /// The rows of the group, or of one bucket of its trend. Nil for an unknown group.
  private func groupRows(_ evidence: DORAEvidence) throws -> DeliveryPopulation.GroupRows? {
    guard let number = population.scope.group(of: evidence.group, query.settings, history.names),
      let rows = population.rows(evidence.period, number)
    else { return nil }
    guard let bucket = evidence.bucket else { return rows }
    guard evidence.period == .current, let width = query.buckets else {
      throw ReportError(.badQuestion, "only a trend of the current window has buckets")
    }
    let buckets = try TimeBuckets(width, of: frame.window, zone: frame.zone, historyBegan: historyBegan, now: frame.now)
    guard let index = buckets.index(startingAt: bucket) else {
      throw ReportError(.badQuestion, "no bucket of the trend begins at \(bucket.rfc3339)")
    }
    return divide(rows, buckets)[index]
  }

  private func items(_ rows: DeliveryPopulation.GroupRows, _ metric: DORAMetric, _ part: DORAEvidence.Part) -> [Item] {
    let releases = rows.releases.filter { Int($0) < history.successCount }
    let leftOut = rows.leftOutDeploys.map(Item.leftOutDeploy)
    switch (metric, part) {
    case (.leadTime, _): return rows.changes.map(Item.change)
    case (.deploymentFrequency, _): return releases.map(Item.release) + leftOut
    case (.changeFailRate, .verdict): return rows.releases.map(Item.release)
    case (.changeFailRate, .rule(let rule)):
      return rows.releases.filter { history.releases[Int($0)].rules.contains(ReleaseHistory.Rules(rule)) }.map(Item.release)
    case (.changeFailRate, _):
      return rows.releases.map(Item.release) + leftOut + rows.incidents.map(Item.incident)
    case (.recoveryTime, .detected): return rows.recovered.map(Item.recovered)
    case (.recoveryTime, .open): return rows.open.map(Item.open)
    case (.recoveryTime, _): return rows.recovered.map(Item.recovered) + rows.open.map(Item.open)
    case (.reworkRate, .rework(let reason)):
      return releases.filter {
        let rework = history.releases[Int($0)].rework
        return reason.map { rework.contains(ReleaseHistory.Rework($0)) } ?? !rework.isEmpty
      }.map(Item.release)
    case (.reworkRate, _): return releases.map(Item.release) + leftOut
    }
  }

  /// What orders a row, and what tells whether it counts.
  private func head(of item: Item, _ evidence: DORAEvidence) -> EvidenceRow {
    switch item {
    case .change(let entry): return EvidenceRow(headOf: entry, history)
    case .release(let index):
      let release = history.releases[Int(index)]
      let ending = history.deploys[Int(release.ending)]
      var head = EvidenceRow(kind: .deploy, id: ending.id, attempt: ending.attempt, time: release.end)
      if evidence.metric == .changeFailRate {
        head.verdict = history.verdict(on: release)
        if head.verdict == .pending { head.leftOut = .pending }
      }
      return head
    case .leftOutDeploy, .incident, .recovered, .open: return row(of: item, evidence)
    }
  }

  private func row(of item: Item, _ evidence: DORAEvidence) -> EvidenceRow {
    switch item {
    case .change(let entry): EvidenceRow(entry, history, query.settings)
    case .release(let index):
      switch evidence.metric {
      case .changeFailRate: verdictRow(index)
      case .reworkRate: reworkRow(index)
      case .leadTime, .deploymentFrequency, .recoveryTime: releaseRow(index)
      }
    case .leftOutDeploy(let index): leftOutRow(index)
    case .incident(let index): incidentRow(index)
    case .recovered(let index): failureRow(index, fromDetection: evidence.part == .detected)
    case .open(let index): failureRow(index, isOpen: true)
    }
  }

  private func releaseRow(_ index: Int32) -> EvidenceRow {
    let release = history.releases[Int(index)]
    let ending = history.deploys[Int(release.ending)]
    return EvidenceRow(
      kind: .deploy, id: ending.id, attempt: ending.attempt, time: release.end,
      related: history.members(of: release).filter { $0 != release.ending }.map { .init(.deploy, history.deploys[Int($0)].id) })
  }

  private func verdictRow(_ index: Int32) -> EvidenceRow {
    let release = history.releases[Int(index)]
    var row = releaseRow(index)
    row.verdict = history.verdict(on: release)
    if row.verdict == .pending { row.leftOut = .pending }
    row.reasons = release.rules.list.map(\.rawValue)
    if release.isTakenBack, release.rules.isEmpty { row.reasons.append(FailureRule.rollback.rawValue) }
    if release.remedy >= 0 {
      row.related.append(.init(.remediedBy, history.deploys[Int(history.releases[Int(release.remedy)].ending)].id))
    }
    row.related += history.incidents(of: Int(index)).map { .init(.incident, history.incidents[Int($0)].fact.id) }
    return row
  }

  private func reworkRow(_ index: Int32) -> EvidenceRow {
    var row = releaseRow(index)
    row.reasons = history.releases[Int(index)].rework.list.map(\.rawValue)
    return row
  }

  private func leftOutRow(_ index: Int32) -> EvidenceRow {
    let left = history.leftOut[Int(index)]
    let deploy = history.deploys[Int(left.deploy)]
    return EvidenceRow(
      kind: .deploy, id: deploy.id, attempt: deploy.attempt, time: time(ofLeftOut: index), leftOut: left.reason,
      exclusion: query.settings.exclusions[deploy.id])
  }

  private func incidentRow(_ index: Int32) -> EvidenceRow {
    let incident = history.incidents[Int(index)]
    return EvidenceRow(
      kind: .incident, id: incident.fact.id, time: incident.fact.began,
      leftOut: incident.isExcluded ? .excluded : .incidentWithoutRelease, exclusion: query.settings.exclusions[incident.fact.id])
  }

  /// - Parameter isOpen: true for a failure that lasted at the end of the period, whatever came later.
  private func failureRow(_ index: Int32, isOpen: Bool = false, fromDetection: Bool = false) -> EvidenceRow {
    let failure = population.failures[Int(index)]
    let releases = failure.releases.map { history.releases[Int($0)] }
    var row = verdictRow(failure.releases[0])
    row.verdict = .failed
    row.leftOut = nil
    if isOpen {
      row.time = failure.start
      row.leftOut = .stillBroken
    } else if let end = failure.end {
      row.time = end
      let start = fromDetection ? failure.detected : failure.start
      if failure.isEndUnknown {
        row.leftOut = start.map { _ in .endUnknown }
      } else {
        row.value = start.map { end.seconds(since: $0) }
        if let value = row.value, value < 0 { row.leftOut = .clock }
      }
    }
    row.reasons = releases.reduce(into: ReleaseHistory.Rules()) { $0.formUnion($1.rules) }.list.map(\.rawValue)
    for (index, release) in zip(failure.releases, releases).dropFirst() {
      row.related.append(.init(.deploy, history.deploys[Int(release.ending)].id))
      row.related += history.incidents(of: Int(index)).map { .init(.incident, history.incidents[Int($0)].fact.id) }
    }
    return row
  }
}

extension EvidenceRow {
  /// True if the row belongs to a part that only depends on whether it counts.
  fileprivate func belongs(to part: DORAEvidence.Part) -> Bool {
    switch part {
    case .counted: leftOut == nil
    case .leftOut(let reason): leftOut != nil && (reason == nil || reason == leftOut)
    case .verdict, .rule, .rework, .open, .detected: false
    }
  }

  /// What orders the row of a change at its first release, and what tells whether it counts.
  init(headOf entry: DeliveryPopulation.ChangeEntry, _ history: ReleaseHistory) {
    let delivery = history.deliveries[Int(entry.delivery)]
    let isTimed = entry.leftOut == nil || entry.leftOut == .clock
    self.init(
      kind: .change, id: delivery.change, time: delivery.released, value: isTimed ? entry.seconds : nil, leftOut: entry.leftOut)
  }

  /// The row of a change at its first release.
  init(_ entry: DeliveryPopulation.ChangeEntry, _ history: ReleaseHistory, _ settings: ReportSettings) {
    let delivery = history.deliveries[Int(entry.delivery)]
    self.init(headOf: entry, history)
    reasons = delivery.traits.words
    exclusion = settings.exclusions[delivery.change]
    related = [.init(.deployedBy, history.deploys[Int(history.releases[Int(delivery.release)].ending)].id)]
  }
}

extension ChangeLabels.Traits {
  /// The traits that evidence names.
  package var words: [String] {
    let all: [(ChangeLabels.Traits, String)] = [
      (.isByBot, "by_bot"), (.isDraft, "draft"), (.isDirect, "direct"), (.isRevert, "revert"), (.isCherryPick, "cherry_pick"),
      (.isBackMerge, "back_merge"), (.isHotfix, "hotfix"), (.isForIncident, "for_incident"), (.isImported, "imported"),
    ]
    return all.filter { contains($0.0) }.map(\.1)
  }
}
