import CDEvents
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Generates pipeline runs with a known course, delivers their events in any order and compares the spans.
@Suite("Laws of runs told by CDEvents")
struct CDEventsRunLawTests {
  private typealias Run = CDEventsHistory.Run

  private static func history(seed: UInt64) throws -> CDEventsHistory {
    try CDEventsHistory(
      seed: seed, changes: 4, from: Timestamp(seconds: 1_709_632_800), received: Timestamp(seconds: 1_741_168_800))
  }

  @Test("Runs are as long as they were, and the queues as well, in any order", arguments: Seeds.upTo(60))
  func generated(seed: UInt64) throws {
    let truth = try Self.history(seed: seed)
    for order in UInt64(0)...3 {
      let spans = try CDEventsStoryTests.story(truth.deliveries, seed: order == 0 ? 0 : seed &* 4 &+ order).spans.map(\.span)
      for (kind, expected) in [("pipelinerun", truth.runs), ("job", truth.tasks)] {
        let found = spans.filter { $0.key.description.contains(":\(kind):") }
        #expect(found.count == expected.count)
        for run in expected {
          let span = try #require(found.first { String($0.key.encodedID) == run.id }, "order \(order)")
          #expect(span.start == run.queued)
          #expect(span.end == run.ended)
          #expect(span.outcome == run.outcome)
          let queue = run.queued < run.started ? ["queue \(run.queued.seconds) \(run.started.seconds)"] : []
          let phases = span.phases.map { "\($0.name) \($0.start.seconds) \($0.end?.seconds ?? 0)" }
          #expect(phases == queue + ["run \(run.started.seconds) \(run.ended.seconds)"], "order \(order)")
        }
      }
      let incidents = spans.filter { $0.operation == .incident }
      #expect(
        Dictionary(uniqueKeysWithValues: incidents.map { (String($0.key.encodedID), $0.end?.seconds(since: $0.start)) })
          == truth.incidentSeconds.mapValues { $0 })
      #expect(spans.count { $0.operation == .deploy } == truth.deployCount)
    }
  }
}
