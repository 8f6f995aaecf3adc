import DeliveryCounters
import Dispatch
import Projection
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("Projector")
struct ProjectorTests {
  /// A source that reads each line of a body as one event: `<id> start|end|unreadable`.
  struct LineSource: EventSource {
    var name: String { "lines" }
    var route: String { "/lines" }
    var keptHeaders: [String] { ["id"] }
    var acceptsUnsigned: Bool { true }

    func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {}

    func deliveryID(of delivery: Delivery) -> String? { delivery.headers["id"] }

    func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
      let words = String(decoding: delivery.body, as: UTF8.self).split(separator: " ").map(String.init)
      guard words.count == 2, words[1] != "unreadable" else { throw PayloadError(.malformed, reason: "no line") }
      if words[1] == "ignored" { return .ignored(reason: "asked to") }
      let time = EventTime.receipt(delivery.received)
      var event = Event(
        key: SubjectKey(source: name, host: "", container: "", kind: "thing", id: words[0]), time: time, attempt: .counted)
      event.operation = .build
      event.state = words[1] == "end" ? .ended : .running
      event.marks = [LifeMark(words[1] == "end" ? .end : .begin, time)]
      event.classic = ClassicMark(
        eventSource: name, type: "build", words[1] == "end" ? .end : .start, state: words[1], time: time)
      return .events([event])
    }
  }

  /// A store in memory whose reads and writes can be made to fail.
  final class FailingStore: SpanStore {
    let inner: any SpanStore & FactStore = MemorySpanStore()
    let failures = Mutex(0)
    let writes = Mutex(0)
    /// Subjects whose writes always fail, with the error.
    let unwritable = Mutex<[SubjectKey: StoreError.Code]>([:])
    /// Subjects whose reads always fail, with the error.
    let unreadable = Mutex<[SubjectKey: StoreError.Code]>([:])
    /// Called before each write.
    let onWrite = Mutex<(@Sendable (ProjectionChanges) throws -> Void)?>(nil)
    /// Called before each write of facts.
    let onFactWrite = Mutex<(@Sendable (FactChanges) throws -> Void)?>(nil)

    private func failOnce() throws(StoreError) {
      let isFailing = failures.withLock { failures in
        if failures > 0 { failures -= 1 }
        return failures > 0
      }
      if isFailing { throw StoreError(.noSpace, "no space, as the test wants it") }
    }

    func write(_ changes: ProjectionChanges) throws(StoreError) {
      try failOnce()
      writes.withLock { $0 += 1 }
      try StoreError.catching { try onWrite.withLock { $0 }?(changes) }
      let codes = unwritable.withLock { $0 }
      if let code = changes.subjects.lazy.compactMap({ codes[$0.subject.key] }).first {
        throw StoreError(code, "unwritable, as the test wants it")
      }
      try inner.write(changes)
    }
    func subjects(_ keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Subject] {
      try failOnce()
      let codes = unreadable.withLock { $0 }
      if let code = keys.lazy.compactMap({ codes[$0] }).first {
        throw StoreError(code, "unreadable, as the test wants it")
      }
      return try inner.subjects(keys)
    }
    func publishers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
      try inner.publishers(of: references)
    }
    func followers(of references: [Reference]) throws(StoreError) -> [Reference: [SubjectKey]] {
      try inner.followers(of: references)
    }
    func position() throws(StoreError) -> LogCoverage? { try inner.position() }
    func values() throws(StoreError) -> [String: [UInt8]] { try inner.values() }
    func measurements(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: Measurement] { try inner.measurements(of: keys) }
    func awaitingMeasurement(
      since latest: Timestamp, orAfter now: Timestamp, limit: Int
    ) throws(StoreError) -> [AwaitingSubject] {
      try inner.awaitingMeasurement(since: latest, orAfter: now, limit: limit)
    }
    func fingerprints(since cutoff: Timestamp) throws(StoreError) -> [DeliveryFingerprint] {
      try inner.fingerprints(since: cutoff)
    }
    func subjects(
      matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
    ) throws(StoreError) -> OrderedSubjectPage {
      try inner.subjects(matching: filter, in: order, after: cursor, limit: limit)
    }
    func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
      try inner.subjects(matching: filter, after: cursor, limit: limit)
    }
    func places(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: UInt64] { try inner.places(of: keys) }
    func kinds() throws(StoreError) -> [SubjectKind] { try inner.kinds() }
    func keys(ofTrace traceID: TraceID, limit: Int) throws(StoreError) -> [SubjectKey] {
      try inner.keys(ofTrace: traceID, limit: limit)
    }
    func outboxEntries(after sequence: UInt64, limit: Int) throws(StoreError) -> [NumberedOutboxEntry] {
      try inner.outboxEntries(after: sequence, limit: limit)
    }
    func outboxEntryCount(after sequence: UInt64) throws(StoreError) -> Int { try inner.outboxEntryCount(after: sequence) }
    func exportProgress() throws(StoreError) -> [String: ExportProgress] { try inner.exportProgress() }
    func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws(StoreError) {
      try inner.setExportProgress(progress, for: exporter, rejection: rejection)
    }

    func exportRejections(
      of exporter: String?, before sequence: UInt64?, limit: Int
    ) throws(StoreError) -> [NumberedRejection] {
      try inner.exportRejections(of: exporter, before: sequence, limit: limit)
    }
    func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
      try inner.branchUpdates(of: branch, limit: limit, bytes: bytes)
    }
    func openSubjects() throws(StoreError) -> [OpenSubjects] { try inner.openSubjects() }
    func subjects(after cursor: UInt64?, limit: Int) throws(StoreError) -> SubjectPage {
      try inner.subjects(after: cursor, limit: limit)
    }
    func branchUpdates(to commit: String, limit: Int, bytes: Int) throws(StoreError) -> [BranchUpdate] {
      try inner.branchUpdates(to: commit, limit: limit, bytes: bytes)
    }
    func exportRecords(of keys: [SubjectKey]) throws(StoreError) -> [SubjectKey: ExportRecord] {
      try inner.exportRecords(of: keys)
    }
    func addExportRecords(_ records: [ExportRecord]) throws(StoreError) { try inner.addExportRecords(records) }
    func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) throws(StoreError) -> Int {
      try inner.removeFinished(before: cutoff, awaitedBy: exporters, limit: limit)
    }
    func size() throws(StoreError) -> Int64 { try inner.size() }
    func close() {}
  }

  /// A projector with a log and a store, connected as in the daemon.
  final class Bench: Sendable {
    let log: any DeliveryLog
    let store: any SpanStore
    let registry = MetricRegistry()
    let metrics: ProjectionMetrics
    let projector: Projector
    let recent = RecentDeliveries()
    let setAside = SetAsideDeliveries()
    let damage: DamageReport
    private let done = DispatchSemaphore(value: 0)
    /// Serializes writers: a log has one writer, which passes deliveries on in order.
    private let writer = Mutex(())
    static let received = SystemClock().now()

    init(
      log: any DeliveryLog = MemoryDeliveryLog(), store: any SpanStore = MemorySpanStore(),
      damage: DamageReport = DamageReport(), configure: (inout Projector.Configuration) -> Void = { _ in }
    ) throws {
      self.damage = damage
      self.log = log
      self.store = store
      metrics = ProjectionMetrics(registry: registry, seriesLimit: 100)
      var configuration = Projector.Configuration()
      configuration.pause = .milliseconds(1)
      configuration.longestRetryPause = .milliseconds(5)
      configure(&configuration)
      let batches = try ProjectionBatches(
        store: store, logEnd: try log.coverage(), sources: [LineSource()], recent: recent, registry: registry,
        metrics: metrics, clock: SystemClock(), grace: .zero, damage: damage, setAside: setAside)
      projector = Projector(
        log: log, batches: batches, configuration: configuration, logger: Logger { _ in })
    }

    func start() {
      #expect(
        OwnThread.start {
          self.projector.run()
          self.done.signal()
        })
    }

    func stop() {
      projector.stop()
      #expect(done.wait(timeout: .now() + 60) == .success)
    }

    /// Records lines as the intake does.
    @discardableResult
    func record(_ lines: [String], id: String? = nil) throws -> [LogPosition] {
      try writer.withLock { _ in try recordAlone(lines, id: id) }
    }

    private func recordAlone(_ lines: [String], id: String?) throws -> [LogPosition] {
      let logged = lines.map { line in
        var delivery = Delivery(source: "lines", received: Self.received, headers: [:], body: Array(line.utf8))
        delivery.headers["id"] = id
        return LoggedDelivery(delivery)
      }
      let positions = try log.append(logged)
      projector.recorded(
        zip(logged, positions).map { logged, position in
          let interpretation = try? LineSource().events(in: logged.delivery)
          let fingerprint = id.map {
            DeliveryFingerprint(of: logged.delivery, id: $0)
          }
          return RecordedDelivery(
            position: position, logged: logged, interpretation: interpretation, fingerprint: fingerprint)
        })
      return positions
    }

    func wait() throws {
      let last = try #require(try log.coverage())
      #expect(projector.wait(for: last, atMost: .seconds(60)))
    }

    func spanCount() throws -> Int {
      try store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects.reduce(0) { $0 + $1.spans().count }
    }
  }

  @Test("What is recorded becomes spans, and counts once")
  func ordinary() throws {
    let bench = try Bench()
    bench.start()
    for id in 0..<50 { try bench.record(["\(id) start", "\(id) end"]) }
    try bench.record(["x ignored", "y unreadable"])
    try bench.wait()
    #expect(try bench.spanCount() == 50)
    #expect(bench.metrics.finishedSpanCount == 50)
    #expect(bench.metrics.openSpanCount == 0)
    #expect(bench.metrics.deliveryCount(.recorded) == 100)
    #expect(bench.metrics.deliveryCount(.ignored) == 1)
    #expect(bench.metrics.deliveryCount(.unreadable) == 1)
    bench.stop()
  }

  @Test("After a restart it goes on where it stopped, from the log, and counters go on too")
  func restart() throws {
    let first = try Bench()
    first.start()
    try first.record(["1 start"])
    try first.wait()
    first.stop()
    // These deliveries are in the log and acknowledged, but the process died before it projected them.
    _ = try first.log.append(
      ["1 end", "2 start"].map { line in
        LoggedDelivery(Delivery(source: "lines", received: Bench.received, headers: [:], body: Array(line.utf8)))
      })
    let second = try Bench(log: first.log, store: first.store)
    second.start()
    try second.wait()
    #expect(try second.spanCount() == 2)
    #expect(second.metrics.finishedSpanCount == 1)
    #expect(second.metrics.openSpanCount == 1)
    #expect(second.metrics.deliveryCount(.recorded) == 3)
    second.stop()
  }

  @Test("A log that was removed does not make new deliveries pass for known ones")
  func removedLog() throws {
    let first = try Bench()
    first.start()
    for id in 0..<10 { try first.record(["\(id) start"]) }
    try first.wait()
    first.stop()
    let second = try Bench(store: first.store)
    second.start()
    for id in 100..<103 { try second.record(["\(id) start"]) }
    try second.wait()
    #expect(try second.spanCount() == 13)
    second.stop()
  }

  @Test("What does not fit into the queue is read from the log")
  func overflow() throws {
    let bench = try Bench { configuration in
      configuration.queueLimit = 5
      configuration.batchLimit = 3
    }
    for id in 0..<40 { try bench.record(["\(id) start"]) }
    bench.start()
    for id in 0..<40 { try bench.record(["\(id) end"]) }
    try bench.wait()
    #expect(bench.metrics.finishedSpanCount == 40)
    #expect(bench.metrics.deliveryCount(.recorded) == 80)
    bench.stop()
  }

  @Test("A store that fails for a while loses and doubles nothing", arguments: 2...9)
  func failures(count: Int) throws {
    let store = FailingStore()
    let bench = try Bench(store: store) { $0.batchLimit = 4 }
    bench.start()
    for id in 0..<10 { try bench.record(["\(id) start"]) }
    try bench.wait()
    store.failures.withLock { $0 = count }
    for id in 0..<10 { try bench.record(["\(id) end"]) }
    try bench.wait()
    #expect(try bench.spanCount() == 10)
    #expect(bench.metrics.finishedSpanCount == 10)
    #expect(bench.metrics.openSpanCount == 0)
    #expect(bench.metrics.deliveryCount(.recorded) == 20)
    #expect(bench.registry.all.first { $0.name == "webhooks_event_end_total" }?.value(labels: ["lines", "build", "false"]) == 10)
    bench.stop()
  }

  @Test(
    "A subject that can never be written costs no other anything",
    arguments: [StoreError.Code.rejected, .corrupt, .inputOutput])
  func unwritable(code: StoreError.Code) throws {
    let store = FailingStore()
    let bench = try Bench(store: store)
    for id in 0..<40 { try bench.record(["\(id) start"]) }
    let bad = SubjectKey(source: "lines", host: "", container: "", kind: "thing", id: "17")
    store.unwritable.withLock { $0[bad] = code }
    bench.start()
    for id in 0..<40 { try bench.record(["\(id) end"]) }
    try bench.wait()
    for id in 100..<110 { try bench.record(["\(id) start", "\(id) end"]) }
    try bench.wait()
    #expect(try bench.spanCount() == 49)
    // The projector sets aside both deliveries of subject 17 and no others. The first is the 18th in the log.
    #expect(bench.setAside.count == 2)
    #expect(bench.setAside.reason(of: LogPosition(rawValue: 18))?.contains("unwritable") == true)
    #expect(bench.setAside.reason(of: LogPosition(rawValue: 58)) != nil)
    // Each delivery counts once. The end of subject 17 may be counted before the failed write shows that it cannot be stored.
    #expect((49...50).contains(bench.metrics.finishedSpanCount))
    #expect(bench.metrics.deliveryCount(.recorded) + bench.metrics.deliveryCount(.unreadable) == 100)
    bench.stop()
    // A restart keeps the deliveries set aside.
    let second = try Bench(log: bench.log, store: store.inner)
    #expect(second.setAside.count == 2)
  }

  @Test("A full disk sets nothing aside")
  func fullDisk() throws {
    let store = FailingStore()
    let bench = try Bench(store: store)
    store.failures.withLock { $0 = 30 }
    try bench.record(["1 start"])
    bench.start()
    try bench.wait()
    #expect(bench.setAside.count == 0)
    #expect(try bench.spanCount() == 1)
    #expect(bench.projector.stall == nil)
    bench.stop()
  }

  @Test("Deliveries that wait while none is projected are a stall with its reason, until one is")
  func stall() throws {
    let store = FailingStore()
    let bench = try Bench(store: store)
    #expect(bench.projector.stall == nil)
    store.failures.withLock { $0 = .max }
    let position = try #require(try bench.record(["1 start"]).last)
    bench.start()
    // The write failure appears eventually, however long that takes.
    while bench.projector.stall?.failure == nil { usleep(1000) }
    #expect(bench.projector.stall?.failure?.contains("no space") == true)
    #expect(bench.projector.stall.map { $0.seconds >= 0 } == true)
    store.failures.withLock { $0 = 0 }
    #expect(bench.projector.wait(for: LogCoverage(position), atMost: .seconds(60)))
    #expect(bench.projector.stall == nil)
    // Without waiting deliveries, the projector does not report a stall.
    try bench.record(["2 start"])
    try bench.wait()
    #expect(bench.projector.stall == nil)
    bench.stop()
  }

  @Test("Deliveries that wait long are told, also while others are projected")
  func delay() throws {
    let store = FailingStore()
    let bench = try Bench(store: store) { $0.batchLimit = 1 }
    #expect(bench.projector.delay == 0)
    // The second step waits until it is let go.
    let steps = Mutex(0)
    let (isWaiting, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    store.onWrite.withLock {
      $0 = { _ in
        guard
          steps.withLock({ steps in
            steps += 1
            return steps == 2
          })
        else { return }
        isWaiting.signal()
        goOn.wait()
      }
    }
    let recorded = ContinuousClock.now
    try bench.record((1...5).map { "\($0) start" })
    bench.start()
    isWaiting.wait()
    usleep(2000)
    #expect(bench.projector.delay >= 0.002)
    #expect(bench.projector.delay <= recorded.duration(to: .now).inSeconds)
    goOn.signal()
    try bench.wait()
    #expect(bench.projector.delay == 0)
    bench.stop()
  }

  @Test("A step takes a bounded number of events, whatever waits, and goes on behind them")
  func steps() throws {
    struct ManyEvents: EventSource {
      var name: String { "many" }
      var route: String { "/many" }
      var keptHeaders: [String] { [] }
      var acceptsUnsigned: Bool { true }
      func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {}
      func deliveryID(of delivery: Delivery) -> String? { nil }
      func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
        .events(
          (0..<900).map { number in
            let key = SubjectKey(source: name, host: "", container: "", kind: "thing", id: "\(number)")
            return Event(key: key, time: .receipt(delivery.received), attempt: .counted)
          })
      }
    }
    let registry = MetricRegistry()
    let log = MemoryDeliveryLog()
    let logged = (0..<40).map { number in
      LoggedDelivery(
        Delivery(source: "many", received: Bench.received, headers: [:], body: Array("\(number)".utf8)))
    }
    let positions = log.append(logged)
    var batches = try ProjectionBatches(
      store: MemorySpanStore(), logEnd: log.coverage(), sources: [ManyEvents()], recent: RecentDeliveries(),
      registry: registry, metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: SystemClock(), grace: nil)
    let items = zip(logged, positions).map { ProjectionBatches.Item.logged($0, $1) }
    var rest = items[...]
    var steps = 0
    while !rest.isEmpty {
      let step = try batches.step(rest)
      let taken = rest.prefix { step.position.covers($0.position) }.count
      // A step ends after 2,000 events, which the third delivery exceeds.
      #expect((1...3).contains(taken))
      rest = rest.dropFirst(taken)
      steps += 1
    }
    #expect(steps >= 14)
    #expect(batches.position == positions.coverage)
  }

  @Test("Events about a damaged subject are left out, and other events of their deliveries are not")
  func damagedSubject() throws {
    let store = FailingStore()
    let damage = DamageReport()
    let bad = SubjectKey(source: "lines", host: "", container: "", kind: "thing", id: "1")
    damage.note(StoreDamage(.subject, bad.description, reason: "as the test wants it"))
    let bench = try Bench(store: store, damage: damage)
    bench.start()
    try bench.record(["1 start", "2 start"])
    try bench.wait()
    #expect(try bench.spanCount() == 1)
    let counts = bench.registry.all.first { $0.name == "valuestream_projection_set_aside_total" }
    #expect(counts?.value(labels: ["damaged_subject"]) == 1)
    bench.stop()
  }

  @Test("A delivery that was sent again counts as a duplicate, also after a restart")
  func duplicates() throws {
    let first = try Bench()
    first.start()
    try first.record(["1 start"], id: "a")
    try first.record(["1 start"], id: "a")
    // The same id with other content is a different delivery.
    try first.record(["1 end"], id: "a")
    try first.wait()
    first.stop()
    let second = try Bench(log: first.log, store: first.store)
    second.start()
    try second.record(["1 end"], id: "a")
    try second.wait()
    #expect(second.metrics.deliveryCount(.duplicate) == 0 + 1 + 1)
    #expect(second.metrics.deliveryCount(.recorded) == 2)
    second.stop()
  }

  @Test("An end that two hooks tell is one end in the classic picture")
  func twoHooks() throws {
    let bench = try Bench()
    bench.start()
    try bench.record(["1 start"], id: "a")
    try bench.record(["1 start"], id: "b")
    try bench.record(["1 end"], id: "c")
    try bench.record(["1 end"], id: "d")
    try bench.wait()
    let ends = bench.registry.all.first { $0.name == "webhooks_event_end_total" }
    #expect(ends?.value(labels: ["lines", "build", "false"]) == 1)
    #expect(bench.registry.all.first { $0.name == "webhooks_event_start_total" }?.value(labels: ["lines", "build"]) == 1)
    #expect(bench.metrics.deliveryCount(.recorded) == 4)
    bench.stop()
  }

  @Test("An immediate projector has projected before it returns")
  func immediate() throws {
    let bench = try Bench { $0.isImmediate = true }
    try bench.record(["1 start", "1 end"])
    #expect(bench.metrics.finishedSpanCount == 1)
    bench.projector.reset {}
    #expect(bench.projector.projected == nil)
  }

  @Test("Many threads wait while deliveries come")
  func waiting() async throws {
    let bench = try Bench()
    bench.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for id in 0..<8 {
        group.addTask {
          try await OwnThread.run {
            for step in 0..<20 {
              let position = try #require(try bench.record(["\(id)-\(step) start"]).last)
              #expect(bench.projector.wait(for: LogCoverage(position), atMost: .seconds(60)))
              let key = SubjectKey(source: "lines", host: "", container: "", kind: "thing", id: "\(id)-\(step)")
              #expect(try bench.store.subjects([key]).count == 1)
            }
          }
        }
      }
      try await group.waitForAll()
    }
    bench.stop()
  }
}
