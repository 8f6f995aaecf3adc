import Export
import Projection
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Export runner")
struct ExportRunnerTests {
  /// An exporter that records spans and fails as configured.
  final class FakeExporter: SpanExporter {
    let name = "fake"
    let batches = Mutex<[[TracedSpan]]>([])
    /// The size of every batch, including failed ones.
    let tried = Mutex<[Int]>([])
    let errors: Mutex<[ExportError]>
    let isShutDown = Mutex(false)
    /// The most spans that it accepts per call.
    let limit: Int
    /// Spans that make it reject the whole batch.
    let refused: Set<SpanID>
    /// If true, `export` returns only after its task is cancelled.
    let hangs: Bool
    /// If true, the backend rejects even a request without spans.
    let isMisaddressed: Bool

    init(
      errors: [ExportError] = [], limit: Int = .max, refused: Set<SpanID> = [], hangs: Bool = false, isMisaddressed: Bool = false
    ) {
      self.isMisaddressed = isMisaddressed
      self.errors = Mutex(errors)
      self.limit = limit
      self.refused = refused
      self.hangs = hangs
    }

    func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
      tried.withLock { $0.append(spans.count) }
      if hangs {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        throw ExportError("cancelled", isRetryable: true)
      }
      if let error = errors.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { throw error }
      if spans.contains(where: { refused.contains($0.span.id) }) { throw ExportError("not this one", isRetryable: false) }
      let taken = Array(spans.prefix(limit))
      batches.withLock { $0.append(taken) }
      return ExportReceipt(handled: taken.count)
    }

    func checkBackend() async throws(ExportError) {
      if isMisaddressed { throw ExportError("no receiver", isRetryable: false) }
    }

    func flush() async throws(ExportError) {}

    func shutdown() async { isShutDown.withLock { $0 = true } }

    var sizes: [Int] { tried.withLock { $0 } }
    var ids: [SpanID] { batches.withLock { $0 }.flatMap { $0 }.map(\.span.id) }
  }

  /// The time at which clocks begin.
  static let start = Timestamp(seconds: 10_000)

  /// Returns a store with finished spans in the outbox.
  static func store(finished count: Int, at time: Timestamp) throws -> any SpanStore & FactStore {
    let store: any SpanStore & FactStore = MemorySpanStore()
    var correlation = Correlation(store: store)
    var outboxEntries: [OutboxEntry] = []
    for id in 0..<count {
      let key = SubjectKey(source: "s", host: "", container: "", kind: "k", id: "\(id)")
      var event = Event(key: key, time: .vendor(time), attempt: .counted)
      event.operation = .build
      event.marks = [.begin(.vendor(time)), .end(.vendor(time))]
      _ = try correlation.take(event)
      outboxEntries.append(OutboxEntry(key: key, attempt: 1, time: time))
    }
    var changes = correlation.finish()
    changes.outboxEntries = outboxEntries
    try store.write(changes)
    return store
  }

  static func id(_ number: Int) -> SpanID {
    SpanID(key: SubjectKey(source: "s", host: "", container: "", kind: "k", id: "\(number)"), attempt: 1)
  }

  static func runner(
    _ exporter: FakeExporter, _ store: any SpanStore, _ clock: FakeClock, gracePeriod: Duration = .zero,
    backlog: Duration = .seconds(7 * 86_400), log: KeptLog = KeptLog()
  ) throws -> ExportRunner {
    try ExportRunner(
      exporter: exporter, store: store, ledger: ExportLedger(store: store, strategy: .nested), gracePeriod: gracePeriod,
      backlog: backlog, clock: clock, logger: log.logger)
  }

  @Test("Everything finished is exported once, in order, and not again by the next runner")
  func once() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 1200, at: clock.now())
    let exporter = FakeExporter()
    let runner = try Self.runner(exporter, store, clock)
    await runner.finish(ignoringGracePeriod: false, within: .seconds(3600))
    #expect(exporter.ids.count == 1200)
    #expect(Set(exporter.ids).count == 1200)
    #expect(runner.currentProgress.sent == 1200)
    #expect(exporter.isShutDown.withLock { $0 })
    let again = FakeExporter()
    await (try Self.runner(again, store, clock)).finish(ignoringGracePeriod: true)
    #expect(again.ids.isEmpty)
  }

  @Test("A span waits until it had time to settle, unless the process ends with its store")
  func passGracePeriod() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 3, at: clock.now())
    let early = FakeExporter()
    await (try Self.runner(early, store, clock, gracePeriod: .seconds(5))).finish(ignoringGracePeriod: false)
    #expect(early.ids.isEmpty)
    clock.pass(5)
    let late = FakeExporter()
    await (try Self.runner(late, store, clock, gracePeriod: .seconds(5))).finish(ignoringGracePeriod: false)
    #expect(late.ids.count == 3)
    let last = FakeExporter()
    let other = try Self.store(finished: 2, at: clock.now())
    await (try Self.runner(last, other, clock, gracePeriod: .seconds(5))).finish(ignoringGracePeriod: true)
    #expect(last.ids.count == 2)
  }

  @Test("A batch that may arrive later comes again, and a receiver that is away does not fill the log")
  func retries() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 3, at: clock.now())
    let later = ExportError("later", isRetryable: true, retryAfterSeconds: 0.0001)
    let exporter = FakeExporter(errors: Array(repeating: later, count: 50))
    let log = KeptLog()
    let runner = try Self.runner(exporter, store, clock, log: log)
    let task = Task { await runner.run() }
    while runner.currentProgress.sent == 0 { try await Task.sleep(for: .milliseconds(2)) }
    task.cancel()
    await task.value
    #expect(exporter.ids == (0..<3).map(Self.id))
    #expect(runner.currentProgress.sent == 3)
    #expect(try store.exportProgress()["fake"] == runner.currentProgress)
    let lines = log.lines
    #expect(lines.count == 2)
    #expect(lines.first?.contains("will try again: later") == true)
    #expect(lines.last?.contains("accepts spans again") == true)
  }

  @Test(
    "Of a batch that is refused only the culprits are given up, each with its reason",
    arguments: [[0], [699], [0, 1, 2], [17, 18, 400, 511, 512], Array(0..<20)])
  func narrows(culprits: [Int]) async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 700, at: clock.now())
    let exporter = FakeExporter(refused: Set(culprits.map(Self.id)))
    let log = KeptLog()
    let runner = try Self.runner(exporter, store, clock, log: log)
    await runner.finish(ignoringGracePeriod: false, within: .seconds(3600))
    let isRight = exporter.ids == (0..<700).filter { !culprits.contains($0) }.map(Self.id)
    #expect(isRight)
    #expect(runner.currentProgress.sent == Int64(700 - culprits.count))
    #expect(runner.currentProgress.refused == Int64(culprits.count))
    let lines = log.lines
    #expect(lines.count == culprits.count)
    for (line, culprit) in zip(lines, culprits) {
      #expect(line.contains("s:::k:\(culprit), attempt 1): not this one"), "\(line)")
    }
    let rejections = try store.exportRejections(of: "fake", before: nil, limit: 1000).map(\.rejection)
    #expect(rejections.reversed().flatMap(\.attempts).map { SpanID(key: $0.key, attempt: $0.number) } == culprits.map(Self.id))
    #expect(rejections.allSatisfy { $0.count == 1 && $0.reason == "not this one" && $0.time == clock.now() })
    // After the last rejected span, batches have full size again.
    if culprits == [0] { #expect(exporter.sizes.max() == 512) }
  }

  @Test("A receiver that refuses requests without spans, too, costs no span, however long it does")
  func misaddressed() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 40, at: clock.now())
    let log = KeptLog()
    let exporter = FakeExporter(refused: Set((0..<40).map(Self.id)), isMisaddressed: true)
    let runner = try Self.runner(exporter, store, clock, log: log)
    await runner.finish(ignoringGracePeriod: false, within: .seconds(3600))
    #expect(runner.currentProgress == ExportProgress(failingSince: clock.now()))
    #expect(exporter.sizes == [40, 20, 10, 5, 2, 1])
    #expect(log.lines.count == 1)
    #expect(log.lines.first?.contains("not this one; it refuses a request without spans, too") == true, "\(log.lines)")
    let next = FakeExporter()
    await (try Self.runner(next, store, clock)).finish(ignoringGracePeriod: false)
    #expect(next.ids == (0..<40).map(Self.id))
  }

  @Test("A receiver is waited for: as long as it asks, and longer from failure to failure where it names no time to wait")
  func pauses() {
    #expect(ExportRunner.pause(after: 1, retryAfterSeconds: 7) >= .seconds(7))
    #expect(ExportRunner.pause(after: 1, retryAfterSeconds: 1e9) <= .seconds(330))
    for nothing: Double? in [nil, 0] {
      #expect(ExportRunner.pause(after: 1, retryAfterSeconds: nothing) >= .milliseconds(250))
      #expect(ExportRunner.pause(after: 50, retryAfterSeconds: nothing) >= .seconds(30))
    }
  }

  @Test("A clock that is set back does not hold up what was announced before")
  func clockSetBack() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 2, at: clock.now().advanced(byNanoseconds: 86_400_000_000_000))
    let exporter = FakeExporter()
    await (try Self.runner(exporter, store, clock, gracePeriod: .seconds(5))).finish(ignoringGracePeriod: false)
    #expect(exporter.ids.count == 2)
  }

  @Test("An exporter may take the beginning of a batch; the rest comes again", arguments: [1, 7, 511, 512])
  func prefixes(limit: Int) async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 600, at: clock.now())
    let exporter = FakeExporter(limit: limit)
    let runner = try Self.runner(exporter, store, clock)
    await runner.finish(ignoringGracePeriod: false, within: .seconds(3600))
    let isRight = exporter.ids == (0..<600).map(Self.id)
    #expect(isRight)
    #expect(runner.currentProgress.sent == 600)
  }

  @Test("An exporter that takes nothing has failed")
  func takesNothing() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 2, at: clock.now())
    let exporter = FakeExporter(limit: 0)
    let log = KeptLog()
    let runner = try Self.runner(exporter, store, clock, log: log)
    await runner.finish(ignoringGracePeriod: false, within: .seconds(3600))
    #expect(exporter.sizes.count == 1)
    #expect(runner.currentProgress == ExportProgress(failingSince: clock.now()))
    #expect(log.lines.count == 1)
  }

  @Test("A stop does not wait for a receiver that hangs, and leaves what it did not answer to the next start")
  func hanging() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 2, at: clock.now())
    let exporter = FakeExporter(hangs: true)
    let log = KeptLog()
    let runner = try Self.runner(exporter, store, clock, log: log)
    let task = Task { await runner.run() }
    while exporter.sizes.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    runner.stop()
    await task.value
    await runner.finish(ignoringGracePeriod: false, within: .milliseconds(50))
    #expect(exporter.isShutDown.withLock { $0 })
    #expect(log.lines.isEmpty, "a stop says nothing about the receiver")
    let next = FakeExporter()
    await (try Self.runner(next, store, clock)).finish(ignoringGracePeriod: false)
    #expect(next.ids == (0..<2).map(Self.id))
  }

  @Test("A stop ends a pause at once", arguments: [false, true])
  func stopsWhilePausing(isInGracePeriod: Bool) async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 1, at: clock.now())
    let exporter = FakeExporter(errors: [ExportError("away", isRetryable: true, retryAfterSeconds: 3600)])
    let runner = try Self.runner(exporter, store, clock, gracePeriod: isInGracePeriod ? .seconds(3600) : .zero)
    let task = Task { await runner.run() }
    if !isInGracePeriod { while exporter.sizes.isEmpty { try await Task.sleep(for: .milliseconds(1)) } }
    runner.stop()
    await task.value
    #expect(exporter.ids.isEmpty)
  }

  @Test("A runner that waits is woken by new spans")
  func wakes() async throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 0, at: clock.now())
    let exporter = FakeExporter()
    let runner = try Self.runner(exporter, store, clock)
    let task = Task { await runner.run() }
    let key = SubjectKey(source: "s", host: "", container: "", kind: "k", id: "new")
    var event = Event(key: key, time: .vendor(clock.now()))
    event.operation = .build
    event.marks = [.end(.vendor(clock.now()))]
    var correlation = Correlation(store: store)
    _ = try correlation.take(event)
    var changes = correlation.finish()
    changes.outboxEntries = [OutboxEntry(key: key, attempt: 1, time: clock.now())]
    try store.write(changes)
    runner.wake()
    while runner.currentProgress.sent == 0 { try await Task.sleep(for: .milliseconds(2)) }
    task.cancel()
    await task.value
    #expect(exporter.ids == [SpanID(key: key, attempt: 1)])
  }

  // MARK: Backlog

  static let day: Int64 = 86_400 * 1_000_000_000

  /// Makes one export attempt with a clock that is the given number of days ahead of the spans.
  static func attempt(_ store: any SpanStore, day: Int64, fails: Bool, log: KeptLog) async throws -> (
    FakeExporter, ExportProgress
  ) {
    let clock = FakeClock(Self.start)
    clock.sleep(.nanoseconds(day * Self.day))
    let exporter = FakeExporter(errors: fails ? [ExportError("away", isRetryable: true)] : [])
    let runner = try Self.runner(exporter, store, clock, backlog: .seconds(7 * 86_400), log: log)
    await runner.finish(ignoringGracePeriod: false, within: .seconds(3600))
    return (exporter, runner.currentProgress)
  }

  @Test("What waits longer than the backlog for a receiver that fails is dropped, counted and told, across restarts")
  func backlog() async throws {
    let store = try Self.store(finished: 1300, at: Self.start)
    let log = KeptLog()
    for day in [0, 1, 7] as [Int64] {
      let (_, progress) = try await Self.attempt(store, day: day, fails: true, log: log)
      #expect(progress == ExportProgress(failingSince: Self.start))
    }
    let (_, progress) = try await Self.attempt(store, day: 8, fails: true, log: log)
    #expect(progress.dropped == 1300)
    #expect(progress.sequence > 0)
    #expect(try store.exportProgress()["fake"] == progress)
    #expect(log.lines.last?.contains("dropped 1300 spans that the backend has not accepted since 1970-01-01T02:46:40Z") == true)
    let (exporter, after) = try await Self.attempt(store, day: 9, fails: false, log: log)
    #expect(exporter.ids.isEmpty)
    #expect(after.dropped == 1300)
  }

  @Test("A receiver that takes spans gets them however old they are, and one that fails gets its time from the first failure on")
  func backlogOfOldSpans() async throws {
    let store = try Self.store(finished: 3, at: Self.start)
    let log = KeptLog()
    let (_, first) = try await Self.attempt(store, day: 300, fails: true, log: log)
    #expect(first.dropped == 0)
    let (_, second) = try await Self.attempt(store, day: 306, fails: true, log: log)
    #expect(second.dropped == 0)
    let (exporter, third) = try await Self.attempt(store, day: 400, fails: false, log: log)
    #expect(exporter.ids == (0..<3).map(Self.id))
    #expect(third.failingSince == nil, "what it took ends the failure")
    #expect(third.sent == 3)
  }

  @Test("Of a backlog only what is too old is dropped")
  func partOfBacklog() async throws {
    let store = try Self.store(finished: 2, at: Self.start)
    let log = KeptLog()
    _ = try await Self.attempt(store, day: 0, fails: true, log: log)
    var changes = ProjectionChanges()
    changes.outboxEntries = [
      OutboxEntry(
        key: SubjectKey(source: "s", host: "", container: "", kind: "k", id: "0"), attempt: 1,
        time: Self.start.advanced(byNanoseconds: 5 * Self.day))
    ]
    try store.write(changes)
    let (_, progress) = try await Self.attempt(store, day: 10, fails: true, log: log)
    #expect(progress.dropped == 2)
    let (exporter, _) = try await Self.attempt(store, day: 10, fails: false, log: log)
    #expect(exporter.ids == [Self.id(0)])
  }

  @Test("An exporter that is no longer set up does not hold back what is removed")
  func retention() throws {
    let clock = FakeClock(Self.start)
    let store = try Self.store(finished: 2, at: clock.now())
    try store.setExportProgress(ExportProgress(failingSince: clock.now()), for: "gone")
    clock.sleep(.nanoseconds(500 * Self.day))
    func remove(awaitedBy exporters: [String]) throws {
      try Retention(
        log: MemoryDeliveryLog(), store: store, clock: clock, logger: KeptLog().logger, logAge: .seconds(1), logBytes: 1,
        spanAge: .seconds(400 * 86_400), factAge: .seconds(1), exporters: exporters
      ).removeOld()
    }
    try remove(awaitedBy: ["fake"])
    #expect(try store.outboxEntryCount(after: 0) == 2)
    try remove(awaitedBy: [])
    #expect(try store.outboxEntryCount(after: 0) == 0)
  }
}
