import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import SQLiteStore

/// A second projection replaces the first.
@Suite("A span store in the place of another")
struct ReplacementTests {
  private let directory: TemporaryDirectory
  private let first: SQLiteSpanStore
  private let second: SQLiteSpanStore

  init() throws {
    directory = try TemporaryDirectory()
    first = try SQLiteSpanStore(directory: directory.file("store"))
    var options = SQLiteSpanStore.Options()
    options.fileName = "spans-replay.sqlite"
    second = try SQLiteSpanStore(directory: directory.file("store"), options: options)
  }

  private static func key(_ number: Int) -> SubjectKey { StoreSamples.issueKey(number, repository: number) }

  /// Each issue has its own repository, so a store numbers the names in the order in which it first sees them.
  private static func changes(_ numbers: [Int], announced: [Int] = []) -> ProjectionChanges {
    var changes = StoreSamples.changes(numbers.map { StoreSamples.issue($0, repository: $0, isOpen: !announced.contains($0)) })
    changes.outboxEntries = announced.map { OutboxEntry(key: key($0), attempt: 1, time: StoreSamples.time(Int64($0))) }
    return changes
  }

  private func replaced(logBeginning: Timestamp? = nil) throws -> SQLiteSpanStore {
    try first.replace(by: second, logBeginning: logBeginning)
    first.close()
    return try SQLiteSpanStore(directory: directory.file("store"))
  }

  @Test("Announcements keep their numbers, and those of nobody any more go; new ones follow")
  func outboxEntries() throws {
    try first.write(Self.changes([1, 2, 3, 4], announced: [1, 2, 3]))
    let before = try first.outboxEntries(after: 0, limit: 10)
    try first.setExportProgress(ExportProgress(sequence: before[2].sequence, sent: 3), for: "otlp", rejection: nil)
    // The second store sees the issues in another order. It lacks issue 2, and issue 4 has ended.
    try second.write(Self.changes([4, 3, 1], announced: [4, 3, 1]))
    let store = try replaced()
    defer { store.close() }
    let now = try store.outboxEntries(after: 0, limit: 10)
    #expect(now.map(\.outboxEntry.key) == [Self.key(1), Self.key(3), Self.key(4)])
    #expect(now.prefix(2).map(\.sequence) == [before[0].sequence, before[2].sequence])
    #expect(try store.outboxEntryCount(after: before[2].sequence) == 1, "what the exporter has yet to see")
    #expect(try store.exportProgress() == ["otlp": ExportProgress(sequence: before[2].sequence, sent: 3)])

    try store.write(Self.changes([9], announced: [9]))
    #expect(try store.outboxEntries(after: now[2].sequence, limit: 10).map(\.outboxEntry.key) == [Self.key(9)])
    let later = StoreSamples.time(100_000)
    #expect(try store.removeFinished(before: later, awaitedBy: [], limit: 10) == 4)
    #expect(try store.outboxEntries(after: 0, limit: 10).isEmpty, "each thing knows its own")
  }

  @Test("What was exported keeps its ids, and is found by them")
  func exportRecords() throws {
    try first.write(Self.changes([1, 2], announced: [1, 2]))
    let records = [2, 1].map { number in
      ExportRecord(
        key: Self.key(number), traceID: TraceID(high: UInt64(number), low: .max),
        attempts: [ExportedAttempt(number: 1, parentSpanID: number == 1 ? SpanID(rawValue: 7) : nil)])
    }
    try first.addExportRecords(records)
    try second.write(Self.changes([2, 1], announced: [2, 1]))
    let store = try replaced()
    defer { store.close() }
    #expect(try store.exportRecords(of: [Self.key(1), Self.key(2)]) == [Self.key(2): records[0], Self.key(1): records[1]])
    for record in records { #expect(try store.keys(ofTrace: record.traceID, limit: 10).contains(record.key)) }
    let more = ExportRecord(key: Self.key(1), traceID: TraceID(high: 5, low: 5), attempts: [])
    try store.addExportRecords([more])
    #expect(try store.exportRecords(of: [Self.key(1)])[Self.key(1)]?.traceID == records[1].traceID)
  }

  @Test("What was counted goes with the counters, whatever the second heard of first")
  func measurements() throws {
    var changes = Self.changes([1, 2, 3], announced: [1, 2, 3])
    changes.measurements = [
      Self.key(1): .counted(Array("one\n".utf8)), Self.key(2): .awaits(since: StoreSamples.time(2), counted: []),
      Self.key(3): .counted(Array("three\n".utf8)),
    ]
    try first.write(changes)
    try second.write(Self.changes([2, 1], announced: [2, 1]))
    let store = try replaced()
    defer { store.close() }
    #expect(
      try store.measurements(of: [1, 2, 3].map(Self.key)) == [
        Self.key(1): Measurement(awaitsSince: nil, counted: Array("one\n".utf8)),
        Self.key(2): Measurement(awaitsSince: StoreSamples.time(2), counted: []),
      ])
  }

  @Test("Counters, refusals and recent deliveries are those of the first; gauges and the position those of the second")
  func bookkeeping() throws {
    var changes = Self.changes([1])
    let gauge = "\(MetricRegistry.gaugePrefix)running"
    changes.values = ["counter": [1], gauge: [1]]
    changes.fingerprints = [DeliveryFingerprint(high: 1, low: 2, received: StoreSamples.time(1))]
    changes.position = LogCoverage(LogPosition(rawValue: 9))
    try first.write(changes)
    let rejection = ExportRejection(exporter: "otlp", time: StoreSamples.time(3), count: 2, reason: "too old", attempts: [])
    try first.setExportProgress(ExportProgress(sequence: 0), for: "otlp", rejection: rejection)
    changes.values = ["counter": [2], gauge: [2], "of the second": [3]]
    changes.fingerprints = [DeliveryFingerprint(high: 8, low: 9, received: StoreSamples.time(1))]
    changes.position = LogCoverage(LogPosition(rawValue: 8))
    try second.write(changes)
    let store = try replaced()
    defer { store.close() }
    #expect(try store.values() == ["counter": [1], gauge: [2]])
    #expect(try store.fingerprints(since: .epoch).map(\.high) == [1])
    #expect(try store.exportRejections(of: nil, before: nil, limit: 5).map(\.rejection) == [rejection])
    #expect(try store.position() == LogCoverage(LogPosition(rawValue: 8)))
    #expect(try directory.files().contains(SQLiteSpanStore.replacedFileName))
  }

  @Test("Moves of branches from before the log began are taken over, others are as they are understood now")
  func branchUpdates() throws {
    let branch = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main")
    func update(_ number: Int, isForced: Bool = false) -> BranchUpdate {
      BranchUpdate(
        branch: branch, kind: .moved, time: EventTime(StoreSamples.time(Int64(number)), isVendor: true), before: "c\(number - 1)",
        after: "c\(number)", commits: [], isForced: isForced, isDefaultBranch: true)
    }
    var changes = Self.changes([1])
    changes.branchUpdates = [1, 2, 3].map { update($0) }
    try first.write(changes)
    changes.branchUpdates = [update(3, isForced: true)]
    try second.write(changes)
    let store = try replaced(logBeginning: StoreSamples.time(3))
    defer { store.close() }
    #expect(try store.branchUpdates(of: branch, limit: 10, bytes: .max) == [update(1), update(2), update(3, isForced: true)])
    #expect(try store.branchUpdates(to: "c2", limit: 100, bytes: .max) == [update(2)])
  }

  @Test("Facts are those of the second; those that depend on branch updates of the first await computation")
  func facts() throws {
    let branch = SubjectKey(source: "github", host: "github.com", container: "1", kind: "branch", id: "main")
    var changes = Self.changes([1])
    changes.branchUpdates = [FactSamples.update(branch, 2), FactSamples.update(branch, 5)]
    try first.write(changes)
    try first.write(FactSamples.changes([FactSamples.facts(FactSamples.change(7, mergedOn: 1))]))
    try second.write(Self.changes([2, 1]))
    var computed = FactSamples.changes([FactSamples.facts(FactSamples.change(1, mergedOn: 2))])
    computed.completed = try second.pendingFacts(limit: 100).ticket
    computed.values = ["a": [1]]
    try second.write(computed)
    let store = try replaced(logBeginning: StoreSamples.time(100))
    defer { store.close() }
    var found: [ChangeFact] = []
    try store.visitFacts(ChangeFact.self, days: FactSamples.day(0)...FactSamples.day(9), includesOpen: true) { found.append($0) }
    #expect(found == [FactSamples.change(1, mergedOn: 2)])
    #expect(try store.factValues() == ["a": [1]])
    let pending = try store.pendingFacts(limit: 10)
    #expect(pending.branches == [branch: StoreSamples.time(2)])
    #expect(pending.subjects.isEmpty)
  }
}
