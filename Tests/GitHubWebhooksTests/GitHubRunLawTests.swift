import GitHubWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Generates workflow runs with a known course, delivers their payloads in any order and compares the spans.
@Suite("Laws of GitHub runs")
struct GitHubRunLawTests {
  /// What happened to a run or a job.
  private enum Fate: String, CaseIterable {
    case success, failure
    /// Cancelled while it ran.
    case cancelled
    /// Cancelled before it began to run.
    case cancelledInQueue

    var conclusion: String { self == .cancelledInQueue ? "cancelled" : rawValue }
    var outcome: Outcome {
      switch self {
      case .success: .success
      case .failure: .failure
      case .cancelled, .cancelledInQueue: .cancellation
      }
    }
  }

  /// An attempt of a run, or a job of one.
  private struct Course {
    /// The number of the attempt, or the id of the job.
    var number: Int
    var queued: Timestamp
    var started: Timestamp
    var ended: Timestamp
    var fate: Fate

    var description: String {
      let queue = fate == .cancelledInQueue ? [queued, ended] : [queued, started]
      let phases =
        (queue[0] < queue[1] ? ["queue \(Self.text(queue))"] : [])
        + (fate == .cancelledInQueue ? [] : ["run \(Self.text([started, ended]))"])
      return "\(number) \(Self.text([queued, ended])) \(fate.outcome): \(phases.joined(separator: ", "))"
    }

    init(_ number: Int, at clock: inout Timestamp, _ random: inout SeededRandom) {
      func pass(_ seconds: ClosedRange<Int>, _ random: inout SeededRandom) -> Timestamp {
        clock = clock.advanced(bySeconds: Double(Int.random(in: seconds, using: &random)))
        return clock
      }
      self.number = number
      queued = pass(0...20_000, &random)
      started = pass(1...600, &random)
      ended = pass(1...4000, &random)
      fate = Fate.allCases.randomElement(using: &random) ?? .success
    }

    static func text(_ times: [Timestamp]) -> String { times.map { "\($0.seconds)" }.joined(separator: "-") }
  }

  private static func describe(_ span: Span, number: Int) -> String {
    let phases = span.phases.map { "\($0.name) \(Course.text([$0.start, $0.end ?? .epoch]))" }
    let outcome = span.outcome.map { "\($0)" } ?? "open"
    return "\(number) \(Course.text([span.start, span.end ?? .epoch])) \(outcome): \(phases.joined(separator: ", "))"
  }

  private static func delivery(_ type: String, _ object: String) -> Delivery {
    let body = """
      {"repository":{"id":197483389,"full_name":"acme/site","owner":{"login":"acme"}},\(object)}
      """
    return Delivery(
      source: "github", received: Timestamp(seconds: 1_800_000_000), headers: ["X-GitHub-Event": type], body: Array(body.utf8))
  }

  private static func run(_ course: Course) -> [Delivery] {
    func payload(_ action: String, _ status: String, at updated: Timestamp, _ conclusion: String? = nil) -> Delivery {
      delivery(
        "workflow_run",
        """
        "action":"\(action)","workflow_run":{"id":7,"run_attempt":\(course.number),"status":"\(status)","event":"push",\
        "conclusion":\(conclusion.map { "\"\($0)\"" } ?? "null"),"created_at":"2024-03-04T09:00:00Z",\
        "run_started_at":"\(course.queued.rfc3339)","updated_at":"\(updated.rfc3339)"}
        """)
    }
    return [payload("requested", "queued", at: course.queued)]
      + (course.fate == .cancelledInQueue ? [] : [payload("in_progress", "in_progress", at: course.started)])
      + [payload("completed", "completed", at: course.ended, course.fate.conclusion)]
  }

  private static func job(_ course: Course) -> [Delivery] {
    func payload(_ status: String, started: Timestamp, ended: Timestamp? = nil) -> Delivery {
      delivery(
        "workflow_job",
        """
        "action":"\(status)","workflow_job":{"id":\(course.number),"run_id":7,"run_attempt":1,"status":"\(status)",\
        "conclusion":\(ended == nil ? "null" : "\"\(course.fate.conclusion)\""),"created_at":"\(course.queued.rfc3339)",\
        "started_at":"\(started.rfc3339)","completed_at":\(ended.map { "\"\($0.rfc3339)\"" } ?? "null"),"steps":[]}
        """)
    }
    let isCancelledInQueue = course.fate == .cancelledInQueue
    // GitHub gives a job that no runner took a start after its end.
    let started = isCancelledInQueue ? course.ended.advanced(bySeconds: 1) : course.started
    return [payload("queued", started: course.queued)]
      + (isCancelledInQueue ? [] : [payload("in_progress", started: started)])
      + [payload("completed", started: started, ended: course.ended)]
  }

  @Test("Attempts and jobs ran and waited as long as they did, in any order and repeated", arguments: Seeds.upTo(200))
  func generated(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var clock = Timestamp(seconds: 1_709_632_800)
    let attempts = (1...Int.random(in: 1...4, using: &random)).map { Course($0, at: &clock, &random) }
    let jobs = (0..<Int.random(in: 0...3, using: &random)).map { Course(500 + $0, at: &clock, &random) }
    let deliveries = attempts.flatMap(Self.run) + jobs.flatMap(Self.job)
    let repeated = deliveries + deliveries.filter { _ in random.oneIn(3) }
    for order in UInt64(0)...3 {
      let story = try DeliveryStory(repeated, of: GitHubSourceTests.source, seed: order == 0 ? 0 : seed &* 4 &+ order)
      let (runs, others) = (story.spans.filter { $0.span.operation != .job }, story.spans.filter { $0.span.operation == .job })
      #expect(runs.map { Self.describe($0.span, number: $0.span.attempt) } == attempts.map(\.description), "order \(order)")
      let shown = others.map { Self.describe($0.span, number: Int($0.span.key.description.suffix(3)) ?? 0) }
      #expect(shown == jobs.map(\.description), "order \(order)")
    }
  }
}
