import Pipeline
import Synchronization
import Testing
import ValueStreamCore

@Suite("Export runner")
struct ExportRunnerTests {
  /// Keeps what it was sent; fails as it is told.
  final class FakeExporter: SpanExporter {
    let name = "fake"
    let batches = Mutex<[[TracedSpan]]>([])
    let errors: Mutex<[ExportError]>
    let isShutDown = Mutex(false)

    init(errors: [ExportError] = []) {
      self.errors = Mutex(errors)
    }

    func export(_ spans: [TracedSpan]) async throws(ExportError) {
      if let error = errors.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { throw error }
      batches.withLock { $0.append(spans) }
    }

    func flush() async throws(ExportError) {}

    func shutdown() async { isShutDown.withLock { $0 = true } }

    var ids: [SpanID] { batches.withLock { $0 }.flatMap { $0 }.map(\.span.id) }
  }

  final class FakeClock: WallClock {
    let time = Mutex(Timestamp(seconds: 10_000))
    func now() -> Timestamp { time.withLock { $0 } }
  }

  /// A store in which things have finished.
  static func store(finished count: Int, at time: Timestamp) throws -> any SpanStore {
    let store: any SpanStore = MemorySpanStore()
    var projection = Projection(store: store)
    var announcements: [Announcement] = []
    for id in 0..<count {
      let key = SpanKey(source: "s", host: "", container: "", kind: "k", id: "\(id)")
      var event = Event(key: key, time: .vendor(time), attempt: .counted)
      event.operation = .build
      event.marks = [.begin(.vendor(time)), .end(.vendor(time))]
      _ = try projection.take(event)
      announcements.append(Announcement(key: key, attempt: 1, time: time))
    }
    var changes = projection.finish()
    changes.announcements = announcements
    try store.write(changes)
    return store
  }

  static func runner(_ exporter: FakeExporter, _ store: any SpanStore, _ clock: FakeClock, settle: Duration = .zero) throws
    -> ExportRunner
  {
    try ExportRunner(
      exporter: exporter, store: store, ledger: ExportLedger(store: store), settle: settle, clock: clock, logger: Logger { _ in })
  }

  @Test("Everything finished is exported once, in order, and not again by the next runner")
  func once() async throws {
    let clock = FakeClock()
    let store = try Self.store(finished: 1200, at: clock.now())
    let exporter = FakeExporter()
    let runner = try Self.runner(exporter, store, clock)
    await runner.finish(includingUnsettled: false)
    #expect(exporter.ids.count == 1200)
    #expect(Set(exporter.ids).count == 1200)
    #expect(runner.currentProgress.sent == 1200)
    #expect(exporter.isShutDown.withLock { $0 })
    let again = FakeExporter()
    await (try Self.runner(again, store, clock)).finish(includingUnsettled: true)
    #expect(again.ids.isEmpty)
  }

  @Test("A span waits until it had time to settle, unless the process ends with its store")
  func settle() async throws {
    let clock = FakeClock()
    let store = try Self.store(finished: 3, at: clock.now())
    let early = FakeExporter()
    await (try Self.runner(early, store, clock, settle: .seconds(5))).finish(includingUnsettled: false)
    #expect(early.ids.isEmpty)
    clock.time.withLock { $0 = $0.advanced(byNanoseconds: 5_000_000_000) }
    let late = FakeExporter()
    await (try Self.runner(late, store, clock, settle: .seconds(5))).finish(includingUnsettled: false)
    #expect(late.ids.count == 3)
    let last = FakeExporter()
    let other = try Self.store(finished: 2, at: clock.now())
    await (try Self.runner(last, other, clock, settle: .seconds(5))).finish(includingUnsettled: true)
    #expect(last.ids.count == 2)
  }

  @Test("A batch that may arrive later comes again; one that was refused for good is counted and left behind")
  func errors() async throws {
    let clock = FakeClock()
    let store = try Self.store(finished: 3, at: clock.now())
    let exporter = FakeExporter(errors: [
      ExportError("later", isRetryable: true, retryAfterSeconds: 0.001), ExportError("never", isRetryable: false),
    ])
    let runner = try Self.runner(exporter, store, clock)
    let task = Task { await runner.run() }
    while runner.currentProgress.refused == 0 { try await Task.sleep(for: .milliseconds(2)) }
    task.cancel()
    await task.value
    #expect(exporter.ids.isEmpty)
    #expect(runner.currentProgress == ExportProgress(sequence: runner.currentProgress.sequence, sent: 0, refused: 3))
    #expect(try store.exportProgress()["fake"] == runner.currentProgress)
  }

  @Test("A runner that waits is woken by new spans")
  func wakes() async throws {
    let clock = FakeClock()
    let store = try Self.store(finished: 0, at: clock.now())
    let exporter = FakeExporter()
    let runner = try Self.runner(exporter, store, clock)
    let task = Task { await runner.run() }
    let key = SpanKey(source: "s", host: "", container: "", kind: "k", id: "new")
    var event = Event(key: key, time: .vendor(clock.now()))
    event.operation = .build
    event.marks = [.end(.vendor(clock.now()))]
    var projection = Projection(store: store)
    _ = try projection.take(event)
    var changes = projection.finish()
    changes.announcements = [Announcement(key: key, attempt: 1, time: clock.now())]
    try store.write(changes)
    runner.wake()
    while runner.currentProgress.sent == 0 { try await Task.sleep(for: .milliseconds(2)) }
    task.cancel()
    await task.value
    #expect(exporter.ids == [SpanID(key: key, attempt: 1)])
  }
}
