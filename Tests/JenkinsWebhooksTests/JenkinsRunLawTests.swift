import Foundation
import JenkinsWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Generates builds with a known course, delivers the payloads of Jenkins's plugins in any order and compares the spans.
@Suite("Laws of Jenkins builds")
struct JenkinsRunLawTests {
  private struct Build: Equatable {
    var queued: Timestamp
    /// When an executor took it.
    var started: Timestamp
    var ended: Timestamp
    var outcome: Outcome
  }

  /// Builds of one job, one after the other, with the payloads of the Statistics Gatherer.
  private struct Story {
    var builds: [String: Build] = [:]
    var deliveries: [Delivery] = []

    init(seed: UInt64) throws {
      var random = SeededRandom(seed: seed)
      var clock = Timestamp(seconds: 1_709_632_800)
      func pass(_ milliseconds: ClosedRange<Int>, _ random: inout SeededRandom) -> Timestamp {
        clock = clock.advanced(bySeconds: Double(Int.random(in: milliseconds, using: &random)) / 1000)
        return clock
      }
      for number in 1...Int.random(in: 1...6, using: &random) {
        let queued = pass(1...100_000, &random)
        let started = pass(1...600_000, &random)
        let ended = pass(1...3_000_000, &random)
        let (result, outcome) =
          [("SUCCESS", Outcome.success), ("FAILURE", .failure), ("ABORTED", .cancellation)].randomElement(
            using: &random) ?? ("SUCCESS", .success)
        builds["\(number)"] = Build(queued: queued, started: started, ended: ended, outcome: outcome)
        let (job, context) = (
          ["jobName": "dock", "fullJobName": "quay/dock", "number": number] as [String: Any], seed * 100 + UInt64(number)
        )
        if random.oneIn(2) {
          // The item in the queue is told apart from the build; a context ties the two.
          let item: [String: Any] = [
            "jobName": "quay » dock", "jenkinsQueueId": context + 7, "entryTime": Self.milliseconds(queued),
          ]
          try tell(item.merging(["status": "ENTERED", "duration": 0]) { $1 })
          try tell(
            item.merging([
              "status": "LEFT", "contextId": context, "exitTime": Self.milliseconds(started),
              "duration": Self.milliseconds(started) - Self.milliseconds(queued),
            ]) { $1 })
        }
        try tell(
          job.merging([
            "result": "INPROGRESS", "contextId": context, "startTime": Self.milliseconds(started),
            "queueTime": Self.milliseconds(started) - Self.milliseconds(queued),
          ]) { $1 })
        try tell(
          job.merging([
            "result": result, "endTime": Self.milliseconds(ended),
            "duration": Self.milliseconds(ended) - Self.milliseconds(started),
          ]) { $1 })
      }
    }

    private static func milliseconds(_ time: Timestamp) -> Int64 { time.nanoseconds / 1_000_000 }

    private mutating func tell(_ body: [String: Any]) throws {
      let whole = body.merging(["ciUrl": "https://ci.quay.example/"]) { $1 }
      let bytes = try JSONSerialization.data(withJSONObject: whole, options: .sortedKeys)
      deliveries.append(
        Delivery(source: "jenkins", received: Timestamp(seconds: 1_741_168_800), headers: [:], body: Array(bytes)))
    }
  }

  @Test("Builds are as long as they were, and their queues as well, in any order", arguments: Seeds.upTo(100))
  func generated(seed: UInt64) throws {
    let truth = try Story(seed: seed)
    for order in UInt64(0)...3 {
      var random = SeededRandom(seed: seed &* 4 &+ order)
      let repeated = order == 0 ? [] : truth.deliveries.filter { _ in random.oneIn(3) }
      let story = try DeliveryStory(
        truth.deliveries + repeated, of: JenkinsSource(), seed: order == 0 ? 0 : seed &* 4 &+ order)
      #expect(story.spans.count == truth.builds.count, "order \(order)")
      for span in story.spans.map(\.span) {
        let build = try #require(truth.builds[String(span.key.encodedID)], "\(span.key), order \(order)")
        #expect(span.start == build.queued)
        #expect(span.end == build.ended)
        #expect(span.outcome == build.outcome)
        let phases = span.phases.map { "\($0.name) \($0.start.nanoseconds) \($0.end?.nanoseconds ?? 0)" }
        #expect(
          phases == [
            "queue \(build.queued.nanoseconds) \(build.started.nanoseconds)",
            "run \(build.started.nanoseconds) \(build.ended.nanoseconds)",
          ], "order \(order)")
      }
    }
  }
}
