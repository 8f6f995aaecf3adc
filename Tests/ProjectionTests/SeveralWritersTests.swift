import DeliveryCounters
import Projection
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Projects a log that several daemons write: in parts without an order between them.
@Suite("Projecting several writers")
struct SeveralWritersTests {
  /// Within the time for which stores remember fingerprints.
  private static let received = SystemClock().now()

  private static func items(_ count: Int) -> [ProjectionBatches.Item] {
    (0..<count).map { number in
      var delivery = Delivery(
        source: "lines", received: received, headers: [:],
        body: Array("\(number / 2) \(number % 2 == 0 ? "start" : "end")".utf8))
      delivery.headers["id"] = "\(number)"
      return .logged(LoggedDelivery(delivery), LogPosition(rawValue: UInt64(number + 1)))
    }
  }

  /// Gives the deliveries to writers, some to two of them, and returns them in an order that keeps that of each writer.
  private static func dealt(_ items: [ProjectionBatches.Item], _ random: inout SeededRandom) -> [ProjectionBatches.Item] {
    var parts = [[ProjectionBatches.Item]](repeating: [], count: 3)
    for item in items {
      guard let logged = item.logged else { continue }
      for writer in Set([Int.random(in: 0..<3, using: &random), Int.random(in: 0..<3, using: &random)]).sorted() {
        parts[writer].append(
          .logged(logged, LogPosition(writer: UInt64(writer + 1), number: UInt64(parts[writer].count + 1))))
      }
    }
    var result: [ProjectionBatches.Item] = []
    while let part = parts.indices.filter({ !parts[$0].isEmpty }).randomElement(using: &random) {
      let count = Int.random(in: 1...parts[part].count, using: &random)
      result += parts[part].prefix(count)
      parts[part].removeFirst(count)
    }
    return result
  }

  private static func batches(_ store: any ProjectionStore, _ metrics: ProjectionMetrics, _ registry: MetricRegistry) throws
    -> ProjectionBatches
  {
    try ProjectionBatches(
      store: store, logEnd: LogCoverage((0...3).map { LogPosition(writer: $0, number: LogPosition.numberLimit) }),
      sources: [ProjectorTests.LineSource()], recent: RecentDeliveries(), registry: registry, metrics: metrics,
      clock: SystemClock(), grace: nil)
  }

  @Test("Any distribution over writers, with repetitions and a restart, gives the same spans and counts each delivery once")
  func distributions() throws {
    let items = Self.items(80)
    let single = MemorySpanStore()
    let registry = MetricRegistry()
    var alone = try Self.batches(single, ProjectionMetrics(registry: registry, seriesLimit: 100), registry)
    _ = try alone.project(items: items)
    let expected = single.subjects(after: nil, limit: .max).subjects
    #expect(expected.count == 40)
    for seed in 0..<20 {
      var random = SeededRandom(seed: UInt64(seed))
      let dealt = Self.dealt(items, &random)
      let store = MemorySpanStore()
      let half = Int.random(in: 0...dealt.count, using: &random)
      var counts = 0
      var duplicates = 0
      // The second run continues where the first has stopped. It also sees what was projected before.
      for some in [dealt.prefix(half), dealt[...]] {
        let registry = MetricRegistry()
        let metrics = ProjectionMetrics(registry: registry, seriesLimit: 100)
        var batches = try Self.batches(store, metrics, registry)
        let open = some.filter { !(store.position()?.contains($0.position) ?? false) }
        _ = try batches.project(items: open)
        counts = metrics.deliveryCount(.recorded)
        duplicates = metrics.deliveryCount(.duplicate)
      }
      #expect(counts == items.count, "seed \(seed)")
      #expect(duplicates == dealt.count - items.count, "seed \(seed)")
      #expect(store.position() == LogCoverage(dealt.map(\.position)))
      let subjects = Dictionary(store.subjects(after: nil, limit: .max).subjects.map { ($0.key, $0) }) { first, _ in first }
      for subject in expected { #expect(subjects[subject.key]?.spans() == subject.spans(), "seed \(seed)") }
    }
  }

  @Test("Deliveries that others have recorded need as few reads of the store as those of this process")
  func readsOfStore() throws {
    let items = Self.items(320)
    func reads(_ prepared: (ProjectionBatches) -> [ProjectionBatches.Item]) throws -> Int {
      let store = CountingStore()
      let registry = MetricRegistry()
      var batches = try Self.batches(store, ProjectionMetrics(registry: registry, seriesLimit: 100), registry)
      // Steps must not end early on a busy machine.
      batches.projectingDuration = .seconds(600)
      let before = store.work
      _ = try batches.project(items: prepared(batches))
      return (store.work - before).reads
    }
    let own = try reads { batches in
      items.map { item in item.logged.map { .recorded(batches.reread($0, at: item.position)) } ?? item }
    }
    #expect(try reads { _ in items } == own)
    #expect(own < items.count)
  }

  @Test("What is in the log is projected although nobody was told of it, also if the same process has appended it")
  func unknownOutcome() throws {
    let log = MemoryDeliveryLog()
    let registry = MetricRegistry()
    let metrics = ProjectionMetrics(registry: registry, seriesLimit: 100)
    var configuration = Projector.Configuration()
    configuration.pollInterval = .milliseconds(5)
    configuration.silence = .zero
    let batches = try ProjectionBatches(
      store: MemorySpanStore(), logEnd: nil, sources: [ProjectorTests.LineSource()], recent: RecentDeliveries(),
      registry: registry, metrics: metrics, clock: SystemClock(), grace: nil)
    let projector = Projector(log: log, batches: batches, configuration: configuration, logger: Logger { _ in })
    try #require(OwnThread.start { projector.run() })
    defer { projector.stop() }
    let deliveries = Self.items(3).compactMap(\.logged)
    for (index, logged) in deliveries.enumerated() {
      let position = try #require(log.append([logged]).first)
      // The daemon learns of the first and the last commit only.
      if index != 1 {
        let interpretation = try ProjectorTests.LineSource().events(in: logged.delivery)
        projector.recorded([
          RecordedDelivery(position: position, logged: logged, interpretation: interpretation, fingerprint: nil)
        ])
      }
      #expect(projector.wait(for: LogCoverage(position), atMost: .seconds(60)))
    }
    #expect(metrics.deliveryCount(.recorded) == 3)
  }
}
