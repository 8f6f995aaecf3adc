import GitLabWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Generates pipelines with a known course, delivers their GitLab payloads in any order and compares the spans.
@Suite("Laws of GitLab runs")
struct GitLabRunLawTests {
  private typealias History = GitLabHistory

  private struct Run: Equatable {
    var start: Timestamp
    /// The time at which the first job left the queue.
    var firstRun: Timestamp
    var end: Timestamp
  }

  private struct Job {
    var id: Int
    var created: Timestamp
    var started: Timestamp?
    var finished: Timestamp?
    var queued: Double
    var isManual: Bool
    var hasFailed = false

    /// The job as a payload shows it at a given time. `isQueueTold` adds the queued duration.
    func shown(at instant: Timestamp, isQueueTold: Bool) -> GitLabHistory.Object {
      let isStarted = started.map { $0 <= instant } ?? false
      let isFinished = finished.map { $0 <= instant } ?? false
      let waits = started.map { $0.advanced(bySeconds: -queued) <= instant } ?? false
      let status =
        isFinished
        ? hasFailed ? "failed" : "success" : isStarted ? "running" : waits ? "pending" : isManual ? "manual" : "created"
      return History.job(
        id, status, created: History.time(created), started: History.time(isStarted ? started : nil),
        finished: History.time(isFinished ? finished : nil), queued: isQueueTold && isStarted ? queued as Any : "",
        change: ["manual": isManual, "when": isManual ? "manual" : "on_success"])
    }
  }

  /// One pipeline with its expected runs and the payloads that GitLab would send.
  private struct Story {
    var runs: [Run] = []
    var deliveries: [Delivery] = []

    init(seed: UInt64) throws {
      var random = SeededRandom(seed: seed)
      let isQueueTold = random.oneIn(2)
      let created = Timestamp(seconds: 1_709_632_800)
      var clock = created
      func pass(_ seconds: ClosedRange<Int>, _ random: inout SeededRandom) -> Timestamp {
        clock = clock.advanced(bySeconds: Double(Int.random(in: seconds, using: &random)))
        return clock
      }
      var finishedBefore: Timestamp?
      var jobs: [Job] = []
      let (stages, retries) = (Int.random(in: 1...4, using: &random), Int.random(in: 0...3, using: &random))
      // For a manual job, only the queued duration tells when it entered the queue.
      let manual = isQueueTold && random.oneIn(2) ? Job(id: 90, created: created, queued: 0, isManual: true) : nil
      for number in 0...retries {
        let isManual = number == retries && number > 0 && manual != nil
        let start = number == 0 ? created : pass(60...20_000, &random)
        var own: [Job] = []
        let last = number == 0 ? stages : 1
        for stage in 0..<last {
          let wanted = stage == 0 ? start : pass(0...5, &random)
          let started = pass(1...90, &random)
          own.append(
            Job(
              id: isManual ? 90 : number * 10 + stage, created: number == 0 || isManual ? created : start, started: started,
              finished: pass(1...600, &random), queued: started.seconds(since: wanted), isManual: isManual,
              hasFailed: stage == last - 1 && number < retries && !isManual))
        }
        // The retried job is replaced by the new one.
        let replaced = number > 0 && !isManual ? jobs.last { !$0.isManual }?.id : nil
        jobs.removeAll { $0.id == replaced }
        jobs.removeAll { $0.isManual }
        jobs += own
        if let manual, !isManual { jobs.append(manual) }
        let end = pass(0...2, &random)
        let firstRun = own[0].started ?? start
        runs.append(Run(start: start, firstRun: firstRun, end: end))
        let shown = jobs
        func payload(_ status: String, at instant: Timestamp, finished: Timestamp?) throws -> Delivery {
          try History.pipeline(
            status, created: History.time(created), finished: History.time(finished),
            shown.map { $0.shown(at: instant, isQueueTold: isQueueTold) })
        }
        deliveries.append(try payload("pending", at: start, finished: finishedBefore))
        for job in own {
          guard let started = job.started else { continue }
          deliveries.append(try payload("running", at: started, finished: finishedBefore))
        }
        deliveries.append(try payload(number < retries && !isManual ? "failed" : "success", at: end, finished: end))
        finishedBefore = end
      }
    }
  }

  private static func runs(_ spans: [Span]) -> [Run] {
    spans.map { span in
      let run = span.phases.first { $0.name == "run" }
      return Run(start: span.start, firstRun: run?.start ?? .epoch, end: span.end ?? .epoch)
    }
  }

  @Test("Runs are as long as they were, and the queues as well, in any order", arguments: Seeds.upTo(300))
  func generated(seed: UInt64) throws {
    let truth = try Story(seed: seed)
    for order in UInt64(0)...3 {
      let spans = try History.story(truth.deliveries, seed: order == 0 ? 0 : seed &* 4 &+ order).spans.map(\.span)
      #expect(Self.runs(spans) == truth.runs, "order \(order)")
      for (span, run) in zip(spans, truth.runs) {
        let phases = span.phases.map { "\($0.name) \($0.start.seconds) \($0.end?.seconds ?? 0)" }
        let queue = run.start < run.firstRun ? ["queue \(run.start.seconds) \(run.firstRun.seconds)"] : []
        #expect(phases == queue + ["run \(run.firstRun.seconds) \(run.end.seconds)"])
      }
    }
  }
}
