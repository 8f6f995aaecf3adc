import DeliveryFacts
package import ValueStreamCore

/// Facts of the second projection.
extension Replay {
  private static let subjectsAtOnce = 500

  /// Computes the facts of the second projection.
  ///
  /// - Parameters:
  ///   - strategy: must be that of all readers of the store.
  ///   - onProgress: called with the number of computed subjects.
  /// - Throws: ``StoreError`` if the store cannot be read or written. Call again to continue.
  package func computeFacts(
    strategy: TraceStrategy, rules: FactRules, onProgress: (_ computed: Int) -> Void = { _ in }
  ) throws {
    var keeper = FactKeeper(store: second, strategy: strategy, rules: rules, allowance: .unlimited)
    var count = 0
    while try keeper.step(now: clock.now()) {
      count += keeper.lastComputedCount
      onProgress(count)
    }
  }

  /// Carries over from the first projection the facts of subjects that only it knows.
  ///
  /// Facts outlive spans and the log, so they cannot all be computed again. Call it after
  /// ``computeFacts(strategy:rules:onProgress:)``.
  ///
  /// - Throws: ``StoreError`` if one of the stores cannot be read or written. Call again to repeat it.
  package func carryOverFacts() throws {
    let (gone, direct) = try goneSubjects()
    var broughtByGone: Set<FactID> = []
    for start in stride(from: 0, to: gone.count, by: Self.subjectsAtOnce) {
      let ids = gone[start..<min(start + Self.subjectsAtOnce, gone.count)]
      for rows in try first.facts(DeliveredChange.self, of: Set(ids)).values {
        broughtByGone.formUnion(rows.lazy.map(\.change).filter(\.isDirect))
      }
      try carryOver(ids)
    }
    // A direct change is computed with a deploy. So those of deploys that are gone are carried over, and those that no deploy of
    // the second projection brought.
    let missing = try direct.filter { try broughtByGone.contains($0) || isFromBeforeUpdates($0) }
    for start in stride(from: 0, to: missing.count, by: Self.subjectsAtOnce) {
      let ids = missing[start..<min(start + Self.subjectsAtOnce, missing.count)]
      let known = try second.factSubjects(Set(ids))
      try carryOver(ids.filter { known[$0] == nil }[...])
    }
    try carryOverRollUps()
  }

  // MARK: Roll-ups

  /// The name of the value with the last day whose roll-ups were carried over.
  private static let carriedRollUps = "replay.rollups"

  /// Carries over what subjects that are gone added to roll-ups.
  ///
  /// Days of which the second projection counts at least as many runs and jobs as the first one are complete: the log has
  /// all of their deliveries.
  private func carryOverRollUps() throws {
    let reached = try second.factValues()[Self.carriedRollUps].flatMap { Int32(String(decoding: $0, as: UTF8.self)) } ?? .min
    var ofDay: [DailyRollUp] = []
    try first.visitGoneRollUps { rollUp in
      if let day = ofDay.last?.day, day != rollUp.day {
        try carryOver(ofDay, of: day)
        ofDay = []
      }
      if rollUp.day.rawValue > reached { ofDay.append(rollUp) }
    }
    if let day = ofDay.last?.day { try carryOver(ofDay, of: day) }
  }

  private func carryOver(_ rollUps: [DailyRollUp], of day: FactDay) throws {
    var changes = FactChanges()
    changes.values[Self.carriedRollUps] = Array(String(day.rawValue).utf8)
    if try second.countOfTallies(on: day) < first.countOfTallies(on: day) {
      func names(_ key: RollUpKey) -> [FactName] { [key.repository, key.workflow, key.job, key.runner] }
      let numbers = try translatedNames(Set(rollUps.flatMap { names($0.key) }))
      func translated(_ name: FactName) -> FactName { numbers[name] ?? .none }
      changes.rollUps = rollUps.map { rollUp in
        var copy = rollUp
        copy.key.repository = translated(rollUp.key.repository)
        copy.key.workflow = translated(rollUp.key.workflow)
        copy.key.job = translated(rollUp.key.job)
        copy.key.runner = translated(rollUp.key.runner)
        return copy
      }
    }
    try second.write(changes)
  }

  /// Makes the exclusions of the second projection those of the first. They outlive the log, so it cannot tell all of them.
  ///
  /// Call it after ``carryOverFacts()``.
  ///
  /// - Throws: ``StoreError`` if one of the stores cannot be read or written. Call again to repeat it.
  package func carryOverExclusions() throws {
    let kept = try first.exclusions()
    let items = Set(kept.map(\.item))
    var changes = ProjectionChanges()
    for exclusion in try second.exclusions() where !items.contains(exclusion.item) {
      let change = ExclusionChange(.include, exclusion.item, reason: "", actor: exclusion.actor)
      changes.exclusions.append(ExclusionDecision(change, at: exclusion.time))
    }
    for exclusion in kept {
      let change = ExclusionChange(.exclude, exclusion.item, reason: exclusion.reason, actor: exclusion.actor)
      changes.exclusions.append(ExclusionDecision(change, at: exclusion.time))
    }
    if !changes.exclusions.isEmpty { try second.write(changes) }
  }

  /// Returns the subjects with facts that the second projection does not have, and all direct changes.
  private func goneSubjects() throws -> (gone: [FactID], direct: [FactID]) {
    let all = try first.subjectsOfFacts()
    var gone: [FactID] = []
    let stored = all.filter { !$0.isDirect }
    for start in stride(from: 0, to: stored.count, by: Self.subjectsAtOnce) {
      let ids = stored[start..<min(start + Self.subjectsAtOnce, stored.count)]
      let subjects = try first.factSubjects(Set(ids))
      let places = try second.places(of: subjects.values.map(\.key))
      gone += ids.filter { id in subjects[id].map { places[$0.key] == nil } ?? false }
    }
    return (gone, all.filter(\.isDirect))
  }

  /// True if a direct change is from before the first update of its branch that the second projection has.
  private func isFromBeforeUpdates(_ id: FactID) throws -> Bool {
    guard let subject = try first.factSubjects([id])[id] else { return false }
    guard let pushed = try first.facts(ChangeFact.self, of: [id])[id]?.first?.times.merged else { return false }
    let updates = try second.branchUpdates(of: subject.key, limit: .max, bytes: .max)
    return updates.first.map { pushed < $0.time.timestamp } ?? true
  }

  private func carryOver(_ ids: ArraySlice<FactID>) throws {
    let subjects = try first.factSubjects(Set(ids))
    var rows: [FactID: [EncodedFact]] = [:]
    for kind in FactKind.allCases {
      for (id, encoded) in try first.encodedFacts(kind, of: Set(ids)) { rows[id, default: []] += encoded }
    }
    let numbers = rows.values.joined().compactMap(\.numbers)
    let names = try translatedNames(numbers.reduce(into: []) { $0.formUnion($1.names) })
    let translated = try translatedIDs(numbers.reduce(into: Set(ids)) { $0.formUnion($1.ids) })
    var changes = FactChanges()
    for id in ids {
      guard var subject = subjects[id], let encoded = rows[id], let new = translated[id] else { continue }
      subject.id = new
      let facts = encoded.compactMap { fact in
        fact.translated {
          translated[$0] ?? $0
        } name: {
          names[$0] ?? .none
        }
      }
      changes.facts.append(SubjectFacts(subject: subject, rows: facts))
    }
    try second.write(changes)
  }

  /// Returns the numbers of these names in the second projection. Those without a text are absent.
  private func translatedNames(_ names: Set<FactName>) throws -> [FactName: FactName] {
    let texts = try first.texts(of: names).map { (name: $0.key, text: $0.value) }
    let numbers = try second.factNames(for: texts.map(\.text))
    return Dictionary(zip(texts.lazy.map(\.name), numbers)) { first, _ in first }
  }

  /// Returns the ids of these subjects in the second projection.
  ///
  /// A subject that it does not have gets an id that derives from its key, so that a repeated call gives the same one.
  private func translatedIDs(_ ids: Set<FactID>) throws -> [FactID: FactID] {
    let subjects = try first.factSubjects(ids)
    let places = try second.places(of: subjects.values.map(\.key))
    var result: [FactID: FactID] = [:]
    for id in ids where !id.isDirect {
      if let key = subjects[id]?.key {
        result[id] = places[key].map { FactID(rawValue: $0) } ?? FactID(goneSubject: key)
      } else {
        // Nothing but its former number is known.
        result[id] = FactID(goneSubject: SubjectKey(encoded: "replay:::gone:\(id.rawValue)"))
      }
    }
    for id in ids where id.isDirect { result[id] = id }
    return result
  }
}

extension FactStore {
  /// The number of runs and jobs that count on a day.
  fileprivate func countOfTallies(on day: FactDay) throws -> Int64 {
    var count: Int64 = 0
    for level in [RollUpLevel.whole, .job] { try visitRollUps(level, days: day...day) { count += $1.counts.runs } }
    return count
  }

  fileprivate func subjectsOfFacts() throws -> [FactID] {
    var ids: Set<FactID> = []
    func collect<Row: Fact>(_ type: Row.Type) throws {
      let days = FactDay(rawValue: .min)...FactDay(rawValue: .max)
      try visitFacts(type, days: days, includesOpen: true) { ids.insert($0.id) }
    }
    try collect(ChangeFact.self)
    try collect(DeployFact.self)
    try collect(DeliveredChange.self)
    try collect(IncidentFact.self)
    try collect(IssueFact.self)
    try collect(RunFact.self)
    return ids.sorted()
  }

  fileprivate func encodedFacts(_ kind: FactKind, of ids: Set<FactID>) throws -> [FactID: [EncodedFact]] {
    func encoded<Row: Fact>(_ type: Row.Type) throws -> [FactID: [EncodedFact]] {
      try facts(type, of: ids).mapValues { rows in rows.map { EncodedFact($0) } }
    }
    return switch kind {
    case .change: try encoded(ChangeFact.self)
    case .deploy: try encoded(DeployFact.self)
    case .deliveredChange: try encoded(DeliveredChange.self)
    case .incident: try encoded(IncidentFact.self)
    case .issue: try encoded(IssueFact.self)
    case .run: try encoded(RunFact.self)
    }
  }
}
