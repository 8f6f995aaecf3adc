import Testing
package import ValueStreamCore

/// Checks what every store of facts must do.
package struct FactStoreContract: Sendable {
  package typealias Store = SpanStore & FactStore

  /// Makes an empty store.
  package var makeStore: @Sendable () throws -> any Store
  /// Closes a store and opens it again; nil if the store does not persist.
  package var reopen: (@Sendable (any Store) throws -> any Store)?

  package init(
    makeStore: @escaping @Sendable () throws -> any Store,
    reopen: (@Sendable (any Store) throws -> any Store)? = nil
  ) {
    self.makeStore = makeStore
    self.reopen = reopen
  }

  private func reopened(_ store: any Store) throws -> any Store { try reopen?(store) ?? store }

  // MARK: Rows

  package func checkReplacement() throws {
    var store = try makeStore()
    defer { store.close() }
    let (change, other) = (FactSamples.change(1, mergedOn: 3), FactSamples.change(2, mergedOn: 3))
    try store.write(FactSamples.changes([FactSamples.facts(change), FactSamples.facts(other)]))
    #expect(try Set(store.all(ChangeFact.self)) == [change, other])
    #expect(try store.facts(ChangeFact.self, of: [change.id, FactID(rawValue: 99)]) == [change.id: [change]])

    // The facts of a subject are replaced as a whole: other values, another kind, another day, none.
    var corrected = change
    corrected.reviewRounds = 4
    try store.write(FactSamples.changes([FactSamples.facts(corrected)]))
    #expect(try Set(store.all(ChangeFact.self)) == [corrected, other])
    let moved = FactSamples.change(1, mergedOn: 1)
    try store.write(FactSamples.changes([FactSamples.facts(moved)]))
    store = try reopened(store)
    #expect(try store.all(ChangeFact.self) == [moved, other])
    #expect(try store.days(ChangeFact.self, 3...3) == [other])
    #expect(try store.factProgress().firstDay == FactSamples.day(1))
    let issue = FactSamples.issue(1, closedOn: 5)
    try store.write(FactSamples.changes([FactSamples.facts(issue)]))
    #expect(try store.all(ChangeFact.self) == [other])
    #expect(try store.all(IssueFact.self) == [issue])
    #expect(try store.facts(ChangeFact.self, of: [change.id]).isEmpty)
    var nothing = FactSamples.facts(issue)
    nothing.rows = []
    try store.write(FactSamples.changes([nothing]))
    #expect(try store.all(IssueFact.self).isEmpty)
    #expect(try store.factSubjects([issue.id]).isEmpty)
    var removal = FactChanges()
    removal.removed = [other.id, FactID(rawValue: 77)]
    try store.write(removal)
    store = try reopened(store)
    #expect(try store.all(ChangeFact.self).isEmpty)
    #expect(try store.factProgress().firstDay == nil)
  }

  package func checkDays() throws {
    var store = try makeStore()
    defer { store.close() }
    let open = FactSamples.change(10, mergedOn: nil)
    let closed = (0..<9).map { FactSamples.change(UInt64($0 + 1), mergedOn: 20 - $0) }
    try store.write(FactSamples.changes([FactSamples.facts(open)] + closed.map { FactSamples.facts($0) }))
    store = try reopened(store)
    #expect(try store.all(ChangeFact.self) == closed.reversed() + [open])
    #expect(try store.days(ChangeFact.self, 13...15) == closed[5...7].reversed())
    #expect(try store.days(ChangeFact.self, 0...11).isEmpty)
    #expect(try store.days(ChangeFact.self, 30...40, includesOpen: true) == [open])
    #expect(try store.days(ChangeFact.self, nil, includesOpen: true) == [open])
    #expect(try store.days(ChangeFact.self, nil).isEmpty)
    #expect(try store.all(DeployFact.self).isEmpty, "other kinds are apart")
    // An open subject is closed later.
    let merged = FactSamples.change(10, mergedOn: 2)
    try store.write(FactSamples.changes([FactSamples.facts(merged)]))
    #expect(try store.all(ChangeFact.self) == [merged] + closed.reversed())
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try store.visitFacts(ChangeFact.self, days: nil, includesOpen: false) { _ in throw Stop() }
      try store.visitFacts(ChangeFact.self, days: FactSamples.day(0)...FactSamples.day(40), includesOpen: false) { _ in
        throw Stop()
      }
    }
    #expect(try store.all(ChangeFact.self).count == 10, "a visit that ends early does no harm")
  }

  /// Compares a store with a dictionary, over many writes, so that rows are merged, moved and removed in every way.
  package func checkAgainstModel(seed: UInt64) throws {
    var store = try makeStore()
    defer { store.close() }
    var random = SeededRandom(seed: seed)
    var model: [FactID: [RunFact]] = [:]
    for step in 0..<60 {
      var changes = FactChanges()
      let isLarge = step % 20 == 7
      var seen: Set<FactID> = []
      for _ in 0..<(isLarge ? 900 : Int(random.next() % 40)) {
        // Some ids have the greatest bit set, like those of direct changes.
        let id = FactID(rawValue: random.next() % 1500 + 1 + (random.next() % 8 == 0 ? 1 << 63 : 0))
        guard seen.insert(id).inserted else { continue }
        if random.next() % 9 == 0 {
          changes.removed.append(id)
          model[id] = nil
          continue
        }
        let rows = (0..<Int(random.next() % 3)).map { attempt in
          // Most rows are on one day, so that it gets several pages.
          FactSamples.run(
            id, attempt: UInt16(attempt),
            endedOn: random.next() % 10 == 0 ? nil : random.next() % 3 == 0 ? Int(random.next() % 5) : 7,
            commit: random.next())
        }
        changes.facts.append(FactSamples.facts(rows, of: id))
        model[id] = rows.isEmpty ? nil : rows
      }
      try store.write(changes)
      if isLarge { store = try reopened(store) }
      guard step % 6 == 5 else { continue }
      let expected = model.values.flatMap { $0 }
      let found = try store.all(RunFact.self)
      #expect(found.count == expected.count)
      #expect(Set(found) == Set(expected))
      #expect(found.map { $0.day?.rawValue ?? .max } == found.map { $0.day?.rawValue ?? .max }.sorted())
      let ids = Set(model.keys.sorted().prefix(40) + [FactID(rawValue: 9999)])
      #expect(
        try store.facts(RunFact.self, of: ids).mapValues(Set.init) == model.filter { ids.contains($0.key) }.mapValues(Set.init))
    }
    var removed = 0
    while true {
      let count = try store.removeFacts(before: FactSamples.day(7), limit: 50)
      removed += count
      if count < 50 { break }
    }
    let kept = model.values.flatMap { $0 }.filter { $0.day.map { $0 >= FactSamples.day(7) } ?? true }
    #expect(removed == model.values.reduce(0) { $0 + $1.count } - kept.count)
    store = try reopened(store)
    #expect(try Set(store.all(RunFact.self)) == Set(kept))
    #expect(try Set(store.factSubjects(Set(model.keys)).keys) == Set(kept.map(\.id)))
  }

  // MARK: Exclusions

  /// Writes decisions of operators in order, as a step of the projection does.
  private static func decide(
    _ store: any Store, _ decisions: [(ExclusionChange.Action, ExcludedItem, String)],
    absorbing absorbed: [SubjectKey: SubjectKey] = [:]
  ) throws {
    var changes = ProjectionChanges()
    changes.exclusions = decisions.enumerated().map { index, decision in
      let change = ExclusionChange(decision.0, decision.1, reason: decision.2, actor: "rosa")
      return ExclusionDecision(change, at: StoreSamples.time(Int64(index)))
    }
    changes.absorbed = absorbed
    try store.write(changes)
  }

  package func checkExclusions() throws {
    var store = try makeStore()
    defer { store.close() }
    try store.write(StoreSamples.changes([StoreSamples.issue(1), StoreSamples.issue(2)]))
    let (first, second) = (ExcludedItem(StoreSamples.issueKey(1)), ExcludedItem(StoreSamples.issueKey(2)))
    let places = try store.places(of: [first.key, second.key]).mapValues { FactID(rawValue: $0) }
    let firstID = try #require(places[first.key])
    #expect(try store.exclusions().isEmpty)
    #expect(try store.excludedFacts().isEmpty)

    // The last decision about an item counts, also within one step.
    try Self.decide(
      store,
      [
        (.exclude, second, "no"), (.exclude, first, "a drill"), (.include, second, ""), (.include, second, ""),
        (.exclude, first, "a drill, 'really' <b>"),
      ])
    let expected = Exclusion(
      item: first, reason: "a drill, 'really' <b>", actor: "rosa", time: StoreSamples.time(4))
    for _ in 0..<2 {
      #expect(try store.exclusions() == [expected])
      #expect(try store.excludedFacts() == [firstID: expected.reason])
      store = try reopened(store)
    }

    // An item that is known later, by its facts.
    let later = ExcludedItem(StoreSamples.issueKey(3))
    try Self.decide(store, [(.exclude, later, "later"), (.include, first, "")])
    #expect(try store.exclusions().map(\.item) == [later])
    #expect(try store.excludedFacts().isEmpty)
    store = try reopened(store)
    try store.write(StoreSamples.changes([StoreSamples.issue(3)]))
    let place = try #require(try store.places(of: [later.key])[later.key].map { FactID(rawValue: $0) })
    let subject = FactSubject(id: place, key: later.key, name: "later", traceID: TraceID(high: 1, low: 7))
    let row = FactSamples.change(place.rawValue, mergedOn: 1)
    try store.write(FactSamples.changes([SubjectFacts(subject: subject, rows: [EncodedFact(row)])]))
    #expect(try store.excludedFacts() == [place: "later"])
    store = try reopened(store)
    #expect(try store.excludedFacts() == [place: "later"])

    // A direct change has no subject, only an id.
    let direct = try #require(ExcludedItem("\(first.key)#\(String(repeating: "ab", count: 20))"))
    try Self.decide(store, [(.include, later, ""), (.exclude, direct, "a push")])
    #expect(try store.excludedFacts() == [FactID(directChangeOn: first.key, at: String(repeating: "ab", count: 20)): "a push"])
    store = try reopened(store)
    #expect(try store.exclusions().map(\.item) == [direct])
    #expect(ExcludedItem(direct.description) == direct)
  }

  /// An item whose spans are gone is found by its facts, and one that turned out to be another is left out with it.
  package func checkExclusionsOfOthers() throws {
    var store = try makeStore()
    defer { store.close() }
    let gone = FactSamples.subject(FactID(rawValue: 900))
    let row = FactSamples.change(900, mergedOn: 1)
    try store.write(FactSamples.changes([SubjectFacts(subject: gone, rows: [EncodedFact(row)])]))
    // Names the source and repository of the key of the facts.
    try store.write(StoreSamples.changes([StoreSamples.issue(1)]))
    try Self.decide(store, [(.exclude, ExcludedItem(gone.key), "gone")])
    #expect(try store.excludedFacts() == [gone.id: "gone"])

    let fallback = SubjectKey(source: "github", host: "github.com", container: "=site", kind: "issue", id: "1")
    try store.write(StoreSamples.changes([Subject(key: fallback)]))
    try Self.decide(store, [(.exclude, ExcludedItem(fallback), "by another name")])
    store = try reopened(store)
    try Self.decide(store, [], absorbing: [fallback: StoreSamples.issueKey(1)])
    let place = try #require(try store.places(of: [StoreSamples.issueKey(1)]).values.first)
    #expect(try store.excludedFacts() == [gone.id: "gone", FactID(rawValue: place): "by another name"])
    #expect(try Set(store.exclusions().map(\.item.key)) == [gone.key, StoreSamples.issueKey(1)])
  }

  // MARK: Roll-ups

  /// Compares roll-ups with sums computed from scratch, while tallies are added, corrected, moved and removed.
  ///
  /// Days are those from 2026-03-01 on, over three blocks and more.
  package func checkRollUps(seed: UInt64, subjects: Int = 60, writes: Int = 40, atOnce: Int = 12) throws {
    var store = try makeStore()
    defer { store.close() }
    var random = SeededRandom(seed: seed)
    var model: [FactID: [RunTally]] = [:]
    for step in 0..<writes {
      var changes = FactChanges()
      for _ in 0..<atOnce {
        let id = FactID(rawValue: random.next() % UInt64(subjects) + 1)
        if random.next() % 12 == 0 {
          changes.removed.append(id)
          changes.tallies[id] = nil
          model[id] = nil
          continue
        }
        if changes.removed.contains(id) { continue }
        let tallies = (0..<Int(random.next() % 3)).map { _ in FactSamples.tally(using: &random) }
        changes.tallies[id] = tallies
        model[id] = tallies.isEmpty ? nil : tallies
      }
      try store.write(changes)
      if step % 10 == 3 { store = try reopened(store) }
      guard step % 8 == 7 || step + 1 == writes else { continue }
      try check(store, model, days: FactSamples.day(0)...FactSamples.day(70))
      let first = Int(random.next() % 60)
      try check(store, model, days: FactSamples.day(first)...FactSamples.day(first + Int(random.next() % 40)))
      let ids = Set(model.keys.sorted().prefix(20) + [FactID(rawValue: 99_999)])
      #expect(try store.tallies(of: ids) == model.filter { ids.contains($0.key) })
    }
    // Everything is subtracted again.
    var removal = FactChanges()
    removal.removed = Array(model.keys)
    try store.write(removal)
    for level in RollUpLevel.allCases {
      #expect(try store.rollUps(level, days: FactSamples.day(-100)...FactSamples.day(1000)).isEmpty)
    }
  }

  private func check(_ store: any Store, _ model: [FactID: [RunTally]], days: ClosedRange<FactDay>) throws {
    for level in RollUpLevel.allCases {
      let expected = RollUpSums.of(model.values.joined(), level, days: days)
      let found = try store.rollUps(level, days: days)
      #expect(found.map(\.key) == expected.map(\.key), "\(level) of \(days)")
      #expect(found.map(\.rollUp) == expected.map(\.rollUp), "\(level) of \(days)")
      for parts in [RollUpParts.counts, .runTimes, .all] {
        var rest = expected[...]
        try store.visitRollUps(level, days: days, parts: parts) { key, rollUp, whole in
          let next = rest.popFirst()
          let expected = try #require(next)
          #expect(key == expected.key)
          #expect(rollUp.counts == expected.rollUp.counts)
          if parts != .counts { #expect(rollUp.run == expected.rollUp.run) }
          if parts == .all || key.repository.rawValue % 2 == 0 { #expect(try whole() == expected.rollUp) }
        }
        #expect(rest.isEmpty)
      }
    }
  }

  /// What is told late of a subject that retention removed is known to be late.
  package func checkKeptFacts() throws {
    var store = try makeStore()
    defer { store.close() }
    let issues = (1...4).map { StoreSamples.issue($0, isOpen: $0 == 4) }
    try store.write(StoreSamples.changes(issues))
    let places = try store.places(of: issues.map(\.key))
    let ids = issues.compactMap { places[$0.key].map { FactID(rawValue: $0) } }
    try #require(ids.count == 4)
    // The first has facts, the second a tally, the third nothing. The fourth is not removed.
    var random = SeededRandom(seed: 1)
    var changes = FactSamples.changes([FactSamples.facts(FactSamples.issue(ids[0].rawValue, closedOn: 1))])
    changes.tallies[ids[1]] = [FactSamples.tally(using: &random)]
    changes.tallies[ids[3]] = [FactSamples.tally(using: &random)]
    try store.write(changes)
    for issue in issues { #expect(try !store.hasKeptFacts(of: issue.key)) }
    #expect(try store.removeFinished(before: StoreSamples.time(100_000), awaitedBy: [], limit: 10) == 3)
    store = try reopened(store)
    #expect(try issues.map { try store.hasKeptFacts(of: $0.key) } == [true, true, false, false])
    try store.write(StoreSamples.changes([issues[0]]))
    #expect(try store.hasKeptFacts(of: issues[0].key), "although it is there again")
    // Facts that a replay carries over are those of a subject that is gone.
    let gone = FactID(goneSubject: issues[2].key)
    var carried = FactSamples.facts(FactSamples.issue(gone.rawValue, closedOn: 2))
    carried.subject.key = issues[2].key
    try store.write(FactSamples.changes([carried]))
    #expect(try reopened(store).hasKeptFacts(of: issues[2].key))
  }

  /// Roll-ups outlive the subjects that retention removes, are told apart for a replay, and go by blocks of days.
  package func checkGoneRollUps() throws {
    var store = try makeStore()
    defer { store.close() }
    let issues = (1...3).map { StoreSamples.issue($0, isOpen: $0 > 2) }
    try store.write(StoreSamples.changes(issues))
    let places = try store.places(of: issues.map(\.key))
    let ids = issues.compactMap { places[$0.key].map { FactID(rawValue: $0) } }
    try #require(ids.count == 3)
    var random = SeededRandom(seed: 5)
    var changes = FactChanges()
    var tallies = ids.map { _ in FactSamples.tally(using: &random) }
    for (index, day) in [3, 40, 3].enumerated() { tallies[index].day = FactSamples.day(day) }
    for (id, tally) in zip(ids, tallies) { changes.tallies[id] = [tally] }
    try store.write(changes)
    #expect(try store.removeFinished(before: StoreSamples.time(100_000), awaitedBy: [], limit: 10) == 2)
    store = try reopened(store)
    let all = Dictionary(uniqueKeysWithValues: zip(ids, tallies.map { [$0] }))
    try check(store, all, days: FactSamples.day(0)...FactSamples.day(70))
    #expect(try Set(store.tallies(of: Set(ids)).keys) == [ids[2]])
    var gone: [DailyRollUp] = []
    try store.visitGoneRollUps { gone.append($0) }
    #expect(gone.map(\.day) == gone.map(\.day).sorted())
    for (tally, day) in [(tallies[0], 3), (tallies[1], 40)] {
      let found = gone.filter { $0.day == FactSamples.day(day) }
      #expect(Set(found.map(\.key)) == Set(tally.keys))
      #expect(found.allSatisfy { $0.rollUp.counts.runs == 1 })
    }

    // Another store takes them over.
    let other: any Store = MemorySpanStore()
    var takeover = FactChanges()
    takeover.rollUps = gone
    try other.write(takeover)
    try check(other, [ids[0]: [tallies[0]], ids[1]: [tallies[1]]], days: FactSamples.day(0)...FactSamples.day(70))
    try store.write(takeover)
    #expect(try store.rollUps(.whole, days: FactSamples.day(40)...FactSamples.day(40)).allSatisfy { $0.rollUp.counts.runs == 2 })

    // A block goes when its last day does.
    let block = DailyRollUp.days(ofBlock: DailyRollUp.block(of: FactSamples.day(40)))
    _ = try store.removeFacts(before: block.upperBound, limit: 100)
    #expect(try !store.rollUps(.whole, days: block).isEmpty || !store.rollUps(.job, days: block).isEmpty)
    #expect(try store.rollUps(.whole, days: FactSamples.day(0)...FactSamples.day(20)).isEmpty)
    store = try reopened(store)
    _ = try store.removeFacts(before: FactDay(rawValue: block.upperBound.rawValue + 1), limit: 100)
    // What is late for a removed block is left out, and so is its correction.
    try store.write(changes)
    var removal = FactChanges()
    removal.removed = ids
    try store.write(removal)
    for level in RollUpLevel.allCases {
      #expect(try store.rollUps(level, days: FactSamples.day(-100)...FactSamples.day(1000)).isEmpty)
    }
  }

  package func checkDeliveries() throws {
    var store = try makeStore()
    defer { store.close() }
    let changes = (1...3).map { FactID(rawValue: $0) }
    let first = FactSamples.deploy(10, endedOn: 4)
    let second = FactSamples.deploy(11, endedOn: 6)
    try store.write(
      FactSamples.changes([
        FactSamples.facts(first, bringing: [changes[0], changes[1]]), FactSamples.facts(second, bringing: [changes[0]]),
      ]))
    store = try reopened(store)
    var deliveries = try store.deliveries(of: Set(changes))
    #expect(deliveries.mapValues { Set($0.map(\.id)) } == [changes[0]: [first.id, second.id], changes[1]: [first.id]])
    #expect(try store.all(DeliveredChange.self).map(\.id) == [first.id, first.id, second.id])
    // The deploy turns out to bring another change, on another day; the other deploy is gone.
    let later = FactSamples.deploy(10, endedOn: 9)
    var correction = FactSamples.changes([FactSamples.facts(later, bringing: [changes[1], changes[2]])])
    correction.removed = [second.id]
    try store.write(correction)
    store = try reopened(store)
    deliveries = try store.deliveries(of: Set(changes))
    #expect(
      deliveries.mapValues { $0.map { Optional($0.deployEnded) } } == [changes[1]: [later.ended], changes[2]: [later.ended]])
    #expect(try store.removeFacts(before: FactSamples.day(10), limit: 100) == 3)
    #expect(try store.deliveries(of: Set(changes)).isEmpty)
  }

  // MARK: Names, subjects, values

  package func checkNames() throws {
    var store = try makeStore()
    defer { store.close() }
    // The last two only look alike.
    let texts = ["acme/site", "", "größe", "acme/Site", "\u{1F680}", "caf\u{E9}", "cafe\u{301}"]
    let names = try store.factNames(for: texts)
    #expect(Set(names).count == texts.count)
    #expect(names.allSatisfy { $0.isKnown })
    store = try reopened(store)
    let again = try store.factNames(for: ["new"] + texts.reversed() + ["new"])
    #expect(again.first?.isKnown == true && again.first == again.last)
    #expect(again.dropFirst().dropLast() == names.reversed()[...])
    let found = try store.texts(of: Set(names).union([.none, FactName(rawValue: 12345)]))
    #expect(found.count == texts.count)
    for (name, text) in zip(names, texts) { #expect(found[name].map { Array($0.utf8) } == Array(text.utf8)) }
    #expect(try store.factNames(for: []).isEmpty)
  }

  package func checkSubjects() throws {
    var store = try makeStore()
    defer { store.close() }
    let fact = FactSamples.change(5, mergedOn: 1)
    var direct = FactSamples.change(1 << 63 | 8, mergedOn: 1)
    direct.labels.traits = .isDirect
    var facts = FactSamples.facts(fact)
    facts.subject.address = "https://github.com/acme/site/pull/5"
    try store.write(FactSamples.changes([facts, FactSamples.facts(direct)]))
    store = try reopened(store)
    let found = try store.factSubjects([fact.id, direct.id, FactID(rawValue: 6)])
    #expect(found == [fact.id: facts.subject, direct.id: FactSamples.facts(direct).subject])
    facts.subject.name = "renamed"
    facts.subject.address = nil
    facts.subject.traceID = TraceID(high: .max, low: 1)
    try store.write(FactSamples.changes([facts]))
    store = try reopened(store)
    #expect(try store.factSubjects([fact.id]) == [fact.id: facts.subject])
    #expect(try store.all(ChangeFact.self).count == 2)
  }

  package func checkValues() throws {
    var store = try makeStore()
    defer { store.close() }
    var changes = FactChanges()
    changes.values = ["a": [1, 2], "b": [7], "c": [8], "never": []]
    try store.write(changes)
    changes.values = ["a": [3], "c": []]
    try store.write(changes)
    var other = ProjectionChanges()
    other.values = ["a": [9]]
    try store.write(other)
    store = try reopened(store)
    #expect(try store.factValues() == ["a": [3], "b": [7]], "apart from the values of the projection")
    #expect(try store.values() == ["a": [9]])
  }

  // MARK: Work

  package func checkPending() throws {
    var store = try makeStore()
    defer { store.close() }
    #expect(try store.pendingFacts(limit: 10).isEmpty)
    let issues = (1...6).map { StoreSamples.issue($0) }
    for issue in issues { try store.write(StoreSamples.changes([issue])) }
    try store.write(StoreSamples.changes([issues[0], Subject(key: StoreSamples.issueKey(50))]))
    let places = try store.places(of: issues.map(\.key))
    let ids = issues.compactMap { places[$0.key].map { FactID(rawValue: $0) } }
    try #require(ids.count == 6)
    #expect(try store.factProgress().waitingBatches > 0)

    // Work comes again until it is complete, also after a crash.
    let first = try store.pendingFacts(limit: 3)
    store = try reopened(store)
    let again = try store.pendingFacts(limit: 3)
    #expect(first.subjects == again.subjects)
    #expect(again.subjects.count == 3)
    #expect(again.hasMore)
    #expect(again.subjects.allSatisfy { places[$0.value] == $0.key.rawValue })
    // What changes after it was handed out waits again.
    try store.write(StoreSamples.changes([issues[1], issues[2]]))
    try store.complete(again)
    let rest = try store.allPending(limit: 2)
    #expect(rest.parts.allSatisfy { $0.subjects.count <= 2 })
    #expect(rest.subjects.union(again.subjects.values) == Set(issues.map(\.key)), "subjects without an operation are left out")
    #expect(rest.subjects.isSuperset(of: [issues[1].key, issues[2].key]))
    #expect(try store.pendingFacts(limit: 10).isEmpty)
    #expect(try store.factProgress().waitingBatches == 0)

    // Everything that a step changed, in one part if there is room.
    try store.write(StoreSamples.changes((1...700).map { StoreSamples.issue($0) }))
    try store.write(StoreSamples.changes((650...710).map { StoreSamples.issue($0) }))
    let all = try store.pendingFacts(limit: 10_000)
    #expect(all.subjects.count == 710)
    #expect(!all.hasMore)
    store = try reopened(store)
    let parts = try store.allPending(limit: 300)
    #expect(parts.subjects.count == 710)
    #expect(parts.parts.allSatisfy { $0.subjects.count <= 300 })
    #expect(try reopened(store).pendingFacts(limit: 10).isEmpty)
  }

  package func checkPendingBranches() throws {
    let store = try makeStore()
    defer { store.close() }
    let branch = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main")
    let other = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "other")
    for (branch, second) in [(branch, 20), (branch, 5), (other, 7), (branch, 9)] {
      var changes = ProjectionChanges()
      changes.branchUpdates = [FactSamples.update(branch, second)]
      try store.write(changes)
    }
    let pending = try store.pendingFacts(limit: 10)
    #expect(pending.branches == [branch: StoreSamples.time(5), other: StoreSamples.time(7)])
    #expect(pending.subjects.isEmpty)
    try store.complete(pending)
    #expect(try store.pendingFacts(limit: 10).isEmpty)
  }

  package func checkAbsorbed() throws {
    let store = try makeStore()
    defer { store.close() }
    let issues = (1...3).map { StoreSamples.issue($0, isOpen: false) }
    try store.write(StoreSamples.changes(issues))
    let places = try store.places(of: issues.map(\.key))
    let ids = issues.compactMap { places[$0.key].map { FactID(rawValue: $0) } }
    try #require(ids.count == 3)
    var absorption = ProjectionChanges()
    absorption.absorbed = [issues[0].key: issues[1].key]
    try store.write(absorption)
    let pending = try store.pendingFacts(limit: 100)
    #expect(pending.absorbed == [ids[0]])
    #expect(pending.subjects == [ids[1]: issues[1].key, ids[2]: issues[2].key])
    var changes = FactSamples.changes([FactSamples.facts(FactSamples.issue(ids[2].rawValue, closedOn: 1))])
    changes.completed = pending.ticket
    try store.write(changes)

    // Subjects that retention removes leave their facts, and are neither changed nor absorbed.
    try store.write(StoreSamples.changes([issues[2]]))
    #expect(try store.removeFinished(before: StoreSamples.time(100_000), awaitedBy: [], limit: 10) == 2)
    let left = try store.allPending(limit: 10)
    #expect(left.subjects.isEmpty)
    #expect(left.parts.allSatisfy { $0.absorbed.isEmpty })
    #expect(try store.all(IssueFact.self).map(\.id) == [ids[2]])
  }

  package func checkRecomputation() throws {
    var store = try makeStore()
    defer { store.close() }
    let issues = (1...5).map { StoreSamples.issue($0, isOpen: $0 > 1) }
    try store.write(StoreSamples.changes(issues + [Subject(key: StoreSamples.issueKey(50))]))
    let places = try store.places(of: issues.map(\.key))
    let ids = issues.compactMap { places[$0.key].map { FactID(rawValue: $0) } }
    try #require(ids.count == 5)
    let branch = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main")
    var updates = ProjectionChanges()
    updates.branchUpdates = [FactSamples.update(branch, 5 * 86_400)]
    try store.write(updates)
    // Direct changes from before and after the first known update of the branch.
    let direct = [3, 6].map { FactSamples.change(1 << 63 | UInt64($0), mergedOn: $0) }
    let facts = ids.map { FactSamples.facts(FactSamples.issue($0.rawValue, closedOn: 1)) }
    let ofBranch = direct.map { change in
      var facts = FactSamples.facts(change)
      facts.subject.key = branch
      return facts
    }
    var changes = FactSamples.changes(facts + ofBranch)
    changes.completed = try store.pendingFacts(limit: 100).ticket
    try store.write(changes)
    #expect(try store.removeFinished(before: StoreSamples.time(70), awaitedBy: [], limit: 10) == 1)

    try store.recomputeFacts()
    #expect(try store.all(IssueFact.self).map(\.id) == [ids[0]], "its subject is gone, so it cannot be computed again")
    #expect(try store.all(ChangeFact.self) == [direct[0]], "the update that it comes from is gone")
    #expect(try store.factProgress().remainingSubjects >= 4)
    store = try reopened(store)
    let first = try store.pendingFacts(limit: 1)
    #expect(first.subjects.count + first.branches.count == 1)
    #expect(first.hasMore)
    store = try reopened(store)
    let all = try store.allPending(limit: 2)
    #expect(all.subjects == Set(issues.dropFirst().map(\.key)))
    #expect(all.parts.reduce(into: [:]) { $0.merge($1.branches) { $1 } } == [branch: StoreSamples.time(5 * 86_400)])
    #expect(try store.pendingFacts(limit: 10).isEmpty)
    #expect(try store.factProgress().remainingSubjects == 0)

    // New work goes first while a store is computed anew.
    try store.recomputeFacts()
    try store.write(StoreSamples.changes([issues[2]]))
    let pending = try store.pendingFacts(limit: 1)
    #expect(pending.subjects == [ids[2]: issues[2].key] || !pending.branches.isEmpty)
    #expect(try store.allPending(limit: 3).subjects == Set(issues.dropFirst().map(\.key)))
  }
}

extension FactStore {
  fileprivate func all<Row: Fact>(_ type: Row.Type) throws -> [Row] {
    try days(type, -1000...40_000, includesOpen: true)
  }

  fileprivate func days<Row: Fact>(_ type: Row.Type, _ days: ClosedRange<Int>?, includesOpen: Bool = false) throws -> [Row] {
    var rows: [Row] = []
    let days = days.map { FactSamples.day($0.lowerBound)...FactSamples.day($0.upperBound) }
    try visitFacts(type, days: days, includesOpen: includesOpen) { rows.append($0) }
    return rows
  }

  fileprivate func complete(_ pending: PendingFacts) throws {
    var changes = FactChanges()
    changes.completed = pending.ticket
    try write(changes)
  }

  /// Takes and completes all work.
  fileprivate func allPending(limit: Int) throws -> (subjects: Set<SubjectKey>, parts: [PendingFacts]) {
    var parts: [PendingFacts] = []
    while true {
      let part = try pendingFacts(limit: limit)
      if part.isEmpty { return (Set(parts.flatMap(\.subjects.values)), parts) }
      try complete(part)
      parts.append(part)
      guard parts.count < 10_000 else {
        Issue.record("the work never ends")
        return ([], parts)
      }
    }
  }
}
