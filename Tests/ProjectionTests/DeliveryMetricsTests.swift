import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import DeliveryCounters
@testable import Projection

/// Checks which metrics of changes, builds and deploys are recorded, and when.
@Suite("Delivery metrics")
struct DeliveryMetricsTests {
  /// A projection of deliveries that each hold events or branch updates.
  struct Bench {
    let store: any SpanStore
    let clock: FakeClock
    let grace: Duration
    let registry = MetricRegistry()
    let metrics: ProjectionMetrics
    var batches: ProjectionBatches
    /// The subjects that the projection reported as unmeasurable.
    let unmeasurable = Collected<SubjectKey>()
    private var position: UInt64

    init(
      store: any SpanStore = MemorySpanStore(), seriesLimit: Int = 100, grace: Duration = .seconds(5),
      clock: FakeClock = FakeClock(Timestamp(seconds: 2_000_000))
    ) throws {
      self.store = store
      self.clock = clock
      self.grace = grace
      metrics = ProjectionMetrics(registry: registry, seriesLimit: seriesLimit)
      position = try store.position()?.ends.last?.rawValue ?? 0
      batches = try ProjectionBatches(
        store: store, logEnd: LogCoverage(LogPosition(rawValue: LogPosition.numberLimit)), sources: [],
        recent: RecentDeliveries(), registry: registry,
        metrics: metrics, clock: clock, grace: grace
      ) { _ in
      } onUnmeasurable: { [unmeasurable] outboxEntry, _ in
        unmeasurable.add(outboxEntry.key)
      }
    }

    mutating func project(_ steps: [Step]) throws {
      let deliveries = steps.map { step in
        position += 1
        let delivery = Delivery(source: "github", received: clock.now(), headers: [:], body: [])
        return RecordedDelivery(
          position: LogPosition(rawValue: position), logged: LoggedDelivery(delivery),
          interpretation: .events(step.events, branchUpdates: step.updates), fingerprint: nil)
      }
      _ = try batches.project(deliveries)
    }

    mutating func passGracePeriod() throws {
      clock.pass(6)
      while try !batches.countEnds() {}
    }

    /// Sum and count of each series with observations, by label values.
    func histogram(_ name: String) -> [String: [Double]] {
      Dictionary(
        uniqueKeysWithValues: series(name).filter { $0.buckets.contains { $0 > 0 } }.map {
          ($0.labels.joined(separator: " "), [$0.value, Double($0.buckets.reduce(0, +))])
        })
    }

    /// The label values of all series, including those that are still 0.
    func labels(_ name: String) -> Set<String> { Set(series(name).map { $0.labels.joined(separator: " ") }) }

    /// The values of all gauge series and of counter series above 0.
    func values(_ name: String) -> [String: Double] {
      let isGauge = registry.all.first { $0.name == name }?.kind == .gauge
      return Dictionary(
        uniqueKeysWithValues: series(name).filter { isGauge || $0.value != 0 }.map {
          ($0.labels.joined(separator: " "), $0.value)
        })
    }

    private func series(_ name: String) -> [MetricFamily.Series] { registry.all.first { $0.name == name }?.series ?? [] }
  }

  final class Collected<Value: Sendable>: Sendable {
    private let state = Mutex<[Value]>([])
    var values: [Value] { state.withLock { $0 } }
    func add(_ value: Value) { state.withLock { $0.append(value) } }
  }

  struct Step {
    var events: [Event] = []
    var updates: [BranchUpdate] = []
  }

  // MARK: Sample events

  static func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_000_000 + seconds) }

  static func key(_ kind: String, _ id: String) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: id)
  }

  static func event(
    _ kind: String, _ id: String, at seconds: Int64, _ operation: Operation, state: LifecycleState? = nil,
    _ change: (inout Event) -> Void
  ) -> Step {
    var event = Event(key: key(kind, id), time: .vendor(time(seconds)), attempt: .counted)
    event.operation = operation
    event.project = "acme/site"
    event.state = state
    change(&event)
    return Step(events: [event])
  }

  /// A change that ann opens at 0 s and reviews herself at 100 s. bob reviews and approves it, and it is merged at 1200 s.
  static let change: [Step] = {
    let attributes = [
      Attribute("vcs.repository.url.full", "https://github.com/acme/site"), Attribute("vcs.repository.name", "site"),
      Attribute("vcs.owner.name", "acme"), Attribute("vcs.ref.head.name", "fix"), Attribute("vcs.ref.base.name", "main"),
      Attribute("valuestream.change.author", "ann"),
    ]
    func step(at seconds: Int64, state: LifecycleState, _ changeState: String, _ change: (inout Event) -> Void) -> Step {
      event("pull_request", "7", at: seconds, .pullRequest, state: state) { event in
        event.attributes = attributes + [Attribute("vcs.change.state", .string(changeState))]
        event.marks = [.begin(.vendor(time(0)))]
        change(&event)
      }
    }
    func review(at seconds: Int64, by author: String, _ state: String) -> Step {
      step(at: seconds, state: .running, "open") { event in
        let attributes = [
          Attribute("valuestream.review.author", .string(author)), Attribute("valuestream.review.state", .string(state)),
        ]
        event.spanEvents = [SpanEvent(name: "review", time: time(seconds), attributes: attributes)]
      }
    }
    return [
      step(at: 0, state: .running, "wip") { _ in }, review(at: 100, by: "ann", "commented"),
      review(at: 600, by: "bob", "changes_requested"), review(at: 900, by: "bob", "approved"),
      step(at: 1200, state: .ended, "merged") { event in
        event.marks.append(.end(.vendor(time(1200))))
        event.outcome = .merged
        event.publishes = [Reference(.commit, "c1")]
      },
    ]
  }()

  static func deploy(_ id: String, of commit: String, from start: Int64, to end: Int64) -> Step {
    event("deployment", id, at: end, .deploy, state: .ended) { event in
      event.marks = [.begin(.vendor(time(start))), .end(.vendor(time(end)))]
      event.outcome = .success
      event.attributes = [
        Attribute("vcs.ref.head.revision", .string(commit)), Attribute("deployment.environment.name", "production"),
      ]
    }
  }

  static let deploys: [Step] = [
    deploy("1", of: "c0", from: -500, to: -400),
    Step(updates: [
      BranchUpdate(
        branch: SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main"), kind: .moved,
        time: .vendor(time(1200)), before: "c0", after: "c1", commits: [BranchCommit("c1", time: time(-60))], isForced: false,
        isDefaultBranch: true)
    ]),
    deploy("2", of: "c1", from: 1300, to: 1500), deploy("3", of: "c1", from: 1600, to: 1700),
    deploy("4", of: "c0", from: 1800, to: 1900),
  ]

  static func run(
    _ id: String, queued: Int64, started: Int64, ended: Int64?, outcome: Outcome = .success
  ) -> Step {
    event("run", id, at: ended ?? started, .build, state: ended == nil ? .running : .ended) { event in
      event.attributes = [Attribute("cicd.pipeline.name", "CI")]
      event.marks = [.begin(.vendor(time(queued)))]
      event.phases = [
        PhaseStatement(track: "run", name: "queue", start: time(queued)),
        PhaseStatement(track: "run", name: "run", start: time(started), end: ended.map(time)),
        PhaseStatement(track: "step", name: "compile", start: time(started), end: ended.map(time)),
      ]
      if let ended {
        event.marks.append(.end(.vendor(time(ended))))
        event.outcome = outcome
      }
    }
  }

  // MARK: Tests

  @Test("Nobody waits for a program, nor while a change is a draft; one that was closed nobody knows when counts as no merge")
  func waiting() throws {
    func step(at seconds: Int64, _ state: LifecycleState = .running, _ change: (inout Event) -> Void) -> Step {
      Self.event("pull_request", "8", at: seconds, .pullRequest, state: state) { event in
        event.marks = [.begin(.vendor(Self.time(0)))]
        event.attributes = [Attribute("valuestream.change.author", "ann")]
        change(&event)
      }
    }
    func review(at seconds: Int64, by author: String, isBot: Bool = false, _ state: String) -> Step {
      step(at: seconds) { event in
        var attributes = [
          Attribute("valuestream.review.author", .string(author)), Attribute("valuestream.review.state", .string(state)),
        ]
        if isBot { attributes.append(Attribute("valuestream.author.bot", true)) }
        event.spanEvents = [SpanEvent(name: "review", time: Self.time(seconds), attributes: attributes)]
      }
    }
    let steps = [
      step(at: 0) { $0.phases = [PhaseStatement(track: "review", name: "draft", start: Self.time(0))] },
      review(at: 30, by: "helper[bot]", "commented"), review(at: 40, by: "checker", isBot: true, "approved"),
      step(at: 400) { event in
        event.phases = [
          PhaseStatement(track: "review", name: "draft", end: Self.time(400)),
          PhaseStatement(track: "review", name: "review", start: Self.time(400)),
        ]
      },
      review(at: 600, by: "bob", "commented"), review(at: 900, by: "bob", "approved"),
      step(at: 1200, .ended) { event in
        event.marks.append(.end(.receipt(Self.time(1200))))
        event.outcome = .merged
      },
    ]
    var bench = try Bench()
    for step in steps { try bench.project([step]) }
    try bench.passGracePeriod()
    try bench.passGracePeriod()
    #expect(bench.histogram("valuestream_change_time_to_first_review_seconds") == ["github acme/site": [200, 1]])
    #expect(bench.histogram("valuestream_change_time_to_approval_seconds") == ["github acme/site": [500, 1]])
    #expect(bench.histogram("valuestream_change_time_to_merge_seconds").isEmpty)
  }

  @Test("review, approval and merge count from the opening, whatever the order of deliveries, once the change has settled")
  func changes() throws {
    var random = SeededRandom(seed: 7)
    for round in 0..<20 {
      var bench = try Bench()
      for step in round == 0 ? Self.change : Self.change.shuffled(using: &random) { try bench.project([step, step]) }
      #expect(bench.histogram("valuestream_change_time_to_merge_seconds").isEmpty)
      try bench.passGracePeriod()
      try bench.passGracePeriod()
      #expect(bench.histogram("valuestream_change_time_to_first_review_seconds") == ["github acme/site": [600, 1]])
      #expect(bench.histogram("valuestream_change_time_to_approval_seconds") == ["github acme/site": [900, 1]])
      #expect(bench.histogram("valuestream_change_time_to_merge_seconds") == ["github acme/site": [1200, 1]])
    }
  }

  @Test("changes are counted by state, and leave the state they were in")
  func changeStates() throws {
    var bench = try Bench()
    func counts() -> [String: Double] {
      bench.values("vcs_change_count").filter { $0.value != 0 }
    }
    let repository = "https://github.com/acme/site site acme"
    for (step, state) in zip(Self.change, ["wip", "open", "open", "open"]) {
      try bench.project([step])
      #expect(counts() == ["\(repository) \(state)": 1])
    }
    try bench.project([Self.change[4]])
    #expect(counts().isEmpty, "it is open no more, and waits to be counted")
    try bench.passGracePeriod()
    #expect(counts() == ["\(repository) merged": 1])
  }

  @Test("changes that are over stay counted where gauges are counted anew")
  func countsOutlastChanges() throws {
    var first = try Bench()
    try first.project(Self.change)
    try first.passGracePeriod()
    let counts = { (bench: Bench) in bench.values("vcs_change_count").filter { $0.value != 0 } }
    let merged = ["https://github.com/acme/site site acme merged": 1.0]
    #expect(counts(first) == merged)
    // Simulate a replay: it keeps the counters and counts the gauges again.
    var changes = ProjectionChanges()
    for name in try first.store.values().keys where name.hasPrefix(MetricRegistry.gaugePrefix) { changes.values[name] = [] }
    try first.store.write(changes)
    let second = try Bench(store: first.store)
    #expect(counts(second) == merged)
    second.metrics.forgetSubjects()
    #expect(counts(second) == merged)
  }

  @Test("a change that is opened again is open, and what ended stays counted")
  func reopenedChange() throws {
    var bench = try Bench()
    try bench.project(Self.change)
    try bench.passGracePeriod()
    var again = Self.change[0]
    again.events[0].time = .vendor(Self.time(2000))
    again.events[0].marks = [.begin(.vendor(Self.time(2000)))]
    try bench.project([again])
    let repository = "https://github.com/acme/site site acme"
    #expect(bench.values("vcs_change_count") == ["\(repository) merged": 1, "\(repository) wip": 1])
  }

  @Test("under another limit of series gauges are counted anew, and never fall below nothing")
  func changedLimit() throws {
    func runs(_ ended: Int64?) -> [Step] {
      (1...5).map { number in
        var step = Self.run("\(number)", queued: 0, started: 10, ended: ended)
        step.events[0].project = "acme/\(number)"
        return step
      }
    }
    var first = try Bench(seriesLimit: 2)
    try first.project(runs(nil))
    #expect(first.values("valuestream_operations_active")["other other other"] == 3)
    var second = try Bench(store: first.store, seriesLimit: 10)
    let apart = second.values("valuestream_operations_active").filter { $0.value != 0 }
    #expect(apart == Dictionary(uniqueKeysWithValues: (1...5).map { ("build github acme/\($0)", 1) }))
    try second.project(runs(20))
    #expect(second.values("valuestream_operations_active").values.allSatisfy { $0 == 0 })
    #expect(second.values("cicd_pipeline_run_active").values.allSatisfy { $0 == 0 })
    let third = try Bench(store: first.store, seriesLimit: 10)
    #expect(third.values("valuestream_operations_active").values.allSatisfy { $0 == 0 })
  }

  @Test("a merge that was counted is not counted again when the attempts before it are told late")
  func lateAttempts() throws {
    var bench = try Bench()
    try bench.project(Self.change)
    try bench.passGracePeriod()
    var closed = Self.change[4]
    closed.events[0].time = .vendor(Self.time(1000))
    closed.events[0].marks = [.begin(.vendor(Self.time(0))), .end(.vendor(Self.time(1000)))]
    closed.events[0].outcome = .abandoned
    var reopened = Self.change[0]
    reopened.events[0].time = .vendor(Self.time(1100))
    reopened.events[0].marks = [.begin(.vendor(Self.time(1100)))]
    try bench.project([closed, reopened])
    try bench.passGracePeriod()
    #expect(
      try bench.store.subjects([Self.key("pull_request", "7")]).values.first?.outlines().map(\.outcome) == [.abandoned, .merged])
    #expect(bench.histogram("valuestream_change_time_to_merge_seconds") == ["github acme/site": [1200, 1]])
    #expect(bench.histogram("valuestream_change_time_to_first_review_seconds") == ["github acme/site": [600, 1]])
    #expect(
      bench.values("valuestream_operations_finished_total") == [
        "pull_request github acme/site  merged": 1, "pull_request github acme/site  abandoned": 1,
      ])
  }

  @Test("a deploy counts once it has settled, with the lead times of what it brought, in any order of deliveries")
  func deploys() throws {
    var random = SeededRandom(seed: 8)
    for round in 0..<20 {
      var bench = try Bench()
      let steps = Self.change + Self.deploys
      for step in round == 0 ? steps : steps.shuffled(using: &random) { try bench.project([step]) }
      #expect(bench.values("valuestream_deploys_total").isEmpty)
      try bench.passGracePeriod()
      let target = "github acme/site production "
      #expect(
        bench.values("valuestream_deploys_total") == [
          "\(target) first": 1, "\(target) forward": 1, "\(target) redeploy": 1, "\(target) rollback": 1,
        ])
      #expect(bench.histogram("valuestream_deploy_changes") == [target: [1, 1]])
      #expect(
        bench.histogram("valuestream_lead_time_seconds") == ["\(target) change": [1500, 1], "\(target) merge": [300, 1]])
    }
  }

  @Test("what has not settled at a stop is counted after the start, and nothing twice")
  func restart() throws {
    var first = try Bench()
    try first.project(Self.change + Self.deploys)
    var second = try Bench(store: first.store)
    #expect(second.values("valuestream_deploys_total").isEmpty)
    try second.passGracePeriod()
    #expect(second.values("valuestream_deploys_total").values.reduce(0, +) == 4)
    // The store has a record of the counted deploys from the same write as the counters.
    var third = try Bench(store: first.store)
    try third.passGracePeriod()
    #expect(third.values("valuestream_deploys_total").values.reduce(0, +) == 4)
    #expect(third.histogram("valuestream_change_time_to_merge_seconds") == ["github acme/site": [1200, 1]])
  }

  @Test("the next deliveries count what has waited, and of very many so many at a time")
  func settling() throws {
    var bench = try Bench()
    bench.batches.measuringDuration = .seconds(3600)
    try bench.project(Self.deploys)
    bench.clock.pass(6)
    try bench.project([Self.run("1", queued: 0, started: 10, ended: nil)])
    #expect(bench.values("valuestream_deploys_total").values.reduce(0, +) == 4)
    let many = (0..<Int64(ProjectionBatches.countedAtOnce + 10)).map {
      Self.run("m\($0)", queued: 5000, started: 5010, ended: 5100 + $0)
    }
    func finishedRuns() -> Double? {
      bench.values("valuestream_operations_finished_total")["build github acme/site  success"]
    }
    try bench.project(many)
    #expect(try bench.batches.countEnds())
    #expect(finishedRuns() == nil)
    bench.clock.pass(6)
    #expect(try !bench.batches.countEnds())
    #expect(finishedRuns() == Double(ProjectionBatches.countedAtOnce))
    #expect(try bench.batches.countEnds())
    #expect(finishedRuns() == Double(many.count))
    #expect(bench.metrics.finishedSpanCount == 4 + many.count)
  }

  @Test("a step whose time is over counts the ends of one subject, and projects its deliveries")
  func slowMeasuring() throws {
    let store = CountingStore()
    var bench = try Bench(store: store)
    bench.batches.measuringDuration = .zero
    let count = 12
    try bench.project((1...count).map { Self.deploy("\($0)", of: "c\($0)", from: Int64($0) * 100, to: Int64($0) * 100 + 50) })
    func counted() -> Double { bench.values("valuestream_deploys_total").values.reduce(0, +) }
    #expect(counted() == 0)
    bench.clock.pass(6)
    for number in 1...4 {
      try bench.project([Self.run("\(number)", queued: 0, started: 10, ended: nil)])
      #expect(counted() == Double(number))
      #expect(try !store.subjects([Self.key("run", "\(number)")]).isEmpty)
    }
    let before = store.work.subjects
    #expect(try !bench.batches.countEnds())
    // The deploys of the day are read once.
    #expect(store.work.subjects - before <= count)
    while try !bench.batches.countEnds() {}
    #expect(counted() == Double(count))
  }

  @Test("a further attempt of a deploy does not compare all former ones again")
  func attempts() throws {
    let store = CountingStore()
    var bench = try Bench(store: store)
    bench.batches.measuringDuration = .seconds(3600)
    func attempt(_ number: Int) -> Step {
      var step = Self.deploy("1", of: "c\(number)", from: Int64(number) * 100, to: Int64(number) * 100 + 50)
      step.events[0].attempt = .numbered(number)
      return step
    }
    func look(_ steps: [Step]) throws -> Int {
      try bench.project(steps)
      bench.clock.pass(6)
      let before = store.work.references
      while try !bench.batches.countEnds() {}
      return store.work.references - before
    }
    let (former, count) = (ProjectionMetrics.comparedAgain, 5 * ProjectionMetrics.comparedAgain)
    _ = try look((2...former).map(attempt))
    let few = try look([attempt(former + 1)])
    _ = try look((former + 2...count).map(attempt))
    let many = try look([attempt(count + 1)])
    #expect(many <= 2 * few)
    // The first attempt is told late, so the one behind it is no longer the first.
    #expect(bench.values("valuestream_deploys_corrected_total").isEmpty)
    #expect(try look([attempt(1)]) <= 2 * few)
    let corrected = bench.values("valuestream_deploys_corrected_total")
    #expect(corrected.count == 1 && corrected.first?.key.hasSuffix(" first unknown") ?? false)
    #expect(bench.values("valuestream_deploys_total").values.reduce(0, +) == Double(count + 1))
  }

  @Test("what a measured deploy leaves out because too many have a name is counted")
  func ambiguousCommit() throws {
    var bench = try Bench()
    try bench.project(
      (0...Correlator.publisherLimit).map { number in
        Self.event("pull_request", "p\(number)", at: 0, .pullRequest) { $0.publishes = [Reference(.commit, "c2")] }
      })
    try bench.project([Self.deploy("1", of: "c1", from: 0, to: 100), Self.deploy("2", of: "c2", from: 200, to: 300)])
    let exceeded = "valuestream_limits_exceeded_total"
    #expect(bench.values(exceeded).isEmpty)
    try bench.passGracePeriod()
    #expect(bench.values(exceeded)["github name"] ?? 0 > 0)
    #expect(bench.values(exceeded).count == 1)
  }

  @Test("a deploy around which something is damaged is passed over, and stops nothing")
  func damagedStore() throws {
    let store = ProjectorTests.FailingStore()
    var bench = try Bench(store: store)
    try bench.project([Self.deploy("1", of: "c1", from: 0, to: 100), Self.deploy("2", of: "c2", from: 200, to: 300)])
    store.unreadable.withLock { $0 = [Self.key("deployment", "1"): .corrupt] }
    bench.clock.pass(6)
    try bench.project([Self.run("1", queued: 0, started: 10, ended: nil)])
    // Deploy 2 cannot be compared with deploy 1, which is unreadable.
    #expect(Set(bench.unmeasurable.values) == Set(["1", "2"].map { Self.key("deployment", $0) }))
    #expect(bench.values("valuestream_operations_finished_total").values.reduce(0, +) == 1, "the second ended all the same")
    var elsewhere = Self.deploy("3", of: "c3", from: 400, to: 500)
    elsewhere.events[0].attributes[1] = Attribute("deployment.environment.name", "staging")
    try bench.project([elsewhere])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_deploys_total").values.reduce(0, +) == 1)
    var second = try Bench(store: store)
    try second.passGracePeriod()
    #expect(second.unmeasurable.values.isEmpty, "what was passed over does not wait any more")
  }

  @Test("a deploy that cannot be read for a while counts once it can")
  func busyStore() throws {
    let store = ProjectorTests.FailingStore()
    var bench = try Bench(store: store)
    try bench.project([Self.deploy("1", of: "c1", from: 0, to: 100)])
    store.unreadable.withLock { $0 = [Self.key("deployment", "1"): .busy] }
    bench.clock.pass(6)
    try bench.project([Self.run("1", queued: 0, started: 10, ended: nil)])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_deploys_total").isEmpty)
    store.unreadable.withLock { $0 = [:] }
    var second = try Bench(store: store)
    try second.passGracePeriod()
    #expect(second.values("valuestream_deploys_total").values.reduce(0, +) == 1)
    #expect(second.unmeasurable.values.isEmpty)
  }

  @Test("what settled while only known deliveries came is counted once, also after a stop", arguments: [true, false])
  func countsWithoutDeliveries(isKept: Bool) throws {
    var first = try Bench()
    try first.project([Self.deploy("1", of: "c1", from: 0, to: 100)])
    first.clock.pass(6)
    _ = try first.batches.project([])
    first.metrics.deliveries.add(labels: ["github", "refused"])
    if isKept { try first.batches.keepCounts() }
    var second = try Bench(store: first.store)
    try second.passGracePeriod()
    #expect(second.values("valuestream_deploys_total").values.reduce(0, +) == 1)
    #expect(second.metrics.deliveryCount(.refused) == (isKept ? 1 : 0))
  }

  @Test("what becomes a deploy after its end counts as one")
  func lateDeploy() throws {
    var bench = try Bench()
    var end = Self.deploy("1", of: "c1", from: 0, to: 100)
    end.events[0].operation = nil
    end.events[0].usualOperation = .build
    try bench.project([end])
    var start = Self.deploy("1", of: "c1", from: 0, to: 0)
    start.events[0].state = .running
    start.events[0].outcome = nil
    start.events[0].marks.removeLast()
    try bench.project([start])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_deploys_total") == ["github acme/site production  first": 1])
  }

  @Test("what may come begins at zero, so that the first of it shows as an increase")
  func beginningAtZero() throws {
    var bench = try Bench()
    var start = Self.deploy("1", of: "c1", from: 0, to: 0)
    start.events[0].state = .running
    start.events[0].outcome = nil
    start.events[0].marks.removeLast()
    try bench.project([start])
    let ends: Set = ["deploy github acme/site production success", "deploy github acme/site production failure"]
    #expect(bench.labels("valuestream_operations_finished_total") == ends)
    #expect(bench.labels("valuestream_operation_duration_seconds") == ends)
    #expect(bench.labels("valuestream_deploys_total").isEmpty)

    try bench.project([Self.deploy("1", of: "c1", from: 0, to: 100)])
    #expect(bench.values("valuestream_deploys_total").isEmpty)
    #expect(
      bench.labels("valuestream_deploys_total")
        == Set(["first", "forward", "redeploy", "rollback", "unknown"].map { "github acme/site production  \($0)" }))
    #expect(bench.labels("valuestream_lead_time_seconds").count == 3)
    #expect(bench.labels("valuestream_deploy_changes").count == 1)
    let names = bench.registry.all.filter { $0.name != "valuestream_deliveries_total" }.map(\.name)
    let labels = names.map { bench.labels($0) }
    try bench.passGracePeriod()
    #expect(names.map { bench.labels($0) } == labels, "a scrape before the end of the grace period saw each series at 0")
    #expect(bench.values("valuestream_deploys_total").count == 1)
  }

  @Test("a failed deploy counts as none that brought something")
  func failedDeploy() throws {
    var bench = try Bench()
    var step = Self.deploy("1", of: "c0", from: 0, to: 100)
    step.events[0].outcome = .failure
    try bench.project([step])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_deploys_total").isEmpty)
    #expect(bench.values("valuestream_operations_finished_total") == ["deploy github acme/site production failure": 1])
  }

  @Test("runs of a pipeline count by state, phases by name, steps not at all")
  func pipelineRuns() throws {
    var bench = try Bench()
    try bench.project([
      Self.run("1", queued: 0, started: 40, ended: nil), Self.run("2", queued: 0, started: 20, ended: 120),
      Self.run("3", queued: 0, started: 10, ended: 20, outcome: .timeout),
    ])
    #expect(bench.values("cicd_pipeline_run_active") == ["acme/site CI executing": 1])
    try bench.passGracePeriod()
    #expect(
      bench.histogram("cicd_pipeline_run_duration_seconds") == [
        "acme/site CI pending  ": [30, 2], "acme/site CI executing success ": [100, 1],
        "acme/site CI executing timeout timeout": [10, 1],
      ])
    #expect(bench.values("cicd_pipeline_run_errors_total") == ["acme/site CI timeout": 1])
    #expect(bench.labels("cicd_pipeline_run_errors_total").contains("acme/site CI failure"), "it begins at zero")
    #expect(
      bench.histogram("valuestream_phase_duration_seconds") == [
        "build github acme/site queue": [30, 2], "build github acme/site run": [110, 2],
      ])
    try bench.project([Self.run("1", queued: 0, started: 40, ended: 100)])
    #expect(bench.values("cicd_pipeline_run_active") == ["acme/site CI executing": 0])
  }

  @Test("a run that was cancelled in the queue waited, and never executed")
  func cancelledInQueue() throws {
    var bench = try Bench()
    var step = Self.run("1", queued: 0, started: 10, ended: 30, outcome: .cancellation)
    step.events[0].phases = [PhaseStatement(track: "run", name: "queue", start: Self.time(0))]
    try bench.project([step])
    try bench.passGracePeriod()
    #expect(bench.histogram("cicd_pipeline_run_duration_seconds") == ["acme/site CI pending  ": [30, 1]])
  }

  @Test("a run of which no phases are known executed for as long as it took")
  func runWithoutPhases() throws {
    var bench = try Bench()
    var step = Self.run("1", queued: 0, started: 10, ended: 30)
    step.events[0].phases = []
    try bench.project([step])
    try bench.passGracePeriod()
    #expect(bench.histogram("cicd_pipeline_run_duration_seconds") == ["acme/site CI executing success ": [30, 1]])
  }

  @Test("what began or ended nobody knows when is counted, and has no duration")
  func unknownTimes() throws {
    var bench = try Bench()
    var endless = Self.run("1", queued: 0, started: 10, ended: 30)
    endless.events[0].phases = []
    endless.events[0].marks = [.begin(.vendor(Self.time(0))), .end(.receipt(Self.time(30)))]
    var startless = Self.run("2", queued: 0, started: 10, ended: 30)
    startless.events[0].phases = []
    startless.events[0].marks = [.end(.vendor(Self.time(30)))]
    try bench.project([endless, startless])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_operations_finished_total") == ["build github acme/site  success": 2])
    #expect(bench.histogram("valuestream_operation_duration_seconds").isEmpty)
    #expect(bench.histogram("cicd_pipeline_run_duration_seconds").isEmpty)
  }

  @Test("past the limit of series every family counts the rest as other")
  func seriesLimit() throws {
    var bench = try Bench(seriesLimit: 3)
    for number in 0..<10 {
      var steps = Self.change + Self.deploys + [Self.run("1", queued: 0, started: 10, ended: 20)]
      for step in steps.indices {
        for event in steps[step].events.indices {
          let key = steps[step].events[event].key.description
          steps[step].events[event].key = SubjectKey(encoded: key.replacing("github.com:1:", with: "github.com:\(number):"))
          steps[step].events[event].project = "acme/\(number)"
          steps[step].events[event].attributes.removeAll { $0.name == "vcs.repository.url.full" }
          steps[step].events[event].attributes.add("vcs.repository.url.full", "https://github.com/acme/\(number)")
        }
      }
      try bench.project(steps)
    }
    try bench.passGracePeriod()
    // Their labels have a fixed set of values, so they need no limit.
    let unlimited: Set = ["valuestream_deliveries_total", "valuestream_projection_set_aside_total"]
    for family in bench.registry.all where !unlimited.contains(family.name) && !family.labelNames.isEmpty {
      let series = family.series
      #expect(series.count <= 4, "\(family.name)")
      guard series.count == 4 else { continue }
      #expect(series.contains { $0.labels.allSatisfy { $0 == "other" || $0 == "merged" } }, "\(family.name)")
    }
    #expect(bench.values("vcs_change_count").values.reduce(0, +) == 10)
  }

  @Test("ages are those of what goes on, added up, and of the oldest")
  func ages() throws {
    var bench = try Bench()
    try bench.project([
      Self.run("1", queued: 0, started: 40, ended: nil), Self.run("2", queued: 400, started: 420, ended: nil),
      Self.run("3", queued: 0, started: 10, ended: 20),
    ])
    try AgeGauges(registry: bench.registry, store: bench.store, clock: bench.clock, metrics: bench.metrics).refresh()
    #expect(bench.values("valuestream_operations_active") == ["build github acme/site": 2])
    #expect(bench.values("valuestream_operations_active_age_seconds") == ["build github acme/site": 1_999_600])
    #expect(bench.values("valuestream_operations_active_oldest_seconds") == ["build github acme/site": 1_000_000])
  }

  @Test("ages of what begins at the end of time are none")
  func agesAtTheEndOfTime() {
    let end = Timestamp(nanoseconds: .max)
    let subjects = (1...3).map {
      OpenSubjects(operation: .build, source: "s", project: "\($0)", count: 1, meanStart: end, firstStart: end)
    }
    #expect(AgeGauges.folded(subjects) { $0.project == "1" }.map(\.meanStart) == [end, end])
  }

  @Test("past the limit the ages of those are one that are counted as one")
  func agesBeyondLimit() throws {
    var bench = try Bench(seriesLimit: 2)
    // The project with the most subjects comes last.
    for (project, number) in [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("d", 5)] {
      var step = Self.run("\(number)", queued: Int64(-number), started: 10, ended: nil)
      step.events[0].project = project
      try bench.project([step])
    }
    try AgeGauges(registry: bench.registry, store: bench.store, clock: bench.clock, metrics: bench.metrics).refresh()
    let counts = bench.values("valuestream_operations_active")
    let ages = bench.values("valuestream_operations_active_age_seconds")
    #expect(counts == ["build github a": 1, "build github b": 1, "other other other": 3])
    #expect(ages == ["build github a": 1_000_001, "build github b": 1_000_002, "other other other": 3_000_012])
    #expect(bench.values("valuestream_operations_active_oldest_seconds")["other other other"] == 1_000_005)
  }

  @Test("the gauges by branch tell open changes their age, and the others how long they took")
  func branches() throws {
    var bench = try Bench()
    let gauges = BranchGauges(registry: bench.registry, store: bench.store, clock: bench.clock, restFactor: 0)
    let branch = "https://github.com/acme/site site acme fix"
    try bench.project(Array(Self.change.prefix(4)))
    try gauges.refresh()
    #expect(bench.values("vcs_change_duration_seconds") == ["\(branch) open": 1_000_000])
    #expect(bench.values("vcs_change_time_to_approval_seconds") == ["\(branch) main": 900])
    #expect(bench.values("vcs_change_time_to_merge_seconds").isEmpty)
    try bench.project(Self.change)
    try gauges.refresh()
    #expect(bench.values("vcs_change_duration_seconds").isEmpty)
    #expect(bench.values("vcs_change_time_to_merge_seconds") == ["\(branch) main": 1200])
  }
}
