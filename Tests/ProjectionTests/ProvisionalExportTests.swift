import DeliveryCounters
import Export
import Projection
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Subjects that are exported under a name before their id is known.
@Suite("Export under provisional keys")
struct ProvisionalExportTests {
  private static let provisional = SubjectKey(
    source: "jenkins", host: "", container: SubjectKey.fallbackPart("site"), kind: "build", id: "7")
  private static let own = SubjectKey(source: "jenkins", host: "ci.example.org", container: "site", kind: "build", id: "7")

  private static func build(_ key: SubjectKey) -> Event {
    var event = Event(key: key, time: .vendor(Timestamp(seconds: 300)))
    event.operation = .build
    event.state = .ended
    event.marks = [.begin(.vendor(Timestamp(seconds: 100))), .end(.vendor(Timestamp(seconds: 300)))]
    event.outcome = .success
    event.publishes = [Reference(.jobAndNumber, "site/7")]
    return event
  }

  private static func take(_ event: Event, _ bench: ProjectorTests.Bench) throws {
    try take(.events([event]), bench)
  }

  private static func take(_ interpretation: Interpretation, _ bench: ProjectorTests.Bench) throws {
    let logged = LoggedDelivery(
      Delivery(source: "lines", received: ProjectorTests.Bench.received, headers: [:], body: Array("x ignored".utf8)))
    let position = try #require(try bench.log.append([logged]).first)
    bench.projector.recorded([
      RecordedDelivery(position: position, logged: logged, interpretation: interpretation, fingerprint: nil)
    ])
    try bench.wait()
  }

  /// Starts the projector and projects a dummy delivery.
  ///
  /// The projector may read the first delivery after the start from the log, where the source ignores it. It takes later ones
  /// with the interpretation that the test gives.
  private static func start(_ bench: ProjectorTests.Bench) throws {
    bench.start()
    try take(.ignored(reason: "the first"), bench)
  }

  @Test("What went out under a provisional key goes out under its own as well, and counts once")
  func exported() async throws {
    let store: any SpanStore = MemorySpanStore()
    let bench = try ProjectorTests.Bench(store: store)
    defer { bench.stop() }
    try Self.start(bench)
    try Self.take(Self.build(Self.provisional), bench)
    let clock = FakeClock(ExportRunnerTests.start)
    let exporter = ExportRunnerTests.FakeExporter()
    await (try ExportRunnerTests.runner(exporter, store, clock)).finish(ignoringGracePeriod: true, within: .seconds(60))
    #expect(exporter.ids == [SpanID(key: Self.provisional, attempt: 1)])

    try Self.take(Self.build(Self.own), bench)
    try Self.take(Self.build(Self.provisional), bench)
    let next = ExportRunnerTests.FakeExporter()
    await (try ExportRunnerTests.runner(next, store, clock)).finish(ignoringGracePeriod: true, within: .seconds(60))
    #expect(next.ids == [SpanID(key: Self.own, attempt: 1)])
    let traces = Set((exporter.batches.withLock { $0 } + next.batches.withLock { $0 }).flatMap { $0 }.map(\.traceID))
    #expect(traces.count == 1, "in the trace that went out")
    #expect(bench.metrics.finishedSpanCount == 1)
  }

  @Test("What waits to be exported when its own key becomes known goes out once, under that")
  func waiting() async throws {
    let store: any SpanStore = MemorySpanStore()
    let bench = try ProjectorTests.Bench(store: store)
    defer { bench.stop() }
    try Self.start(bench)
    try Self.take(Self.build(Self.provisional), bench)
    try Self.take(Self.build(Self.own), bench)
    let exporter = ExportRunnerTests.FakeExporter()
    await (try ExportRunnerTests.runner(exporter, store, FakeClock(ExportRunnerTests.start))).finish(
      ignoringGracePeriod: true, within: .seconds(60))
    #expect(exporter.ids == [SpanID(key: Self.own, attempt: 1)])
  }
}
