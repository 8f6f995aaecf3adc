import ValueStreamCore

/// Deploys, and what they concern.
extension FactStep {
  mutating func computeDeploys(_ subjects: [(id: FactID, key: SubjectKey)]) throws {
    guard !subjects.isEmpty else { return }
    let stored = try store.facts(DeployFact.self, of: Set(subjects.map(\.id)))
    var ready: [(id: FactID, key: SubjectKey, end: Timestamp, ends: [ComputedFacts.DeployEnd])] = []
    for (id, key) in subjects {
      // Without changes, this is cheap.
      guard let sketch = try computer.facts(of: key, id: id, withChanges: false) else { continue }
      let before = done[id]?.deploys ?? stored[id] ?? []
      let waits = try note(sketch, before: before)
      if waits {
        memory.dequeue(key)
      } else {
        ready.append((id, key, sketch.deployEnds.map(\.end).max() ?? .epoch, sketch.deployEnds))
      }
    }
    for (index, deploy) in ready.sorted(by: { ($0.end, $0.key) < ($1.end, $1.key) }).enumerated() {
      if index < Self.deployLimit || deploy.ends.isEmpty {
        try computeDeploy(deploy.key, deploy.id, before: stored[deploy.id] ?? [], isInOrder: false)
      } else {
        for end in deploy.ends { memory.queue(DeployScope(service: end.service, target: end.target), from: end.end) }
        memory.dequeue(deploy.key)
      }
    }
  }

  /// The maximum number of successful deploys to compute at once. The others wait for the next steps.
  private static let deployLimit = 32

  /// Notes what a changed deploy concerns besides itself.
  ///
  /// - Returns: true if the deploy is computed later, in order of time.
  mutating func note(_ sketch: ComputedFacts, before: [DeployFact]) throws -> Bool {
    noteRepositories(of: sketch)
    let (old, new) = (Set(before.map(DeployIdentity.init)), Set(sketch.deploys.map(DeployIdentity.init)))
    var waits = false
    for end in sketch.deployEnds {
      let isChanged = sketch.deploys.contains {
        Int($0.attempt) == end.attempt && !old.contains(DeployIdentity($0))
      }
      if isChanged, try isBeforeOthers(end) {
        memory.queue(DeployScope(service: end.service, target: end.target), from: end.end)
        waits = true
      }
      memory.noteEnd(end.end, of: end.target)
      memory.noteEnd(end.end, of: end.service)
    }
    for fact in before where !new.contains(DeployIdentity(fact)) { try replace(fact, of: sketch.subject.key) }
    let differing = (before + sketch.deploys).filter { old.contains(DeployIdentity($0)) != new.contains(DeployIdentity($0)) }
    try noteIncidents(after: differing)
    return waits
  }

  /// Notes that a deploy is no longer as this fact says.
  mutating func replace(_ fact: DeployFact, of key: SubjectKey) throws {
    try noteIncidents(after: [fact])
    guard fact.outcome == .success, let end = fact.ended else { return }
    for (service, target) in try computer.scopes(of: fact, key) {
      if let latest = memory.latestEnd(target), latest < end { continue }
      memory.queue(DeployScope(service: service, target: target), from: end)
    }
  }

  private mutating func noteIncidents(after deploys: [DeployFact]) throws {
    let ended = deploys.filter { $0.outcome == .success || $0.outcome == .failure }
    guard let start = ended.map({ $0.started ?? $0.created }).min(), try latestIncident() >= start else { return }
    memory.queueIncidents(from: start)
  }

  private mutating func noteRepositories(of computed: ComputedFacts) {
    guard let last = computed.deployEnds.map(\.end).max() else { return }
    let services = computed.deployEnds.map(\.service)
    let skew = min(computed.deployEnds.map(\.skew).max() ?? 0, Self.skewLimit)
    let day = FactComputer.day(of: last)
    for repository in computed.repositories {
      memory.noteDeploys(of: repository, services: services, lastDay: day, skew: skew)
    }
    // Services without a repository are found by their own names.
    for service in services { memory.noteDeploys(of: service, services: [service], lastDay: day) }
  }

  /// The maximum difference of clocks to allow for: a day, in nanoseconds.
  private static let skewLimit: Int64 = 86_400_000_000_000

  /// True if another deploy to the target ended later.
  private mutating func isBeforeOthers(_ end: ComputedFacts.DeployEnd) throws -> Bool {
    if let latest = memory.latestEnd(end.target) { return latest > end.end }
    let last = memory.lastDay(ofService: ExactText(end.service)) ?? FactComputer.day(of: end.end)
    let first = FactComputer.day(of: end.end)
    let latest = first <= last ? try computer.latestEnd(in: end.target, days: first...last) ?? end.end : end.end
    memory.setLatestEnd(max(latest, end.end), of: end.target)
    return latest > end.end
  }

  /// Computes a deploy with the changes that it brought.
  ///
  /// - Parameters:
  ///   - stored: the stored facts of the deploy.
  ///   - isInOrder: true if all later deploys to the targets are computed after it anyway.
  private mutating func computeDeploy(
    _ key: SubjectKey, _ id: FactID, before stored: [DeployFact], isInOrder: Bool
  ) throws {
    let before = try computer.delivered(by: id)
    guard let computed = try compute(key, id) else { return }
    if try hasLostPrevious(computed, before: stored) {
      written[id] = nil
      return
    }
    noteRepositories(of: computed)
    try relinkJobs(of: computed, before: nil)
    for direct in computed.directChanges {
      written[direct.subject.id] = SubjectFacts(subject: direct.subject, rows: [EncodedFact(direct.fact)])
    }
    let now = Set(computed.delivered.map(\.change))
    try removeDirectChanges(of: id, besides: now, before)
    guard !isInOrder, Set(before.map(\.change)) != now else { return }
    for end in computed.deployEnds where try isBeforeOthers(end) {
      memory.queue(DeployScope(service: end.service, target: end.target), from: end.end)
    }
  }

  /// True if a deploy seems to be the first one only because retention removed the one before it. Its facts then stay.
  private mutating func hasLostPrevious(_ computed: ComputedFacts, before: [DeployFact]) throws -> Bool {
    for fact in computed.deploys where fact.step == .first {
      guard let old = before.first(where: { $0.attempt == fact.attempt }), old.outcome == .success, let previous = old.previous,
        let key = try computer.keys(of: [previous])[previous]
      else { continue }
      if try store.places(of: [key]).isEmpty { return true }
    }
    return false
  }

  /// Removes the direct changes that a deploy brought and that no deploy brings any more.
  mutating func removeDirectChanges(
    of deploy: FactID, besides kept: Set<FactID>, _ before: [DeliveredChange]? = nil
  ) throws {
    let rows = try before ?? computer.delivered(by: deploy)
    let gone = Set(rows.map(\.change).filter { $0.isDirect && !kept.contains($0) })
    guard !gone.isEmpty else { return }
    let others = try computer.deliveries(of: gone, besides: deploy)
    for id in gone where others[id]?.isEmpty ?? true {
      removed.insert(id)
      written[id] = nil
    }
  }

  /// Computes the deploys of a scope in order of their ends, because whether a deploy repeats a change depends on those before it.
  mutating func workOff(_ scope: DeployScope, until bound: Int) throws {
    guard let start = memory.work.passes[scope]?.position, !memory.work.isCovered(scope) else { return memory.finish(scope) }
    let lastDay = memory.lastDay(ofService: scope.service) ?? FactComputer.day(of: now) + 1
    var day = FactComputer.day(of: start.time)
    var width: Int64 = 1
    var last: Timestamp?
    repeat {
      guard admits(.deploys(scope)) else { return memory.finish(scope) }
      let window = try takeWindow(of: scope, from: start, days: day...max(day, min(day + width - 1, lastDay)))
      let ids = try computer.ids(of: Set(window.rest.map(\.key)))
      let stored = try store.facts(DeployFact.self, of: Set(ids.values))
      for (index, deploy) in zip(window.rest.indices, window.rest) {
        if spent >= bound, index > window.rest.startIndex {
          memory.deploysOfPass = DeployWindow(scope: scope, days: window.days, rest: window.rest[index...])
          return memory.advance(scope, to: deploy.position)
        }
        guard let id = ids[deploy.key], admits(.subject(deploy.key)) else { continue }
        spend(1)
        try computeDeploy(deploy.key, id, before: stored[id] ?? [], isInOrder: true)
        last = deploy.end
      }
      day = window.days.upperBound + 1
      if day <= lastDay, spent >= bound {
        return memory.advance(scope, to: FactPass.Position(time: Timestamp(seconds: day * 86_400)))
      }
      // Look at more days at once while there are few deploys.
      if window.rest.count < 16 { width = min(width * 2, 64) } else { width = max(1, width / 2) }
    } while day <= lastDay
    memory.setLatestEnd(last ?? start.time, of: scope.name)
    memory.finish(scope)
  }

  /// Returns the deploys of some days from a place on, or the rest of those that an earlier step has read.
  ///
  /// Reading counts as work, also if there are no deploys.
  private mutating func takeWindow(
    of scope: DeployScope, from start: FactPass.Position, days: ClosedRange<Int64>
  ) throws -> DeployWindow {
    if let window = memory.deploysOfPass, window.scope == scope, window.rest.first?.position == start {
      memory.deploysOfPass = nil
      return window
    }
    let deploys = try computer.deploys(in: scope.name, days: days)
    spend(1 + deploys.count / Self.deploysOfUnit)
    return DeployWindow(scope: scope, days: days, rest: deploys.filter { $0.position >= start }[...])
  }

  /// Reading so many deploys takes about as long as computing one.
  private static let deploysOfUnit = 16
}

extension FactComputer.OrderedDeploy {
  fileprivate var position: FactPass.Position { FactPass.Position(time: end, name: key.description) }
}

/// What others may notice of an attempt of a deploy.
private struct DeployIdentity: Hashable {
  var attempt: UInt16
  var service: FactName
  var environment: FactName
  var start: Timestamp
  var end: Timestamp?
  var outcome: DeployOutcome
  var commit: CommitPrefix

  init(_ fact: DeployFact) {
    attempt = fact.attempt
    service = fact.target.service
    environment = fact.target.environment
    start = fact.started ?? fact.created
    end = fact.ended
    outcome = fact.outcome
    commit = fact.commit
  }
}
