import ValueStreamCore

/// What remains to be computed because of what was computed before.
struct FactWork: Sendable {
  private(set) var subjects = FactQueue<SubjectKey>()
  /// The repositories whose services must be visited, with the time from which their deploys are to be computed again.
  private var repositories = FactQueue<ExactText>()
  private var repositoryTimes: [ExactText: Timestamp] = [:]
  private(set) var passes: [DeployScope: FactPass] = [:]
  private(set) var incidents: FactPass?
  /// The scopes to visit in this round, the next one last. Scopes that are queued later come in the next round.
  private var round: [DeployScope] = []

  var isEmpty: Bool { subjects.isEmpty && !hasPasses }
  /// True if deploys or incidents wait to be computed in order of time.
  var hasPasses: Bool { !repositories.isEmpty || !passes.isEmpty || incidents != nil }
  var count: Int { subjects.count + repositories.count + passes.count + (incidents == nil ? 0 : 1) }

  // MARK: Subjects

  /// - Returns: false if the subject waits already.
  mutating func queue(_ key: SubjectKey) -> Bool { subjects.insert(key) }

  /// - Returns: false if the subject does not wait.
  mutating func dequeue(_ key: SubjectKey) -> Bool { subjects.remove(key) }

  mutating func removeFirst(atMost limit: Int) -> [SubjectKey] { subjects.removeFirst(atMost: limit) }

  // MARK: Repositories

  /// - Returns: false if the repository waits already, from this time or an earlier one.
  mutating func queue(repository: ExactText, since time: Timestamp) -> Bool {
    if let known = repositoryTimes[repository], known <= time { return false }
    repositoryTimes[repository] = time
    _ = repositories.insert(repository)
    return true
  }

  /// Removes and returns the repository that has waited longest.
  mutating func removeFirstRepository() -> (name: ExactText, since: Timestamp)? {
    guard let name = repositories.removeFirst(atMost: 1).first, let time = repositoryTimes.removeValue(forKey: name) else {
      return nil
    }
    return (name, time)
  }

  // MARK: Deploys

  /// Lets the deploys of a scope be computed again from a time on.
  ///
  /// - Returns: false if they will be anyway.
  mutating func queue(_ scope: DeployScope, from time: Timestamp) -> Bool {
    if passes[DeployScope(service: scope.service.text)]?.covers(time) ?? false { return false }
    guard var pass = passes[scope] else {
      passes[scope] = FactPass(from: time)
      return true
    }
    if pass.covers(time) { return false }
    pass.queue(from: time)
    passes[scope] = pass
    return true
  }

  /// True if a pass over all environments computes everything that a pass over one of them would.
  func isCovered(_ scope: DeployScope) -> Bool {
    guard scope.target != nil, let pass = passes[scope], let whole = passes[DeployScope(service: scope.service.text)] else {
      return false
    }
    return whole.covers(pass.earliest)
  }

  /// Returns the scope to continue with: the one whose pass begins last, because it takes the least work.
  ///
  /// Each scope has its turn once in a round, so none waits for those that are queued again and again.
  mutating func nextScope() -> DeployScope? {
    while let scope = round.last {
      if passes[scope] != nil { return scope }
      round.removeLast()
    }
    let order = passes.sorted { left, right in
      left.value.position == right.value.position
        ? left.key.description < right.key.description : left.value.position < right.value.position
    }
    round = order.map(\.key)
    return round.last
  }

  mutating func advance(_ scope: DeployScope, to position: FactPass.Position) {
    passes[scope]?.advance(to: position)
  }

  /// Ends the pass over a scope. What was queued meanwhile waits for the next round.
  mutating func finish(_ scope: DeployScope) {
    passes[scope] = passes[scope]?.successor
    if round.last == scope { round.removeLast() }
  }

  // MARK: Incidents

  /// - Returns: false if the incidents from this time on will be computed anyway.
  mutating func queueIncidents(from time: Timestamp) -> Bool {
    guard incidents.map({ !$0.covers(time) }) ?? true else { return false }
    if incidents == nil { incidents = FactPass(from: time) } else { incidents?.queue(from: time) }
    return true
  }

  mutating func advanceIncidents(to position: FactPass.Position) { incidents?.advance(to: position) }

  mutating func finishIncidents() { incidents = incidents?.successor }

  // MARK: Stored form

  mutating func restore(_ scope: DeployScope, _ pass: FactPass) { passes[scope] = pass }

  mutating func restoreIncidents(_ pass: FactPass) { incidents = pass }
}
