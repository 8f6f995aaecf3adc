import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import DeliveryCounters
@testable import PoisonGuard
@testable import Projection

/// Tests that deliveries with many events take several steps and do not hold up others, despite restarts and failures.
@Suite("Large deliveries")
struct LargeDeliveryTests {
  private struct Bench {
    let store: any SpanStore
    private(set) var registry = MetricRegistry()
    private(set) var metrics: ProjectionMetrics
    private(set) var batches: ProjectionBatches
    private var items: [ProjectionBatches.Item] = []

    init(store: any SpanStore) throws {
      self.store = store
      (metrics, batches) = try Self.batches(store, registry)
    }

    private static func batches(
      _ store: any SpanStore, _ registry: MetricRegistry
    ) throws -> (ProjectionMetrics, ProjectionBatches) {
      let metrics = ProjectionMetrics(registry: registry, seriesLimit: 100)
      let batches = try ProjectionBatches(
        store: store, logEnd: LogCoverage(LogPosition(rawValue: LogPosition.numberLimit)), sources: [],
        recent: RecentDeliveries(), registry: registry,
        metrics: metrics, clock: SystemClock(), grace: .zero)
      return (metrics, batches)
    }

    mutating func restart() throws {
      registry = MetricRegistry()
      (metrics, batches) = try Self.batches(store, registry)
    }

    mutating func record(_ deliveries: [[Event]]) {
      for events in deliveries {
        var delivery = Delivery(source: "github", received: Timestamp(seconds: 1_800_000_000), headers: [:], body: [])
        delivery.headers["id"] = "\(items.count)"
        items.append(
          .recorded(
            RecordedDelivery(
              position: LogPosition(rawValue: UInt64(items.count + 1)), logged: LoggedDelivery(delivery),
              interpretation: .events(events, branchUpdates: []),
              fingerprint: DeliveryFingerprint(of: delivery, id: "\(items.count)"))))
      }
    }

    var left: ArraySlice<ProjectionBatches.Item> {
      let position = batches.position
      return items.drop { position.covers($0.position) }
    }

    mutating func step(atMost count: Int = 100, isInterleaving: Bool = true) throws {
      _ = try batches.step(left.prefix(count), isInterleaving: isInterleaving)
    }

    var isThrough: Bool { left.isEmpty && !batches.hasPendingWork }

    func count(_ metric: String, _ labels: [String]) -> Double {
      registry.all.first { $0.name == metric }?.value(labels: labels) ?? -1
    }
  }

  private static func build(_ id: Int, isEnd: Bool = true, parent: Int? = nil) -> Event {
    let time = EventTime.vendor(Timestamp(seconds: 1_700_000_000 + Int64(id)))
    let key = { (id: Int) in SubjectKey(source: "github", host: "github.com", container: "1", kind: "run", id: "\(id)") }
    var event = Event(key: key(id), time: time, attempt: .counted)
    event.operation = .build
    event.state = isEnd ? .ended : .running
    event.marks = [LifeMark(isEnd ? .end : .begin, time)]
    if let parent { event.follows = [FollowStatement(.vendorLink, [.key(key(parent))])] }
    return event
  }

  @Test("end with the same spans and counts as whole deliveries in order, despite restarts", arguments: Seeds.upTo(6))
  func restarts(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var events = (0..<300).flatMap { id in
      [Self.build(id, isEnd: false), Self.build(id, parent: id % 7 == 0 ? nil : id - 1)]
    }
    events.shuffle(using: &random)
    var deliveries: [[Event]] = []
    while !events.isEmpty {
      let count = random.oneIn(3) ? Int.random(in: 65...200, using: &random) : Int.random(in: 0...3, using: &random)
      deliveries.append(Array(events.prefix(count)))
      events.removeFirst(min(count, events.count))
    }
    var whole = try Bench(store: MemorySpanStore())
    whole.record(deliveries)
    while !whole.isThrough { try whole.step(isInterleaving: false) }
    var parts = try Bench(store: MemorySpanStore())
    parts.record(deliveries)
    var steps = 0
    while !parts.isThrough, steps < 10_000 {
      try parts.step(atMost: [1, 5, 100][Int.random(in: 0...2, using: &random)], isInterleaving: !random.oneIn(4))
      steps += 1
      if random.oneIn(3) { try parts.restart() }
    }
    #expect(parts.isThrough)
    #expect(try PendingSteps.spans(in: parts.store) == PendingSteps.spans(in: whole.store))
    #expect(try PendingSteps.ties(in: parts.store) == PendingSteps.ties(in: whole.store))
    try whole.restart()
    try parts.restart()
    #expect(parts.metrics.deliveryCount(.recorded) == deliveries.count)
    #expect(parts.metrics.finishedSpanCount == 300)
    #expect(whole.metrics.finishedSpanCount == 300)
    #expect(try (parts.store.values()[ProjectionProgress.valueName] ?? []).isEmpty)
  }

  @Test("do not hold up a small one behind them")
  func small() throws {
    var bench = try Bench(store: MemorySpanStore())
    // A chain, from its end: each event moves the reference of the one before it.
    bench.record(
      (0..<4).map { number in
        (0..<400).map { Self.build(20_000 - number * 400 - $0, parent: 19_999 - number * 400 - $0) }
      })
    for id in 1...40 {
      bench.record([[Self.build(id)]])
      try bench.step(atMost: 1000)
      #expect(try bench.store.subjects([Self.build(id).key]).count == 1, "\(id)")
      if bench.left.isEmpty { break }
    }
    // Several steps, of which each does a part.
    var steps = 0
    while !bench.isThrough, steps < 1000 {
      try bench.step(atMost: 1000)
      steps += 1
    }
    #expect(bench.isThrough)
    #expect(try PendingSteps.ties(in: bench.store).count == 1599)
  }

  @Test("that cannot be written are set aside, and the others are projected")
  func unwritable() throws {
    let store = ProjectorTests.FailingStore()
    let bad = Self.build(150)
    store.unwritable.withLock { $0[bad.key] = .rejected }
    var bench = try Bench(store: store)
    bench.record([(0..<200).map { Self.build($0) }] + (1000..<1040).map { [Self.build($0)] })
    bench.record([(300..<500).map { Self.build($0) }] + (1040..<1050).map { [Self.build($0)] })
    var steps = 0
    while !bench.isThrough, steps < 1000 {
      try bench.step()
      steps += 1
    }
    #expect(bench.isThrough)
    #expect(bench.count("valuestream_projection_set_aside_total", ["store"]) == 1)
    let others = (300..<500).map { Self.build($0).key } + (1000..<1050).map { Self.build($0).key }
    #expect(try store.subjects(others).count == others.count)
    #expect(try store.subjects([bad.key]).isEmpty)
  }

  @Test("What is projected beyond the position is stored and read back as it is, and what cannot be read is nothing")
  func encoding() {
    var progress = ProjectionProgress()
    #expect(progress.encoded.isEmpty)
    progress.take(LogPosition(rawValue: 7), doneCount: 64, eventCount: 100)
    progress.take(LogPosition(rawValue: 9), doneCount: 1, eventCount: 1)
    progress.take(LogPosition(rawValue: 12), doneCount: 0, eventCount: 0)
    #expect(ProjectionProgress(encoded: progress.encoded) == progress)
    #expect(progress.doneCount(of: LogPosition(rawValue: 7), eventCount: 100) == 64)
    // Another version reads other events from the same delivery, and begins anew.
    #expect(progress.doneCount(of: LogPosition(rawValue: 7), eventCount: 99) == 0)
    progress.take(LogPosition(rawValue: 7), doneCount: 100, eventCount: 100)
    progress.pass(upTo: LogCoverage(LogPosition(rawValue: 9)))
    #expect(progress.isDone(LogPosition(rawValue: 12)) && !progress.isDone(LogPosition(rawValue: 9)))
    #expect(ProjectionProgress(encoded: progress.encoded) == progress)
    #expect(ProjectionProgress(encoded: Array("7 5\nx\n\n".utf8)) == ProjectionProgress())
    #expect(ProjectionProgress(encoded: []) == ProjectionProgress())
  }
}
