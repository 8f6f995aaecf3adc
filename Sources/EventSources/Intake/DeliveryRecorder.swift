import Synchronization
package import ValueStreamCore

/// A delivery that waits to be written to the log.
package struct PendingDelivery: Sendable {
  package var logged: LoggedDelivery
  /// Nil if the body could not be parsed.
  package var interpretation: Interpretation?
  /// Identifies a repeated delivery. Nil if nothing in the delivery tells a repetition from a new occurrence.
  package var fingerprint: DeliveryFingerprint?

  package init(logged: LoggedDelivery, interpretation: Interpretation?, fingerprint: DeliveryFingerprint?) {
    self.logged = logged
    self.interpretation = interpretation
    self.fingerprint = fingerprint
  }
}

/// The outcome of recording a ``PendingDelivery``.
package enum RecordingOutcome: Sendable, Hashable {
  /// The delivery is on disk.
  case recorded
  /// The same delivery was on disk already.
  case duplicate
  /// The delivery is not kept. The sender must send it again.
  case unavailable
}

/// Writes deliveries to the log in groups.
///
/// Takes everything that waits, makes it durable in one commit, passes it to the sink, then reports outcomes to the
/// senders.
package final class DeliveryRecorder: Sendable {
  package struct Limits: Sendable, Hashable {
    /// The number of deliveries that may wait.
    package var deliveries = 16_384
    /// The bytes of bodies that may wait. One delivery is always accepted, however large.
    package var bytes = 128 << 20

    package init() {}
  }

  /// Called once on the writer's thread, with one outcome for each accepted delivery, in order of submission.
  package typealias Completion = @Sendable ([RecordingOutcome]) -> Void

  private struct Batch {
    var deliveries: [PendingDelivery]
    var completion: Completion
  }

  private struct Queue {
    var batches: [Batch] = []
    var deliveries = 0
    var bytes = 0
    var isFinishing = false
  }

  private let log: any DeliveryLog
  private let sink: any DeliverySink
  private let limits: Limits
  private let observer: any IntakeObserver
  private let queue = Mutex(Queue())
  private let recent: RecentDeliveries
  private let work: Signal

  package init(
    log: any DeliveryLog, sink: any DeliverySink, recent: RecentDeliveries, limits: Limits = Limits(),
    observer: any IntakeObserver = NoObserver()
  ) throws(IntakeError) {
    self.log = log
    self.sink = sink
    self.limits = limits
    self.observer = observer
    self.recent = recent
    work = try Signal()
  }

  /// The number of deliveries that wait or are being written.
  package var waitingCount: Int { queue.withLock(\.deliveries) }

  /// The bytes of bodies that wait or are being written.
  package var waitingBytes: Int { queue.withLock(\.bytes) }

  // MARK: Accepting deliveries

  /// Queues deliveries to be written.
  ///
  /// - Returns: the number of accepted deliveries, counted from the first. The rest found the queue full: the caller
  ///   answers those itself, and `completion` has no outcome for them.
  package func submit(_ deliveries: [PendingDelivery], completion: @escaping Completion) -> Int {
    let (taken, isIdle) = queue.withLock { queue -> (Int, Bool) in
      if queue.isFinishing { return (0, false) }
      var taken = 0
      for delivery in deliveries {
        let size = delivery.logged.delivery.body.count
        guard queue.deliveries < limits.deliveries, queue.deliveries == 0 || queue.bytes + size <= limits.bytes else { break }
        queue.deliveries += 1
        queue.bytes += size
        taken += 1
      }
      if taken == 0 { return (0, false) }
      let isIdle = queue.batches.isEmpty
      let accepted = taken == deliveries.count ? deliveries : Array(deliveries.prefix(taken))
      queue.batches.append(Batch(deliveries: accepted, completion: completion))
      return (taken, isIdle)
    }
    if isIdle { work.notify() }
    return taken
  }

  /// Stops accepting deliveries. ``run()`` returns once all waiting deliveries are written.
  package func finish() {
    queue.withLock { $0.isFinishing = true }
    work.notify()
  }

  // MARK: Writing

  /// Writes until ``finish()`` is called, on a thread of its own. Cancelling the task also finishes.
  package func run() async throws {
    try await withTaskCancellationHandler {
      try await OwnThread.run("vs-log") { self.serve() }
    } onCancel: {
      finish()
    }
  }

  /// Does the work of ``run()`` on the calling thread, and blocks it.
  func serve() {
    while true {
      let (batches, isFinishing) = queue.withLock { queue in
        defer { queue.batches = [] }
        return (queue.batches, queue.isFinishing)
      }
      if !batches.isEmpty {
        record(batches)
      } else if isFinishing {
        return
      } else {
        work.wait()
      }
    }
  }

  private func record(_ batches: [Batch]) {
    let deliveries = batches.count == 1 ? batches[0].deliveries : batches.flatMap(\.deliveries)
    let outcomes = record(deliveries)
    queue.withLock { queue in
      queue.deliveries -= deliveries.count
      queue.bytes -= deliveries.reduce(0) { $0 + $1.logged.delivery.body.count }
    }
    var rest = outcomes[...]
    for batch in batches {
      batch.completion(Array(rest.prefix(batch.deliveries.count)))
      rest = rest.dropFirst(batch.deliveries.count)
    }
  }

  private func record(_ deliveries: [PendingDelivery]) -> [RecordingOutcome] {
    let (fresh, repeated) = sortOut(deliveries)
    var outcomes = [RecordingOutcome](repeating: .duplicate, count: deliveries.count)
    if fresh.isEmpty { return outcomes }
    let start = ContinuousClock.now
    do {
      let positions = try log.append(fresh.map { deliveries[$0].logged })
      for (index, position) in zip(fresh, positions) {
        if let fingerprint = deliveries[index].fingerprint { recent.insert(fingerprint, at: position) }
      }
      sink.recorded(
        zip(fresh, positions).map { index, position in
          RecordedDelivery(
            position: position, logged: deliveries[index].logged, interpretation: deliveries[index].interpretation,
            fingerprint: deliveries[index].fingerprint)
        })
      for index in fresh { outcomes[index] = .recorded }
      observer.committed(deliveries: fresh.count, seconds: start.duration(to: .now).inSeconds)
    } catch {
      // The commit kept nothing. Repetitions within this batch are therefore not on disk either.
      for index in fresh + repeated { outcomes[index] = .unavailable }
      observer.commitFailed(error, deliveries: fresh.count)
    }
    return outcomes
  }

  /// Returns the indices of deliveries to write, and of those that repeat one of them. All others are on disk already.
  private func sortOut(_ deliveries: [PendingDelivery]) -> (fresh: [Int], repeated: [Int]) {
    var fresh: [Int] = []
    var repeated: [Int] = []
    var batch: Set<DeliveryFingerprint> = []
    fresh.reserveCapacity(deliveries.count)
    for (index, delivery) in deliveries.enumerated() {
      guard let fingerprint = delivery.fingerprint else {
        fresh.append(index)
        continue
      }
      if recent.contains(fingerprint) { continue }
      if batch.insert(fingerprint).inserted { fresh.append(index) } else { repeated.append(index) }
    }
    return (fresh, repeated)
  }
}
