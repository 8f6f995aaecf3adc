package import APIClient
package import ValueStreamCore

/// Asks a vendor to send again what did not arrive.
///
/// The vendor's list of deliveries says what arrived, so an interrupted run is resumed by running it again.
package struct HookHealing: Sendable {
  /// What is known of the deliveries of a webhook, kept between runs so that each reads only what is new.
  package struct Memory: Sendable {
    /// The time of the newest delivery that was read.
    fileprivate var newest: Timestamp?
    fileprivate var failed: [String: Failure] = [:]

    package init() {}

    /// The number of events without a success.
    package var count: Int { failed.count }
  }

  fileprivate struct Failure: Sendable {
    /// The newest attempt.
    var delivery: HookDelivery
    /// The ids of all attempts.
    var attempts: Set<String>
    var asked: Timestamp?
  }

  /// What a run did.
  package struct Report: Sendable, Hashable {
    /// The number of deliveries read.
    package var deliveries = 0
    /// The number of events that vsd reads and that no attempt delivered.
    package var failed = 0
    /// The number of failed events that vsd does not read.
    package var unread = 0
    /// The number of events that the vendor was asked for.
    package var asked = 0
    /// The number of them that the vendor delivered at once. Not all vendors tell.
    package var delivered = 0
    /// The number of events that the vendor will not send again, and the first reason.
    package var refused = 0
    package var refusal: String?
    /// The number of events that were asked for recently and are asked for again later.
    package var waiting = 0
    /// The seconds that the vendor's clock is ahead of the one of this machine.
    package var clockDifference = 0.0

    package init() {}
  }

  private let history: any HookHistory
  private let clock: any WallClock
  private let pause: Duration?
  private let limit: Int
  private let onPage: @Sendable (_ deliveries: Int, _ oldest: Timestamp?) -> Void

  /// The most events to remember. Beyond it the oldest are left for a later run, which reads the list anew.
  static let memoryLimit = 50_000
  /// How much of the list is read again, because deliveries appear in it late.
  private static let overlapSeconds = 600.0
  private static let longestPauseSeconds = 6 * 3600.0

  /// Creates a healing.
  ///
  /// - Parameters:
  ///   - pause: the time before an event is asked for again, doubled for each attempt. Nil to ask for everything at once.
  ///   - limit: the most events to ask for in a run.
  ///   - onPage: called after each page with the number of deliveries read so far, and the time of the oldest.
  package init(
    _ history: any HookHistory, pause: Duration? = nil, limit: Int = .max, clock: any WallClock = SystemClock(),
    onPage: @escaping @Sendable (_ deliveries: Int, _ oldest: Timestamp?) -> Void = { _, _ in }
  ) {
    self.onPage = onPage
    self.history = history
    self.pause = pause
    self.limit = limit
    self.clock = clock
  }

  /// Reads the deliveries of a webhook and asks for those that failed.
  ///
  /// - Parameters:
  ///   - memory: what earlier runs learnt; changed also if an error ends the run.
  ///   - report: what was done so far; changed also if an error ends the run.
  ///   - isDry: true to ask for nothing.
  package func run(
    _ hook: Hook, memory: inout Memory, report: inout Report, isDry: Bool = false
  ) async throws(APIError) {
    let now = try await read(hook, &memory, &report)
    let due = memory.failed.filter { isDue($1, now) }
    report.failed = memory.failed.count
    report.waiting = memory.failed.count - due.count
    guard !isDry else { return }
    // The oldest first, because the vendor forgets them first.
    let order = due.sorted { $0.value.delivery.place < $1.value.delivery.place }
    for (event, failure) in order.prefix(limit) {
      do throws(APIError) {
        let answer = try await history.redeliver(failure.delivery, of: hook)
        report.asked += 1
        if answer?.isSuccess == true {
          report.delivered += 1
          memory.failed[event] = nil
        }
      } catch {
        guard error.code == .notFound || error.code == .refused else { throw error }
        report.refused += 1
        report.refusal = report.refusal ?? error.description
      }
      memory.failed[event]?.asked = now
    }
  }

  /// Reads the deliveries since the last run.
  ///
  /// - Returns: the time by the vendor's clock.
  private func read(_ hook: Hook, _ memory: inout Memory, _ report: inout Report) async throws(APIError) -> Timestamp {
    var tally = Tally(memory.failed)
    var newest = memory.newest
    var trail = CursorTrail(of: "the deliveries of webhook \(hook.id)")
    var now = clock.now()
    var cursor: String?
    var isOver = false
    repeat {
      let page = try await history.page(of: hook, after: cursor)
      if let time = page.serverTime {
        report.clockDifference = time.seconds(since: clock.now())
        now = time
      } else {
        now = clock.now()
      }
      let oldest = max(
        now.advanced(bySeconds: -history.reachSeconds), memory.newest?.advanced(bySeconds: -Self.overlapSeconds) ?? .epoch)
      for delivery in page.deliveries {
        if let time = delivery.time, time < oldest {
          isOver = true
          break
        }
        report.deliveries += 1
        newest = [newest, delivery.time].compactMap(\.self).max()
        tally.note(delivery, isRead: history.isRead(delivery))
      }
      onPage(report.deliveries, page.deliveries.last?.time)
      cursor = isOver ? nil : page.next
      try trail.follow(cursor)
    } while cursor != nil
    let end = now.advanced(bySeconds: -history.reachSeconds)
    memory.failed = tally.failed.filter { ($1.delivery.time ?? now) >= end }
    if !tally.isFull { memory.newest = newest }
    report.unread = tally.unread.count
    return now
  }

  private func isDue(_ failure: Failure, _ now: Timestamp) -> Bool {
    guard let pause, let last = [failure.delivery.time, failure.asked].compactMap(\.self).max() else { return true }
    let doublings = min(max(0, failure.attempts.count - 1), 16)
    return now.seconds(since: last) >= min(pause.inSeconds * Double(1 << doublings), Self.longestPauseSeconds)
  }

  /// The number of events in a list, newest first, that vsd reads and that no attempt delivered.
  static func failures(in deliveries: [HookDelivery], _ history: any HookHistory) -> Int {
    var tally = Tally([:])
    for delivery in deliveries { tally.note(delivery, isRead: history.isRead(delivery)) }
    return tally.failed.count
  }

  /// Groups deliveries by event, from the newest to the oldest.
  private struct Tally {
    private static let memoryLimit = HookHealing.memoryLimit

    var failed: [String: Failure]
    var unread: Set<String> = []
    private var delivered: Set<String> = []
    /// True if there are more failed events than fit.
    private(set) var isFull = false

    init(_ failed: [String: Failure]) { self.failed = failed }

    mutating func note(_ delivery: HookDelivery, isRead: Bool) {
      let event = delivery.event
      if delivery.answer.isSuccess {
        failed[event] = nil
        unread.remove(event)
        // Before a first attempt there is no other, so most events need not be kept.
        if delivery.isRepeated { delivered.insert(event) }
      } else if delivered.contains(event) {
        return
      } else if !isRead {
        if unread.count < Self.memoryLimit { unread.insert(event) }
      } else if var failure = failed[event] {
        failure.attempts.insert(delivery.id)
        if let time = delivery.time, time > failure.delivery.time ?? .epoch { failure.delivery = delivery }
        failed[event] = failure
      } else if failed.count >= Self.memoryLimit {
        isFull = true
      } else {
        failed[event] = Failure(delivery: delivery, attempts: [delivery.id])
      }
    }
  }
}

extension HookDelivery {
  /// The place among other deliveries, by time. Ids of vendors that tell no time grow.
  fileprivate var place: (Timestamp, Int64, String) { (time ?? .epoch, Int64(id) ?? 0, id) }
}
