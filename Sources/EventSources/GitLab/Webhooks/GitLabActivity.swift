import PayloadReading
import ValueStreamCore

/// When jobs of a pipeline ran, as one payload of it tells.
///
/// A pipeline that ended runs again when somebody tries a job again or starts a manual one. Its payload says neither that it does
/// nor since when, and lists the jobs of all its runs. What it shows are pauses in which no job ran: the pipeline may have ended in each
/// of them, so each may be followed by another attempt.
struct GitLabActivity {
  /// What follows a pause.
  struct Burst: Hashable {
    /// When its first job was made or came into the queue.
    var begin: Timestamp
    /// When its first job ran; nil while it waits.
    var run: Timestamp?
  }

  /// By time; the first one follows the creation of the pipeline.
  private(set) var bursts: [Burst] = []
  /// When the first of its jobs ran.
  let firstStart: Timestamp?
  /// The newest time that the jobs tell.
  let latest: Timestamp?

  /// Of more bursts than this the last ones are kept; those before were told when they were new.
  private static let burstLimit = 16
  /// Between two jobs that follow each other GitLab needs a moment.
  private static let pauseSeconds = 1.0

  /// - Parameters:
  ///   - jobs: of the pipeline.
  ///   - created: when the pipeline was made.
  init(_ jobs: [PayloadObject], created: Timestamp?) {
    let jobs = jobs.map(Job.init)
    latest = jobs.flatMap { [$0.created, $0.started, $0.finished] }.compactMap { $0 }.max()
    firstStart = jobs.compactMap(\.started).min()
    var busyUntil = created
    for job in jobs.filter({ $0.started != nil }).sorted(by: Job.ranBefore) {
      guard let started = job.started else { continue }
      if let end = busyUntil, started.seconds(since: end) > Self.pauseSeconds {
        bursts.append(Burst(begin: job.wanted(after: end) ?? started, run: started))
      } else if bursts.isEmpty {
        bursts.append(Burst(begin: min(created ?? started, started), run: started))
      }
      busyUntil = max(busyUntil ?? started, job.finished ?? (job.isOver ? started : .distantFuture))
    }
    let waiting = jobs.filter(\.isWaiting).compactMap(\.created).filter { created in
      busyUntil.map { created.seconds(since: $0) > Self.pauseSeconds } ?? true
    }
    if let first = waiting.min() { bursts.append(Burst(begin: first, run: nil)) }
    bursts.removeFirst(max(0, bursts.count - Self.burstLimit))
  }

  private struct Job {
    let created: Timestamp?
    let started: Timestamp?
    let finished: Timestamp?
    let queued: Double?
    let state: LifecycleState

    init(_ job: PayloadObject) {
      created = job.time("created_at")
      started = job.time("started_at")
      finished = job.time("finished_at")
      queued = job.duration("queued_duration")
      state = GitLabStatus.state(job.string("status") ?? "")
      isManual = job.string("status") == "manual"
    }

    private let isManual: Bool
    var isOver: Bool { state == .ended }
    /// In the queue: not one that waits for others, or for somebody to start it.
    var isWaiting: Bool { started == nil && state == .pending && !isManual }

    /// When it was made or came into the queue, if that was after a moment.
    func wanted(after moment: Timestamp) -> Timestamp? {
      guard let started else { return created }
      let enqueued = queued.map { started.advanced(bySeconds: -$0) }
      return [created, enqueued].compactMap { $0 }.filter { $0 > moment && $0 <= started }.min()
    }

    static func ranBefore(_ left: Job, _ right: Job) -> Bool {
      (left.started ?? .epoch, left.finished ?? .distantFuture) < (right.started ?? .epoch, right.finished ?? .distantFuture)
    }
  }
}

extension Timestamp {
  /// After every time that a payload tells.
  fileprivate static let distantFuture = Timestamp(seconds: 7_258_118_400)
}
