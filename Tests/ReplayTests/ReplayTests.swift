import DeliveryCounters
import DeliveryFacts
import Projection
import Replay
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Replay")
struct ReplayTests {
  /// A source whose bodies hold a subject's id and an action: `a start`, `a end`. Its mapping can change between runs.
  struct Source: EventSource {
    /// The current names of subjects.
    var names: [String: String] = [:]
    var ignored: Set<String> = []
    var parents: [String: String] = [:]

    var name: String { "lines" }
    var route: String { "/lines" }
    var keptHeaders: [String] { [] }
    var acceptsUnsigned: Bool { true }

    func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {}
    func deliveryID(of delivery: Delivery) -> String? { nil }

    func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
      let words = String(decoding: delivery.body, as: UTF8.self).split(separator: " ").map(String.init)
      if ignored.contains(words[0]) { return .ignored(reason: "asked to") }
      let time = EventTime.vendor(delivery.received)
      var event = Event(key: ReplayTests.key(words[0]), time: time, attempt: .counted)
      event.operation = .build
      event.name = names[words[0]] ?? words[0]
      event.state = words[1] == "end" ? .ended : .running
      event.marks = [LifeMark(words[1] == "end" ? .end : .begin, time)]
      if let parent = parents[words[0]] { event.follows = [FollowStatement(.vendorLink, [.key(ReplayTests.key(parent))])] }
      event.classic = ClassicMark(
        eventSource: name, type: "build", words[1] == "end" ? .end : .start, state: words[1], time: time)
      return .events([event])
    }
  }

  static func key(_ id: String) -> SubjectKey { SubjectKey(source: "lines", host: "", container: "", kind: "thing", id: id) }

  private let log = MemoryDeliveryLog()
  private let first = MemorySpanStore()
  private let second = MemorySpanStore()
  private let clock = SystemClock()

  private func record(_ lines: [String], from minute: Int, in other: MemoryDeliveryLog? = nil) throws {
    let log = other ?? log
    let deliveries = lines.enumerated().map { offset, line in
      LoggedDelivery(
        Delivery(
          source: "lines", received: Timestamp(seconds: 1_700_000_000 + Int64(minute + offset) * 60), headers: [:],
          body: Array(line.utf8)))
    }
    let end = log.coverage()
    let positions = log.append(deliveries)
    let registry = MetricRegistry()
    var batches = try ProjectionBatches(
      store: first, logEnd: end, sources: [Source()], recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: clock, grace: .zero)
    _ = try batches.project(zip(positions, deliveries).map { batches.reread($1, at: $0) })
  }

  private func replay(
    _ source: Source, of other: MemoryDeliveryLog? = nil, retention: Duration = .seconds(40_000 * 86_400)
  ) throws -> (count: Int, ReplayComparison) {
    var replay = try Replay(
      of: other ?? log, first: first, second: second, sources: [source], seriesLimit: 100, spanRetention: retention,
      exporters: [], clock: clock)
    let count = try replay.run()
    try replay.keepBookkeeping()
    return (count, try replay.comparison())
  }

  @Test("By the same mapping nothing differs, and an interrupted one goes on where it stopped")
  func same() throws {
    try record(["a start", "b start", "a end"], from: 0)
    let (count, comparison) = try replay(Source())
    #expect(count == 3)
    #expect(comparison.isEmpty)
    #expect((comparison.subjectsNow, comparison.spansBefore) == (2, 2))
    #expect(comparison.text.contains("nothing differs"))

    try record(["b end", "c start"], from: 10)
    let (rest, later) = try replay(Source())
    #expect(rest == 2)
    #expect(later.isEmpty, "\(later.text)")
  }

  @Test("What another mapping makes is counted, with examples")
  func different() throws {
    try record(["a start", "b start", "c start", "a end", "b end"], from: 0)
    let (_, comparison) = try replay(Source(names: ["a": "Anna"], ignored: ["c"], parents: ["b": "a"]))
    #expect(comparison.changedSubjects == 2)
    #expect(comparison.findings[.name]?.examples == [.init(key: Self.key("a"), before: "a", now: "Anna")])
    #expect(
      comparison.findings[.parent]?.examples
        == [.init(key: Self.key("b"), before: nil, now: "lines:::thing:a by vendor_link")])
    #expect(comparison.findings[.gone]?.examples == [.init(key: Self.key("c"), before: "build c", now: nil)])
    #expect(comparison.findings.count == 3)
    #expect(
      comparison.text == """
        things       3 before, 2 now
        spans        3 before, 2 now
        changed      2
        gone         1
          lines:::thing:c
            before  build c
        name         1
          lines:::thing:a
            before  a
            now     Anna
        parent       1
          lines:::thing:b
            now     lines:::thing:a by vendor_link

        """)
  }

  @Test("What the log no longer holds is carried over, and what it holds counts as it is understood now")
  func removedDeliveries() throws {
    try record(["a start", "b start", "b end"], from: 0)
    try record(["a end", "c start", "c end"], from: 100)
    log.removeOld(receivedBefore: Timestamp(seconds: 1_700_000_000 + 50 * 60), maximumBytes: .max, projected: log.coverage())
    #expect(!log.isComplete())
    let (count, comparison) = try replay(Source(names: ["b": "Bert", "c": "Clara"]))
    #expect(count == 3)
    #expect(comparison.findings[.name]?.examples == [.init(key: Self.key("c"), before: "c", now: "Clara")])
    #expect(comparison.findings.count == 1, "\(comparison.text)")
    let subjects = second.subjects([Self.key("a"), Self.key("b")])
    #expect(subjects[Self.key("a")]?.spans() == first.subjects([Self.key("a")])[Self.key("a")]?.spans())
    #expect(subjects[Self.key("b")]?.outboxAttempts == [1], "it is not told again")
    #expect(subjects[Self.key("b")]?.name == "b")
  }

  @Test("Lists keep their order: what was heard of last comes first, also what was carried over")
  func order() throws {
    let names = ["m", "c", "x", "a", "k", "b"]
    try record(names.map { "\($0) start" } + names.reversed().map { "\($0) end" }, from: 0)
    func list(_ store: MemorySpanStore) -> [SubjectKey] {
      store.subjects(matching: SubjectFilter(), after: nil, limit: 100).subjects.map(\.key)
    }
    #expect(list(first) == names.reversed().map(Self.key))
    _ = try replay(Source())
    #expect(list(second) == list(first))

    let shorter = MemoryDeliveryLog()
    try record(["z start", "d start"], from: 100, in: shorter)
    second.removeAll()
    _ = try replay(Source(), of: shorter)
    #expect(list(second) == list(first))
    #expect(list(second).prefix(2) == [Self.key("d"), Self.key("z")])
  }

  @Test("A log that was put in the place of another is no whole one: everything from before it is carried over")
  func anotherLog() throws {
    try record(["a start", "a end", "b start"], from: 0)
    let log = MemoryDeliveryLog()
    try record(["b end", "c start"], from: 100, in: log)
    #expect(log.isComplete())
    let (count, comparison) = try replay(Source(names: ["a": "Anna", "c": "Clara"]), of: log)
    #expect(count == 2)
    #expect(comparison.findings[.name]?.examples == [.init(key: Self.key("c"), before: "c", now: "Clara")])
    #expect(comparison.findings.count == 1, "\(comparison.text)")

    let empty = try Replay.beginning(of: MemoryDeliveryLog(), seenBy: first)
    #expect(empty == Timestamp(nanoseconds: .max), "a log that was removed")
  }

  @Test("What retention has removed does not come back, though the log still has it")
  func removedSpans() throws {
    try record(["a start", "a end", "b start", "c start", "c end"], from: 0)
    let retention = Duration.seconds(86_400)
    let cutoff = clock.now().advanced(byNanoseconds: -retention.nanoseconds)
    #expect(first.removeFinished(before: cutoff, awaitedBy: [], limit: 10) == 0, "announced just now")
    let later = clock.now().advanced(bySeconds: 1)
    #expect(first.removeFinished(before: later, awaitedBy: [], limit: 10) == 2)
    let (_, comparison) = try replay(Source(), retention: retention)
    #expect(comparison.isEmpty, "\(comparison.text)")
    #expect(comparison.subjectsNow == 1)
  }

  @Test("The classic picture stays as it was: counters go with it")
  func classicPicture() throws {
    try record(["a start", "b start", "b end"], from: 0)
    _ = try replay(Source(ignored: ["b"]))
    let (before, now) = (first.subjects([Self.key("a")]), second.subjects([Self.key("a")]))
    #expect(now[Self.key("a")]?.classic == before[Self.key("a")]?.classic)
    #expect(now[Self.key("a")]?.classic.open != nil)
  }

  // MARK: Facts

  private func replayed() throws -> Replay {
    var replay = try Replay(
      of: log, first: first, second: second, sources: [Source()], seriesLimit: 100, spanRetention: .seconds(40_000 * 86_400),
      exporters: [], clock: clock)
    try replay.run()
    try replay.keepBookkeeping()
    return replay
  }

  @Test("Facts of subjects that only the first projection knew are carried over, with the numbers of the second")
  func facts() throws {
    // Places and names have other numbers in the second store.
    first.write(StoreSamples.changes([StoreSamples.issue(1)]))
    try record(["a start", "a end"], from: 0)
    _ = second.factNames(for: ["another"])
    let service = try #require(first.factNames(for: ["web"]).first)
    let known = FactID(rawValue: try #require(first.places(of: [Self.key("a")])[Self.key("a")]))
    var deploy = FactSamples.deploy(501, endedOn: 3)
    deploy.target.service = service
    deploy.previous = FactID(rawValue: 502)
    let change = FactSamples.change(503, mergedOn: 1)
    let direct = FactSamples.change(1 << 63 | 9, mergedOn: 2)
    // The second projection has the subject, and computes its facts itself.
    var stale = FactSamples.facts(FactSamples.change(known.rawValue, mergedOn: 4))
    stale.subject.key = Self.key("a")
    first.write(
      FactSamples.changes([
        FactSamples.facts(deploy, bringing: [known, change.id, direct.id]), FactSamples.facts(change), FactSamples.facts(direct),
        stale,
      ]))

    let replay = try replayed()
    try replay.computeFacts(strategy: .nested, rules: FactRules())
    for _ in 0..<2 {
      // A repeated call, as after a crash, changes nothing.
      try replay.carryOverFacts()
      var deploys: [DeployFact] = []
      var changes: [ChangeFact] = []
      let days = FactSamples.day(0)...FactSamples.day(9)
      try second.visitFacts(DeployFact.self, days: days, includesOpen: true) { deploys.append($0) }
      try second.visitFacts(ChangeFact.self, days: days, includesOpen: true) { changes.append($0) }
      let carried = try #require(deploys.first)
      #expect(deploys.count == 1)
      #expect(second.texts(of: [carried.target.service]) == [carried.target.service: "web"])
      #expect(carried.ended == deploy.ended)
      #expect(carried.previous != nil && carried.previous != deploy.previous)
      #expect(second.factSubjects([carried.id])[carried.id]?.key == FactSamples.subject(deploy.id).key)
      #expect(Set(changes.map(\.times.merged)) == [change.times.merged, direct.times.merged])
      let place = FactID(rawValue: try #require(second.places(of: [Self.key("a")])[Self.key("a")]))
      #expect(place != known)
      let deliveries = second.deliveries(of: Set(changes.map(\.id) + [place]))
      #expect(deliveries.count == 3)
      #expect(deliveries.values.allSatisfy { $0.map(\.id) == [carried.id] })
    }
  }

  @Test("Exclusions outlive the log: those that it no longer tells are carried over, and what was taken back stays so")
  func exclusions() throws {
    first.write(StoreSamples.changes([StoreSamples.issue(1)]))
    try record(["a start", "a end"], from: 0)
    func changes(_ decisions: [(ExclusionChange.Action, String)]) throws -> ProjectionChanges {
      var changes = ProjectionChanges()
      changes.exclusions = try decisions.map { action, item in
        let item = try #require(ExcludedItem(item))
        let change = ExclusionChange(action, item, reason: "why \(item)", actor: "rosa")
        return ExclusionDecision(change, at: StoreSamples.time(5))
      }
      return changes
    }
    let (known, gone, unknown) = (Self.key("a").description, FactSamples.subject(FactID(rawValue: 503)).key, "a:b:c:d:later")
    first.write(FactSamples.changes([FactSamples.facts(FactSamples.change(503, mergedOn: 1))]))
    first.write(try changes([(.exclude, known), (.exclude, gone.description), (.exclude, unknown)]))
    // The log still tells of one that was taken back since, as after a crash between the two.
    second.write(try changes([(.exclude, "a:b:c:d:taken"), (.exclude, unknown)]))
    let replay = try replayed()
    try replay.computeFacts(strategy: .nested, rules: FactRules())
    for _ in 0..<2 {
      try replay.carryOverFacts()
      try replay.carryOverExclusions()
      #expect(second.exclusions() == first.exclusions())
      let place = FactID(rawValue: try #require(second.places(of: [Self.key("a")])[Self.key("a")]))
      #expect(second.excludedFacts()[place] == "why \(known)")
      #expect(second.excludedFacts()[FactID(goneSubject: gone)] == "why \(gone)")
      #expect(second.excludedFacts().count == 2)
    }
  }
}
