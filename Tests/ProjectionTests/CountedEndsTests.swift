import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import DeliveryCounters

/// Compares the counters of finished operations with the spans in the store.
@Suite("Counted ends")
struct CountedEndsTests {
  typealias Bench = DeliveryMetricsTests.Bench
  typealias Step = DeliveryMetricsTests.Step

  /// The number of finished spans in the store by labels and outcome.
  private static func spans(in store: any SpanStore) throws -> [String: Double] {
    var result: [String: Double] = [:]
    for subject in try store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects {
      for span in subject.spans() where span.end != nil {
        let labels = [
          span.operation.rawValue, span.source, span.project ?? "", span.attributes.text(of: "deployment.environment.name") ?? "",
          span.outcome?.rawValue ?? "unknown",
        ]
        result[labels.joined(separator: " "), default: 0] += 1
      }
    }
    return result
  }

  /// The number of counted ends by labels and outcome, after corrections are applied.
  private static func counted(
    _ bench: Bench, _ ends: String = "valuestream_operations_finished_total",
    corrections: String = "valuestream_operations_corrected_total"
  ) -> [String: Double] {
    var result = bench.values(ends)
    for (labels, count) in bench.values(corrections) {
      let fields = labels.split(separator: " ", omittingEmptySubsequences: false)
      let subject = fields.dropLast(2)
      if fields[fields.count - 2] != "none" {
        result[(subject + [fields[fields.count - 2]]).joined(separator: " "), default: 0] -= count
      }
      if fields[fields.count - 1] != "none" {
        result[(subject + [fields[fields.count - 1]]).joined(separator: " "), default: 0] += count
      }
    }
    return result.filter { $0.value != 0 }
  }

  private static func steps(_ history: EventHistory, shuffledBy random: inout SeededRandom) -> [Step] {
    history.events.shuffled(using: &random).map { Step(events: [$0]) }
  }

  // MARK: Laws

  @Test("equal the spans after the grace period, in any order of deliveries, and nothing is corrected", arguments: Seeds.upTo(40))
  func withinGrace(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let history = EventHistory(seed: seed, subjects: 14, events: 90)
    var all: [[String: Double]] = []
    for _ in 0..<3 {
      var bench = try Bench()
      var steps = Self.steps(history, shuffledBy: &random)
      // Repeat some deliveries.
      steps += steps.filter { _ in random.oneIn(5) }
      while !steps.isEmpty {
        let batch = Array(steps.prefix(Int.random(in: 1...9, using: &random)))
        steps.removeFirst(batch.count)
        try bench.project(batch)
        if random.oneIn(4) { bench = try bench.restarted() }
      }
      #expect(bench.values("valuestream_operations_finished_total").isEmpty)
      try bench.passGracePeriod()
      #expect(bench.values("valuestream_operations_corrected_total").isEmpty)
      let spans = try Self.spans(in: bench.store)
      #expect(bench.values("valuestream_operations_finished_total") == spans)
      #expect(!spans.isEmpty)
      all.append(spans)
    }
    #expect(Set(all).count == 1)
  }

  @Test("equal the spans with their corrections, however late what changes them", arguments: Seeds.upTo(60))
  func corrections(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let history = EventHistory(seed: seed, subjects: 8, events: 90)
    var bench = try Bench(grace: seed % 3 == 0 ? .zero : .seconds(5))
    for step in Self.steps(history, shuffledBy: &random) {
      try bench.project([step])
      switch Int.random(in: 0...5, using: &random) {
      case 0: bench.clock.pass(3)
      case 1: try bench.passGracePeriod()
      case 2: bench = try bench.restarted()
      // Now and then the clock goes back.
      case 3 where random.oneIn(4): bench.clock.pass(-50)
      default: break
      }
    }
    try bench.passGracePeriod()
    #expect(try Self.counted(bench) == Self.spans(in: bench.store))
    #expect(
      bench.registry.all.first { $0.name == "valuestream_operations_finished_total" }?.series.allSatisfy { $0.labels[4] != "" }
        ?? false)
    // Nothing awaits measurement anymore, and a restart counts nothing again.
    let before = Self.counted(bench)
    bench = try bench.restarted()
    try bench.passGracePeriod()
    #expect(Self.counted(bench) == before)
    #expect(try bench.store.awaitingMeasurement(since: bench.clock.now(), orAfter: .epoch, limit: 9).isEmpty)
  }

  // MARK: Cases

  private static func status(_ outcome: Outcome, at seconds: Int64) -> Step {
    var step = DeliveryMetricsTests.deploy("1", of: "c1", from: 0, to: seconds)
    step.events[0].outcome = outcome
    return step
  }

  private static let deploy = "deploy github acme/site production"

  @Test("a deploy that failed and then succeeded within the grace period succeeded, whichever is heard of first")
  func lastWord() throws {
    for statuses in [
      [Self.status(.failure, at: 100), Self.status(.success, at: 200)],
      [Self.status(.success, at: 200), Self.status(.failure, at: 100)],
    ] {
      var bench = try Bench()
      for status in statuses { try bench.project([status]) }
      try bench.passGracePeriod()
      #expect(bench.values("valuestream_operations_finished_total") == ["\(Self.deploy) success": 1])
      #expect(bench.values("valuestream_operations_corrected_total").isEmpty)
      #expect(bench.values("valuestream_deploys_total") == ["github acme/site production  first": 1])
    }
  }

  @Test("a deploy that succeeded after it was counted as failed is corrected, and is a deploy", arguments: [0, 5])
  func correctedDeploy(grace: Int) throws {
    var bench = try Bench(grace: .seconds(grace))
    try bench.project([Self.status(.failure, at: 100)])
    if grace > 0 { try bench.passGracePeriod() }
    #expect(bench.values("valuestream_operations_finished_total") == ["\(Self.deploy) failure": 1])
    try bench.project([Self.status(.success, at: 200)])
    #expect(
      grace == 0 || bench.labels("valuestream_operations_corrected_total").contains("\(Self.deploy) failure success"),
      "it begins at 0")
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_operations_finished_total") == ["\(Self.deploy) failure": 1])
    #expect(bench.values("valuestream_operations_corrected_total") == ["\(Self.deploy) failure success": 1])
    #expect(bench.values("valuestream_deploys_total") == ["github acme/site production  first": 1])
    // And back again.
    try bench.project([Self.status(.error, at: 300)])
    try bench.passGracePeriod()
    #expect(
      bench.values("valuestream_operations_corrected_total") == [
        "\(Self.deploy) failure success": 1, "\(Self.deploy) success error": 1,
      ])
    #expect(bench.values("valuestream_deploys_corrected_total") == ["github acme/site production  first none": 1])
  }

  @Test("a change that was closed, whose opening is heard of late, and that was merged, is abandoned once and merged once")
  func reopenedLate() throws {
    var closed = DeliveryMetricsTests.change[4]
    closed.events[0].time = .vendor(DeliveryMetricsTests.time(1000))
    closed.events[0].marks = [.begin(.vendor(DeliveryMetricsTests.time(0))), .end(.vendor(DeliveryMetricsTests.time(1000)))]
    closed.events[0].outcome = .abandoned
    var reopened = DeliveryMetricsTests.change[0]
    reopened.events[0].time = .vendor(DeliveryMetricsTests.time(1100))
    reopened.events[0].marks = [.begin(.vendor(DeliveryMetricsTests.time(1100)))]
    var bench = try Bench()
    for step in [closed, DeliveryMetricsTests.change[4], reopened] {
      try bench.project([step])
      try bench.passGracePeriod()
    }
    let change = "pull_request github acme/site "
    #expect(Self.counted(bench) == ["\(change) abandoned": 1, "\(change) merged": 1])
    #expect(bench.values("valuestream_operations_corrected_total") == ["\(change) abandoned merged": 1])
    let repository = "https://github.com/acme/site site acme"
    #expect(bench.values("vcs_change_count").filter { $0.value != 0 } == ["\(repository) closed": 1, "\(repository) merged": 1])
    #expect(bench.histogram("valuestream_change_time_to_merge_seconds") == ["github acme/site": [1200, 1]])
  }

  @Test("a pipeline run that failed and succeeded after all is no error any more")
  func correctedRun() throws {
    var bench = try Bench()
    try bench.project([DeliveryMetricsTests.run("1", queued: 0, started: 10, ended: 20, outcome: .failure)])
    try bench.passGracePeriod()
    try bench.project([DeliveryMetricsTests.run("1", queued: 0, started: 10, ended: 30)])
    try bench.passGracePeriod()
    #expect(bench.values("cicd_pipeline_run_errors_total") == ["acme/site CI failure": 1])
    #expect(bench.values("cicd_pipeline_run_errors_corrected_total") == ["acme/site CI failure none": 1])
    #expect(bench.histogram("valuestream_operation_duration_seconds") == ["build github acme/site  failure": [20, 1]])
  }

  @Test("where nobody said how something ended its outcome is unknown, and corrected once it is said")
  func unknownOutcome() throws {
    var bench = try Bench()
    var end = Self.status(.success, at: 100)
    end.events[0].outcome = nil
    try bench.project([end])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_operations_finished_total") == ["\(Self.deploy) unknown": 1])
    try bench.project([Self.status(.success, at: 100)])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_operations_corrected_total") == ["\(Self.deploy) unknown success": 1])
  }

  @Test("a comment after the end makes nothing wait")
  func nothingNew() throws {
    var bench = try Bench()
    try bench.project(DeliveryMetricsTests.change)
    try bench.passGracePeriod()
    var comment = DeliveryMetricsTests.change[1]
    comment.events[0].time = .vendor(DeliveryMetricsTests.time(5000))
    comment.events[0].state = .ended
    comment.events[0].spanEvents = [SpanEvent(name: "comment", time: DeliveryMetricsTests.time(5000), attributes: [])]
    try bench.project([comment])
    #expect(try bench.store.awaitingMeasurement(since: bench.clock.now(), orAfter: bench.clock.now(), limit: 9).isEmpty)
  }

  // MARK: Stores of older versions

  @Test("what an older version counted is not counted again; what waited then is, and a later word corrects it")
  func formerStore() throws {
    var old = try Bench()
    let other = DeliveryMetricsTests.run("1", queued: 0, started: 10, ended: 20, outcome: .failure)
    try old.project(DeliveryMetricsTests.change + [Self.status(.failure, at: 100), other])
    try old.passGracePeriod()
    // Recreate the store of the older version: ends are counted without a record, and a list holds what awaits measurement.
    let store = MemorySpanStore()
    var changes = ProjectionChanges()
    changes.position = try old.store.position()
    changes.subjects = try old.store.subjects(after: nil, limit: 99).subjects.map {
      SubjectChange(subject: $0, summary: SubjectSummary($0), newAliases: [], newFollows: [])
    }
    changes.values = try old.store.values().filter { !$0.key.contains("spans_finished") && !$0.key.contains("change_time") }
    let merge = DeliveryMetricsTests.key("pull_request", "7")
    changes.values[FormerWaitingList.valueName] = Array("\(old.clock.now().nanoseconds)\t1\t\(merge)".utf8)
    store.write(changes)

    var bench = try Bench(store: store, clock: old.clock)
    #expect(bench.metrics.finishedSpanCount == 3)
    bench = try bench.restarted()
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_operations_finished_total") == old.values("valuestream_operations_finished_total"))
    #expect(bench.histogram("valuestream_change_time_to_merge_seconds") == ["github acme/site": [1200, 1]])
    try bench.project([Self.status(.success, at: 200), DeliveryMetricsTests.run("1", queued: 0, started: 10, ended: 30)])
    try bench.passGracePeriod()
    #expect(bench.values("valuestream_operations_finished_total") == old.values("valuestream_operations_finished_total"))
    #expect(try Self.counted(bench) == Self.spans(in: store))
    #expect(bench.histogram("valuestream_operation_duration_seconds") == old.histogram("valuestream_operation_duration_seconds"))
    #expect(bench.metrics.finishedSpanCount == 3)
  }

  @Test("what is stored of a count reads back, whatever the texts")
  func storedForm() throws {
    var texts = ["", "-", "=", "a\tb", "a\nb", "%09", "\r\n", "ü\u{301}", "\u{0}"]
    texts.append(String(repeating: "x", count: 1000))
    for (index, text) in texts.enumerated() {
      var subject = Subject(key: DeliveryMetricsTests.key("run", "1"))
      for event in DeliveryMetricsTests.run("1", queued: 0, started: 10, ended: 20).events { _ = subject.add(event) }
      var outline = try #require(subject.outlines().first)
      outline.number = index
      var attempt = FinishedAttempt(
        outboxEntry: OutboxEntry(key: DeliveryMetricsTests.key("run", "1"), attempt: 1, time: .epoch), outline: outline,
        labels: FinishedLabels(operation: "x y", source: "github", project: text, environment: text), pipeline: text)
      var ends = [CountedEnd(attempt)]
      ends[0].deploy = DeployStepLabels(service: text, step: text)
      attempt.repository = [text, "b", text]
      attempt.pipeline = nil
      ends.append(CountedEnd(attempt))
      ends[1].parts = .all
      attempt.repository = nil
      ends.append(CountedEnd(attempt))
      let bytes = CountedEnd.encode(ends)
      #expect(CountedEnd.decode(bytes, of: "github") == ends)
      #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 3)
      #expect(CountedEnd.decode(bytes + Array("2\tnew\n\n1\n".utf8) + bytes, of: "github") == ends + ends)
    }
  }
}

extension DeliveryMetricsTests.Bench {
  /// Simulates a restart with the same store and clock.
  fileprivate func restarted() throws -> DeliveryMetricsTests.Bench {
    try DeliveryMetricsTests.Bench(store: store, grace: grace, clock: clock)
  }
}
