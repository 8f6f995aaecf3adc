import PayloadReading
import ValueStreamCore

/// Computes from one payload of a pipeline when its jobs ran.
///
/// A pipeline that ended runs again when somebody retries a job or starts a manual one. Its payload does not say so,
/// nor since when, and lists the jobs of all runs. It does show pauses in which no job ran. The pipeline may have
/// ended in each pause, so each pause may be followed by another attempt.
struct GitLabActivity {
  /// A group of jobs that follows a pause.
  struct Burst: Hashable {
    /// When the first job of the burst was created or queued.
    var begin: Timestamp
    /// When the first job of the burst started. Nil while it waits.
    var run: Timestamp?
  }

  /// The bursts in order of time. The first one follows the creation of the pipeline.
  private(set) var bursts: [Burst] = []
  /// When the first job of the pipeline started.
  let firstStart: Timestamp?
  /// The latest time of any job in the payload.
  let latest: Timestamp?

  /// The most bursts to keep, the latest ones. Earlier payloads have already reported the older ones.
  private static let burstLimit = 16
  /// Gaps up to this many seconds are no pause: GitLab takes a while to start the next job.
  private static let pauseSeconds = 1.0

  /// Finds the bursts of a pipeline.
  ///
  /// - Parameters:
  ///   - jobs: the jobs of the pipeline.
  ///   - created: when the pipeline was created.
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
    /// True if the job is queued. False if it waits for other jobs, or for somebody to start it.
    var isWaiting: Bool { started == nil && state == .pending && !isManual }

    /// When the job was created or queued, whichever is first after `spanEvent`. Nil if neither lies between `spanEvent`
    /// and its start.
    func wanted(after spanEvent: Timestamp) -> Timestamp? {
      guard let started else { return created }
      let enqueued = queued.map { started.advanced(bySeconds: -$0) }
      return [created, enqueued].compactMap { $0 }.filter { $0 > spanEvent && $0 <= started }.min()
    }

    static func ranBefore(_ left: Job, _ right: Job) -> Bool {
      (left.started ?? .epoch, left.finished ?? .distantFuture) < (right.started ?? .epoch, right.finished ?? .distantFuture)
    }
  }
}

extension Timestamp {
  /// 2200-01-01, which is later than every time in a payload.
  fileprivate static let distantFuture = Timestamp(seconds: 7_258_118_400)
}
