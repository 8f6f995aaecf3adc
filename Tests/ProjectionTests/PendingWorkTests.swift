import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import DeliveryCounters
@testable import PoisonGuard
@testable import Projection

/// Tests that the projector reexamines all pending followers, despite restarts, other deliveries and failures.
@Suite("Pending work of the projector")
struct PendingWorkTests {
  /// Runs the steps of a projection over deliveries of one event each. Can restart the projection between steps.
  private struct Bench {
    let store: any SpanStore
    let followersPerStep: Int
    private(set) var registry = MetricRegistry()
    private(set) var batches: ProjectionBatches
    private var items: [ProjectionBatches.Item] = []

    init(store: any SpanStore, followersPerStep: Int, poisonGuard: PoisonGuard = PoisonGuard()) throws {
      self.store = store
      self.followersPerStep = followersPerStep
      batches = try Self.batches(store, followersPerStep, registry, poisonGuard)
    }

    private static func batches(
      _ store: any SpanStore, _ followersPerStep: Int, _ registry: MetricRegistry, _ poisonGuard: PoisonGuard
    ) throws -> ProjectionBatches {
      try ProjectionBatches(
        store: store, logEnd: LogCoverage(LogPosition(rawValue: LogPosition.numberLimit)), sources: [],
        recent: RecentDeliveries(), registry: registry,
        metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: SystemClock(), grace: nil,
        poisonGuard: poisonGuard, followersPerStep: followersPerStep)
    }

    mutating func restart(poisonGuard: PoisonGuard = PoisonGuard()) throws {
      registry = MetricRegistry()
      batches = try Self.batches(store, followersPerStep, registry, poisonGuard)
    }

    mutating func record(_ events: [Event]) {
      for event in events {
        let delivery = Delivery(source: "github", received: Timestamp(seconds: 1_800_000_000), headers: [:], body: [])
        items.append(
          .recorded(
            RecordedDelivery(
              position: LogPosition(rawValue: UInt64(items.count + 1)), logged: LoggedDelivery(delivery),
              interpretation: .events([event], branchUpdates: []), fingerprint: nil)))
      }
    }

    /// Deliveries that are not projected yet.
    var left: ArraySlice<ProjectionBatches.Item> {
      let position = batches.position
      return items.drop { position.covers($0.position) }
    }

    /// Runs one step.
    ///
    /// - Parameter count: The most deliveries to offer to the step; 0 for a step that only reexamines followers.
    mutating func step(atMost count: Int) throws { _ = try batches.step(left.prefix(count)) }

    var isThrough: Bool { left.isEmpty && !batches.hasPendingWork }

    /// The gauge of references whose followers wait.
    var pendingCount: Double {
      registry.all.first { $0.name == "valuestream_projection_pending_references" }?.value() ?? -1
    }

    func setAside(_ reason: String) -> Double {
      registry.all.first { $0.name == "valuestream_projection_set_aside_total" }?.value(labels: [reason]) ?? -1
    }
  }

  private static func settled(_ events: [Event]) throws -> MemorySpanStore {
    let store = MemorySpanStore()
    var correlation = Correlation(store: store)
    for event in events { _ = try correlation.take(event) }
    store.write(correlation.finish())
    return store
  }

  @Test("goes on after a stop, and ends with the same spans", arguments: Seeds.upTo(30))
  func restarts(seed: UInt64) throws {
    let events = PopularNames(seed: seed).events
    let expected = try Self.settled(events)
    for followersPerStep in [1, 7, 256] {
      var random = SeededRandom(seed: seed)
      var bench = try Bench(store: MemorySpanStore(), followersPerStep: followersPerStep)
      bench.record(events.shuffled(using: &random))
      var restarts = 0
      while !bench.isThrough {
        try bench.step(atMost: [0, 1, 5, 40][Int.random(in: 0...3, using: &random)])
        guard random.oneIn(4) else { continue }
        if bench.batches.hasPendingWork { restarts += 1 }
        let had = bench.batches.hasPendingWork
        try bench.restart()
        #expect(bench.batches.hasPendingWork == had)
      }
      #expect(restarts > 0 || followersPerStep > 1)
      #expect(try PendingSteps.ties(in: bench.store) == PendingSteps.ties(in: expected))
      #expect(try PendingSteps.spans(in: bench.store) == PendingSteps.spans(in: expected))
      #expect(try (bench.store.values()[PendingTies.valueName] ?? []).isEmpty)
    }
  }

  // MARK: Failures

  private static let commit = Reference(.commit, String(repeating: "ab", count: 20))

  private static func event(_ kind: String, _ id: Int, _ operation: Operation) -> Event {
    let time = EventTime.vendor(Timestamp(seconds: 1_700_000_000 + Int64(id)))
    var event = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: "\(id)"), time: time,
      attempt: .counted)
    event.operation = operation
    event.marks = [.begin(time)]
    return event
  }

  private static let builds = (0..<60).map { id in
    var build = event("run", id, .build)
    build.follows = [FollowStatement(.commit, [commit])]
    return build
  }

  @Test(
    "A follower that can never be written is passed over: no delivery is set aside for it, and no other follower left",
    arguments: [1, 7, 256], [true, false])
  func unwritable(followersPerStep: Int, isAlone: Bool) throws {
    let store = ProjectorTests.FailingStore()
    var bench = try Bench(store: store, followersPerStep: followersPerStep)
    bench.record(Self.builds)
    while !bench.isThrough { try bench.step(atMost: 100) }
    let bad = Self.builds[23].key
    store.unwritable.withLock { $0 = [bad: .rejected] }
    var change = Self.event("pull_request", 1, .pullRequest)
    change.publishes = [Self.commit]
    let others = isAlone ? [] : (1...9).map { Self.event("issue", $0, .issue) }
    bench.record([change] + others)
    var steps = 0
    while !bench.isThrough, steps < 1000 {
      try bench.step(atMost: 100)
      steps += 1
    }
    #expect(bench.isThrough)
    #expect(bench.setAside("store") == 0)
    #expect(bench.setAside("follower") == 1)
    let ties = try PendingSteps.ties(in: store)
    #expect(Set(ties.keys) == Set(Self.builds.map(\.key)).subtracting([bad]))
    #expect(ties.values.allSatisfy { $0.parent == change.key })
    #expect(try store.subjects(others.map(\.key)).count == others.count)
    // The follower is counted once, even after a restart. Deliveries about other subjects are projected as usual.
    try bench.restart()
    #expect(!bench.batches.hasPendingWork)
    bench.record([Self.event("issue", 77, .issue)])
    try bench.step(atMost: 1)
    #expect(bench.isThrough)
    #expect(bench.setAside("follower") == 1)
  }

  @Test("A delivery that can never be written is set aside, and followers of what came before it are looked at")
  func unwritableDelivery() throws {
    let store = ProjectorTests.FailingStore()
    var bench = try Bench(store: store, followersPerStep: 7)
    bench.record(Self.builds)
    while !bench.isThrough { try bench.step(atMost: 100) }
    let bad = Self.event("issue", 5, .issue)
    store.unwritable.withLock { $0 = [bad.key: .rejected] }
    var change = Self.event("pull_request", 1, .pullRequest)
    change.publishes = [Self.commit]
    bench.record([change, bad, Self.event("issue", 6, .issue)])
    var steps = 0
    while !bench.isThrough, steps < 1000 {
      try bench.step(atMost: 100)
      steps += 1
    }
    #expect(bench.isThrough)
    #expect(bench.setAside("store") == 1)
    #expect(bench.setAside("follower") == 0)
    #expect(try PendingSteps.ties(in: store).count == Self.builds.count)
  }

  @Test("A full disk passes over nothing: what is pending goes on once there is room")
  func fullDisk() throws {
    let store = ProjectorTests.FailingStore()
    var bench = try Bench(store: store, followersPerStep: 7)
    bench.record(Self.builds)
    while !bench.isThrough { try bench.step(atMost: 100) }
    var change = Self.event("pull_request", 1, .pullRequest)
    change.publishes = [Self.commit]
    bench.record([change])
    try bench.step(atMost: 1)
    #expect(bench.batches.hasPendingWork)
    store.failures.withLock { $0 = 9 }
    var failures = 0
    while !bench.isThrough {
      do { try bench.step(atMost: 100) } catch is StoreError { failures += 1 }
    }
    #expect(failures == 8)
    #expect(bench.setAside("follower") == 0)
    #expect(try PendingSteps.ties(in: store).count == Self.builds.count)
  }

  // MARK: Crashes

  @Test("A follower that keeps crashing the process is passed over: no delivery is set aside for it, and no other follower left")
  func crashing() throws {
    let file = try GuardFile()
    let store = ProjectorTests.FailingStore()
    var bench = try Bench(store: store, followersPerStep: 256)
    bench.record(Self.builds)
    while !bench.isThrough { try bench.step(atMost: 100) }
    #expect(bench.pendingCount == 0)
    let bad = Self.builds[23].key
    let crash = Mutex<[UInt8]?>(nil)
    store.onWrite.withLock { onWrite in
      onWrite = { changes in
        guard changes.subjects.contains(where: { $0.subject.key == bad && $0.subject.parent != nil }) else { return }
        let bytes = try file.afterCrash()
        crash.withLock { $0 = bytes }
        throw StoreError(.busy, "a crash, as the test wants it")
      }
    }
    var change = Self.event("pull_request", 1, .pullRequest)
    change.publishes = [Self.commit]
    bench.record([change] + (1...9).map { Self.event("issue", $0, .issue) })
    var crashes = 0
    var isWaiting = false
    try bench.restart(poisonGuard: PoisonGuard(directory: file.directory))
    while !bench.isThrough, crashes < 20 {
      do {
        try bench.step(atMost: 100)
        isWaiting = isWaiting || bench.pendingCount > 0
      } catch {
        let bytes = try #require(crash.withLock { $0 }, "\(error)")
        crashes += 1
        try bench.restart()
        try file.write(bytes)
        try bench.restart(poisonGuard: PoisonGuard(directory: file.directory))
      }
    }
    // In a step with deliveries, in one with all followers, and three times alone.
    #expect(crashes == 5)
    #expect(isWaiting && bench.pendingCount == 0)
    #expect(bench.isThrough)
    #expect(bench.setAside("crash") == 0)
    #expect(bench.setAside("follower") == 1)
    let ties = try PendingSteps.ties(in: store)
    #expect(Set(ties.keys) == Set(Self.builds.map(\.key)).subtracting([bad]))
  }
}
