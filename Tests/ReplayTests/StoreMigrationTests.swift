import DeliveryCounters
import DeliveryFacts
import Projection
import Replay
import SQLiteStore
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Copying a store into another kind of store")
struct StoreMigrationTests {
  /// A log that fails from time to time.
  private final class UnreliableLog: DeliveryLog {
    let inner: any DeliveryLog
    /// The number of calls until the next failure; nil for none.
    let callsUntilFailure = Mutex<Int?>(nil)

    init(_ inner: any DeliveryLog) { self.inner = inner }

    private func failNow() throws(StoreError) {
      let fails = callsUntilFailure.withLock { calls in
        guard let left = calls else { return false }
        calls = left > 0 ? left - 1 : nil
        return left == 0
      }
      if fails { throw StoreError(.inputOutput, "as the test wants it") }
    }

    func append(_ deliveries: [LoggedDelivery]) throws(StoreError) -> [LogPosition] {
      try failNow()
      return try inner.append(deliveries)
    }
    func isComplete() throws(StoreError) -> Bool { try inner.isComplete() }
    func read(
      after coverage: LogCoverage?, limit: Int, byteLimit: Int
    ) throws(StoreError) -> [LogEntry] {
      try failNow()
      // Short pages, so that there are many.
      return try inner.read(after: coverage, limit: min(limit, 3), byteLimit: byteLimit)
    }
    func readBackwards(
      before position: LogPosition?, limit: Int, byteLimit: Int
    ) throws(StoreError) -> [LogEntry] {
      try inner.readBackwards(before: position, limit: limit, byteLimit: byteLimit)
    }
    func delivery(at position: LogPosition) throws(StoreError) -> LoggedDelivery? { try inner.delivery(at: position) }
    func coverage() throws(StoreError) -> LogCoverage? {
      try failNow()
      return try inner.coverage()
    }
    func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) throws(StoreError) {}
    func size() throws(StoreError) -> Int64 { try inner.size() }
    func close() { inner.close() }
  }

  private typealias Store = StoreMigration.Store
  private let clock = SystemClock()

  /// Returns a store with 40 builds, of which most have a parent and half have ended, and a row of everything else that a store keeps.
  private func filled(_ log: any DeliveryLog, _ store: any Store) throws {
    let source = ReplayTests.Source(parents: Dictionary(uniqueKeysWithValues: (1..<40).map { ("\($0)", "\($0 / 3)") }))
    let deliveries = (0..<60).map { number in
      let line = number < 40 ? "\(number) start" : "\(number - 40) end"
      return LoggedDelivery(
        Delivery(
          source: "lines", received: clock.now().advanced(bySeconds: Double(number - 100_000)), headers: [:],
          body: Array(line.utf8)))
    }
    let positions = try log.append(deliveries)
    let registry = MetricRegistry()
    var batches = try ProjectionBatches(
      store: store, logEnd: nil, sources: [source], recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: clock, grace: .zero)
    batches.measuringDuration = .seconds(3600)
    _ = try batches.project(zip(positions, deliveries).map { batches.reread($1, at: $0) })
    var changes = ProjectionChanges()
    let branch = SubjectKey(source: "lines", host: "", container: "", kind: "branch", id: "main")
    changes.branchUpdates = [
      BranchUpdate(
        branch: branch, kind: .moved, time: .vendor(clock.now()), before: "a", after: "b", commits: [], isForced: false,
        isDefaultBranch: true)
    ]
    changes.fingerprints = deliveries.map { DeliveryFingerprint(of: $0.delivery, id: "x") }
    changes.exclusions = [
      ExclusionDecision(
        ExclusionChange(.exclude, ExcludedItem(ReplayTests.key("3")), reason: "a drill", actor: "rosa"), at: clock.now())
    ]
    changes.values[SetAsideDeliveries.valueName] = Array("\(positions[7].rawValue)\tit has crashed vsd".utf8)
    try store.write(changes)
    let rejection = ExportRejection(exporter: "otlp", time: clock.now(), count: 1, reason: "no", attempts: [])
    try store.setExportProgress(ExportProgress(sequence: 5, sent: 4, refused: 1), for: "otlp", rejection: rejection)
    try store.addExportRecords([
      ExportRecord(
        key: ReplayTests.key("1"), traceID: TraceID(root: ReplayTests.key("0")),
        attempts: [ExportedAttempt(number: 1, parentSpanID: nil)])
    ])
    try replay(of: log, store).computeFacts(strategy: .nested, rules: FactRules())
  }

  private func replay(of log: any DeliveryLog, _ store: any Store) throws -> Replay {
    try Replay(
      of: log, first: MemorySpanStore(), second: store, sources: [], seriesLimit: 100, spanRetention: .seconds(1), exporters: [],
      clock: clock)
  }

  /// What a store holds, in a form that does not depend on its numbers.
  private func contents(_ log: any DeliveryLog, _ store: any Store) throws -> [String] {
    var lines: [String] = []
    var deliveries: [LogPosition: LoggedDelivery] = [:]
    for entry in try log.read(after: nil, limit: .max, byteLimit: .max) {
      deliveries[entry.position] = entry.logged
      lines.append("\(entry.logged)")
    }
    #expect(try store.position() == log.coverage())
    let subjects = try store.subjects(after: nil, limit: .max).subjects
    for subject in subjects {
      lines.append("\(subject.key) \(subject.encoded()) \(subject.spans())")
      for alias in subject.aliases { lines.append("\(alias) \(try store.publishers(of: [alias]))") }
      for reference in subject.followedReferences { lines.append("\(reference) \(try store.followers(of: [reference]))") }
    }
    let keys = subjects.map(\.key)
    lines.append("\(try store.measurements(of: keys).sorted { $0.key < $1.key })")
    lines.append("\(try store.exportRecords(of: keys).sorted { $0.key < $1.key })")
    let progress = try store.exportProgress()["otlp"] ?? ExportProgress()
    lines.append("\(progress.sent) \(progress.refused) \(progress.dropped)")
    for entry in try store.outboxEntries(after: progress.sequence, limit: .max) { lines.append("\(entry.outboxEntry)") }
    lines.append("\(try store.outboxEntryCount(after: 0))")
    for rejection in try store.exportRejections(of: nil, before: nil, limit: .max) { lines.append("\(rejection.rejection)") }
    for branch in try store.branches() { lines.append("\(try store.branchUpdates(of: branch, limit: .max, bytes: .max))") }
    lines.append("\(Set(try store.fingerprints(since: .epoch)).count)")
    lines.append("\(try store.exclusions().map { "\($0.item) \($0.reason) \($0.actor) \($0.time)" })")
    lines.append("\(try store.excludedFacts().values.sorted())")
    var values = try store.values().filter { !$0.value.isEmpty }
    let setAside = SetAsideDeliveries(encoded: values.removeValue(forKey: SetAsideDeliveries.valueName) ?? [])
    lines += deliveries.keys.sorted().compactMap { position in
      setAside.reason(of: position).map { "\(deliveries[position].map { "\($0)" } ?? "none") \($0)" }
    }
    lines += values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    var runs: [String] = []
    try store.visitFacts(RunFact.self, days: FactDay(rawValue: .min)...FactDay(rawValue: .max), includesOpen: true) { fact in
      runs.append("\(fact.outcome)")
    }
    lines += runs.sorted()
    #expect(try store.factProgress().waitingBatches == 0)
    return lines
  }

  private func migrate(_ from: StoreMigration.Place, _ to: StoreMigration.Place) throws -> (deliveries: Int, subjects: Int) {
    var migration = StoreMigration(from: from, to: to)
    return try migration.run(
      sources: [ReplayTests.Source()], seriesLimit: 100, strategy: .nested, rules: FactRules(), clock: clock)
  }

  @Test("Everything arrives, however often the copying is interrupted")
  func interruptions() throws {
    let (log, store) = (UnreliableLog(MemoryDeliveryLog()), MemorySpanStore())
    try filled(log, store)
    let expected = try contents(log.inner, store)
    let place = StoreMigration.Place(log: log, store: store)
    let (copy, copiedStore) = (UnreliableLog(MemoryDeliveryLog()), MemorySpanStore())
    var failures = 0
    while true {
      // Later each time, so that everything fails once.
      copy.callsUntilFailure.withLock { $0 = failures }
      log.callsUntilFailure.withLock { $0 = failures }
      do {
        #expect(try migrate(place, StoreMigration.Place(log: copy, store: copiedStore)).deliveries == 60)
        break
      } catch let error as StoreError where error.code == .inputOutput {
        failures += 1
        if failures > 1 { #expect(try StoreMigration.isUnfinished(copiedStore)) }
      }
    }
    #expect(failures > 40)
    for log in [log, copy] { log.callsUntilFailure.withLock { $0 = nil } }
    let found = try contents(copy.inner, copiedStore)
    #expect(found.count == expected.count)
    for (line, other) in zip(expected, found) { #expect(line == other) }
    #expect(try !StoreMigration.isUnfinished(copiedStore))
    // The copy can be copied in turn.
    let third = StoreMigration.Place(log: MemoryDeliveryLog(), store: MemorySpanStore())
    _ = try migrate(StoreMigration.Place(log: copy.inner, store: copiedStore), third)
    #expect(try contents(third.log, third.store) == expected)
  }

  @Test("What is not projected, a store that is not empty, and other deliveries are refused")
  func refusals() throws {
    let (log, store) = (MemoryDeliveryLog(), MemorySpanStore())
    try filled(log, store)
    let place = StoreMigration.Place(log: log, store: store)
    let (otherLog, otherStore) = (MemoryDeliveryLog(), MemorySpanStore())
    try filled(otherLog, otherStore)
    #expect(throws: StoreError.self) { try migrate(place, StoreMigration.Place(log: otherLog, store: otherStore)) }
    let fresh = LoggedDelivery(Delivery(source: "lines", received: clock.now(), headers: [:], body: Array("new start".utf8)))
    _ = log.append([fresh])
    #expect(throws: StoreError.self) {
      try migrate(place, StoreMigration.Place(log: MemoryDeliveryLog(), store: MemorySpanStore()))
    }
  }
}
