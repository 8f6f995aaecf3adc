import DeliveryFacts
import Projection
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Fact worker")
struct FactWorkerTests {
  private let store = MemorySpanStore()
  private let registry = MetricRegistry()

  private func worker(pause: Duration = .seconds(3600)) -> FactWorker {
    var configuration = FactWorker.Configuration()
    configuration.pause = pause
    configuration.progressInterval = .zero
    return FactWorker(
      store: store, strategy: .nested, rules: FactRules(), registry: registry, clock: SystemClock(), logger: Logger { _ in },
      configuration: configuration)
  }

  /// Runs `body` while a worker runs on a thread of its own.
  ///
  /// The thread starts at once. A child task would first wait for a thread of the pool, which other tests may occupy.
  private func running(_ worker: FactWorker, _ body: () async throws -> Void) async throws {
    try #require(OwnThread.start { worker.run() })
    defer { worker.stop() }
    try await body()
  }

  private func issues() throws -> [IssueFact] {
    var issues: [IssueFact] = []
    try store.visitFacts(IssueFact.self, days: FactSamples.day(-1)...FactSamples.day(9), includesOpen: true) { issues.append($0) }
    return issues
  }

  @Test("A caller gets the facts of everything that was written before, although changes usually wait")
  func waiting() async throws {
    let worker = worker()
    try await running(worker) { () async throws in
      for number in 1...20 {
        store.write(StoreSamples.changes([StoreSamples.issue(number)]))
        worker.wake()
        #expect(try await OwnThread.run { worker.wait(atMost: .seconds(60)) })
        #expect(try issues().count == number)
      }
      store.write(StoreSamples.changes([StoreSamples.issue(3, isOpen: false)]))
      worker.wake()
      #expect(try await OwnThread.run { worker.wait(atMost: .seconds(60)) })
      #expect(try issues().filter { $0.closed != nil }.count == 1)
      #expect(store.factProgress().waitingBatches == 0)
    }
    #expect(!worker.wait(atMost: .seconds(60)), "nobody waits for a worker that was stopped")
  }

  @Test("computes what changed by itself after a pause")
  func pause() async throws {
    let worker = worker(pause: .milliseconds(1))
    try await running(worker) { () async throws in
      store.write(StoreSamples.changes([StoreSamples.issue(1)]))
      worker.wake()
      for _ in 0..<6000 where try issues().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
      #expect(try issues().count == 1)
    }
  }

  @Test("A caller that runs out of time waits no longer, and one that comes later is served")
  func timeout() async throws {
    let worker = worker()
    store.write(StoreSamples.changes([StoreSamples.issue(1)]))
    #expect(try await OwnThread.run { !worker.wait(atMost: .milliseconds(5)) }, "it does not run yet")
    try await running(worker) { () async throws in
      #expect(try await OwnThread.run { worker.wait(atMost: .seconds(60)) })
      #expect(try issues().count == 1)
    }
  }

  @Test("forgets everything with the store")
  func reset() async throws {
    let worker = worker()
    try await running(worker) { () async throws in
      store.write(StoreSamples.changes([StoreSamples.issue(1)]))
      #expect(try await OwnThread.run { worker.wait(atMost: .seconds(60)) })
      worker.reset { store.removeAll() }
      #expect(try issues().isEmpty)
      store.write(StoreSamples.changes([StoreSamples.issue(2)]))
      #expect(try await OwnThread.run { worker.wait(atMost: .seconds(60)) })
      #expect(try issues().count == 1)
    }
  }

  @Test("What exceeds the allowance is computed in the background, and nobody waits for it")
  func allowance() async throws {
    let bench = try FactBench(allowance: .init(ofChange: 1, most: 1))
    try bench.tellIssue(type: "Story")
    try bench.tellChanges(1...20)
    try bench.computeAll()
    try bench.tellIssue(type: "Bug", second: 9)
    let worker = bench.worker
    try await running(worker) { () async throws in
      worker.wake()
      let expected = Dictionary(uniqueKeysWithValues: (1...20).map { ($0, "Bug") })
      #expect(try await OwnThread.run { !worker.wait(atMost: .seconds(60)) }, "the rest is not allowed yet")
      for _ in 0..<6000 where try bench.types() != expected { try await Task.sleep(for: .milliseconds(10)) }
      #expect(try bench.types() == expected)
      #expect(try await OwnThread.run { worker.wait(atMost: .seconds(60)) })
    }
  }

  @Test("tells in its gauges what waits")
  func gauges() throws {
    let worker = worker()
    store.write(StoreSamples.changes([StoreSamples.issue(1), StoreSamples.issue(2)]))
    worker.wake()
    worker.refreshGauges()
    func value(_ name: String) -> Double? { registry.all.first { $0.name == name }?.value(labels: []) }
    #expect(value("valuestream_facts_waiting_batches") == 2)
    #expect(value("valuestream_facts_remaining_subjects") == 0)
    store.recomputeFacts()
    worker.refreshGauges()
    #expect(value("valuestream_facts_remaining_subjects") == 2)
  }
}
