import Synchronization
package import ValueStreamCore

/// Brings finished spans to one exporter, at the exporter's own pace: from where it stopped, in order, each span until it
/// arrived, was refused for good, or waited too long.
///
/// Of a batch that is refused as a whole only the spans that deserve it are given up: it is halved until the culprit stands
/// alone, and grows again behind it.
package final class ExportRunner: Sendable {
  private struct State {
    var progress: ExportProgress
    /// How many spans the next batch holds at most.
    var width = ExportRunner.batchLimit
    /// Attempts in a row that brought nothing.
    var failures = 0
    /// The receiver took a span since one was last given up, so a refusal concerns what is refused.
    var isProven = false
    /// Of the dropped spans, how many a line of the log has told of.
    var droppedToldOf: Int64
    var isSending = false
    var isStopped = false
  }

  private let exporter: any SpanExporter
  private let store: any SpanStore
  private let ledger: ExportLedger
  private let settle: Duration
  private let backlog: Duration
  private let clock: any WallClock
  private let logger: Logger
  private let poisonGuard: PoisonGuard
  private let owner: PoisonGuard.Owner
  private let state: Mutex<State>
  private let wakeUps: AsyncStream<Void>
  private let wakeUp: AsyncStream<Void>.Continuation
  private let stops: AsyncStream<Void>
  private let stopped: AsyncStream<Void>.Continuation
  /// A receiver that is away for a day must not fill the log, nor one that comes and goes.
  private let failureLines: LogThrottle
  private let recoveryLines: LogThrottle
  private let warningLines: LogThrottle
  private let dropLines: LogThrottle
  private static let batchLimit = 512
  private static let probeWidth = 16
  private static let longestPause = 60.0
  private static let longestRetryAfter = 300.0
  /// How long a request that is under way at a stop may take.
  private static let grace = Duration.seconds(2)

  /// - Parameters:
  ///   - ledger: one for all exporters of the store.
  ///   - settle: how long after its end a span waits, for what may still be told of it.
  ///   - backlog: how long a span waits while its receiver takes nothing.
  ///   - poisonGuard: marks each batch; a span that crashes the process again and again is set aside as a refusal.
  ///   - index: which of the exporters of the guard this is.
  /// - Throws: ``StoreError`` when the store cannot be read.
  package init(
    exporter: any SpanExporter, store: any SpanStore, ledger: ExportLedger, settle: Duration,
    backlog: Duration = .seconds(7 * 86_400),
    clock: any WallClock, logger: Logger, poisonGuard: PoisonGuard = PoisonGuard(), index: Int = 0
  ) throws {
    self.poisonGuard = poisonGuard
    owner = PoisonGuard.export(index)
    self.exporter = exporter
    self.store = store
    self.ledger = ledger
    self.settle = settle
    self.backlog = backlog
    self.clock = clock
    self.logger = logger
    let progress = try store.exportProgress()[exporter.name] ?? ExportProgress()
    state = Mutex(State(progress: progress, droppedToldOf: progress.dropped))
    (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    (stops, stopped) = AsyncStream.makeStream()
    failureLines = LogThrottle(interval: .seconds(60), clock: clock)
    recoveryLines = LogThrottle(interval: .seconds(60), clock: clock)
    warningLines = LogThrottle(interval: .seconds(60), clock: clock)
    dropLines = LogThrottle(interval: .seconds(3600), clock: clock)
  }

  package var exporterName: String { exporter.name }

  /// How far it has come.
  package var currentProgress: ExportProgress { state.withLock(\.progress) }

  /// There are new finished spans.
  package func wake() {
    wakeUp.yield()
  }

  /// Works until ``stop()``, or until its task is cancelled. Call ``finish(includingUnsettled:)`` afterwards.
  package func run() async {
    await withTaskGroup { group in
      group.addTask { await self.work() }
      group.addTask { await self.waitForStop() }
      await group.next()
      group.cancelAll()
    }
  }

  /// Ends ``run()``. A request that is under way may still get its answer, for two seconds: without it nobody knows whether
  /// its spans arrived, and they are sent again.
  package func stop() {
    state.withLock { $0.isStopped = true }
    stopped.finish()
  }

  private func work() async {
    var wakeUps = wakeUps.makeAsyncIterator()
    while !Task.isCancelled {
      let isStopped = state.withLock { state in
        state.isSending = !state.isStopped
        return state.isStopped
      }
      if isStopped { return }
      let step = await exportNext(ignoringSettle: false)
      state.withLock { $0.isSending = false }
      switch step {
      case .goOn: continue
      case .nothing: if await wakeUps.next() == nil { return }
      case .unsettled(let rest): try? await Task.sleep(for: rest)
      case .failed(let retryAfter):
        let failures = state.withLock(\.failures)
        try? await Task.sleep(for: Self.pause(after: failures, retryAfterSeconds: retryAfter))
      }
    }
  }

  private func waitForStop() async {
    for await _ in stops {}
    let deadline = ContinuousClock.now + Self.grace
    while !Task.isCancelled, ContinuousClock.now < deadline, state.withLock(\.isSending) {
      try? await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Longer from failure to failure, up to a minute; no two daemons come back at the same moment.
  ///
  /// - Parameter retryAfterSeconds: what the receiver asked for. Nothing to wait for (0, or a date that its clock or ours has
  ///   left behind) is not an invitation to ask without pause.
  package static func pause(after failures: Int, retryAfterSeconds: Double?) -> Duration {
    if let retryAfterSeconds, retryAfterSeconds > 0 {
      return .seconds(min(retryAfterSeconds, longestRetryAfter) * Double.random(in: 1...1.1))
    }
    return .seconds(min(longestPause, 0.25 * Double(1 << min(failures, 8))) * Double.random(in: 0.5...1))
  }

  /// Exports what waits, once, and shuts the exporter down.
  ///
  /// - Parameters:
  ///   - includingUnsettled: also what might still change; for stores that end with the process.
  ///   - limit: how long this may take, whatever the receiver does. What a durable store then still holds goes out after the
  ///     next start.
  package func finish(includingUnsettled: Bool, within limit: Duration = .seconds(3)) async {
    await withTaskGroup { group in
      group.addTask { await self.drain(includingUnsettled: includingUnsettled) }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
    await exporter.shutdown()
  }

  private func drain(includingUnsettled: Bool) async {
    while !Task.isCancelled, case .goOn = await exportNext(ignoringSettle: includingUnsettled) {}
    do {
      try await exporter.flush()
    } catch {
      logger.warn("exporter \(exporter.name): \(error)")
    }
  }

  private enum Step {
    case goOn, nothing
    /// The oldest has to wait this long.
    case unsettled(Duration)
    case failed(retryAfterSeconds: Double?)
  }

  private func exportNext(ignoringSettle: Bool) async -> Step {
    let (start, wanted) = state.withLock { ($0.progress, $0.width) }
    // Known by the place before them: which ones come next is only known once they are read.
    let width = poisonGuard.isSuspect(owner, start.sequence) ? 1 : wanted
    do {
      // Nothing is sent of which it cannot be noted that it was.
      try store.prepareToWrite()
      if width == 1, poisonGuard.isPoison(owner, start.sequence) {
        if try await setNextAside(after: start) {
          poisonGuard.pass(owner, start.sequence)
          return .goOn
        }
      }
      poisonGuard.enter(owner, start.sequence...max(start.sequence, start.sequence &+ UInt64(max(1, width) - 1)))
      defer { poisonGuard.leave(owner) }
      let (batch, rest) = try await OwnThread.run {
        try self.settledBatch(after: start.sequence, limit: width, ignoringSettle: ignoringSettle)
      }
      guard let last = batch.last else { return rest.map { .unsettled($0) } ?? .nothing }
      if width > 1 { poisonGuard.enter(owner, start.sequence...max(start.sequence, last.sequence)) }
      let spans = batch.compactMap(\.span)
      var receipt = ExportReceipt(handled: 0)
      do throws(ExportError) {
        if !spans.isEmpty { receipt = try await send(spans) }
      } catch  where !error.isRetryable {
        guard spans.count == 1 else {
          state.withLock { $0.width = spans.count / 2 }
          return .goOn
        }
        if let doubt = await doubt(in: error) { return try await failed(doubt) }
        receipt = ExportReceipt(handled: 1, refused: 1, reason: error.message)
      } catch {
        return try await failed(error)
      }
      // Up to the first span that comes again; what retention removed needs no receipt.
      let next = batch.lazy.filter { $0.span != nil }.dropFirst(receipt.handled).first?.sequence
      let reached = next.flatMap { next in batch.last { $0.sequence < next }?.sequence } ?? last.sequence
      try await advance(to: reached, from: start, by: receipt, of: spans)
      // The next one is known by the place of the last.
      if reached > 0 { poisonGuard.pass(owner, upTo: reached - 1) }
      return .goOn
    } catch {
      state.withLock { $0.failures += 1 }
      logger.error("exporter \(exporter.name): cannot read or write the store: \(error)")
      return .failed(retryAfterSeconds: nil)
    }
  }

  /// Passes over the span that comes next, because it crashes the process; without looking at it.
  ///
  /// - Returns: false when there is none.
  private func setNextAside(after start: ExportProgress) async throws -> Bool {
    let store = store
    guard let next = try await OwnThread.run({ try store.announcements(after: start.sequence, limit: 1).first }) else {
      return false
    }
    let reason = "it has crashed vsd \(PoisonGuard.deathLimit) times on its way out"
    let attempt = ExportRefusal.Attempt(key: next.announcement.key, number: next.announcement.attempt)
    let refusal = ExportRefusal(exporter: exporter.name, time: clock.now(), count: 1, reason: reason, attempts: [attempt])
    logger.error("exporter \(exporter.name): set aside \(attempt.key), attempt \(attempt.number): \(reason)")
    var progress = start
    progress.sequence = next.sequence
    progress.refused += 1
    let reached = progress
    try await OwnThread.run { try store.setExportProgress(reached, for: self.exporter.name, refusal: refusal) }
    state.withLock { $0.progress = reached }
    return true
  }

  /// Why a span that was refused alone should not be given up: what the receiver answers when it is sent no span at all.
  private func doubt(in refusal: ExportError) async -> ExportError? {
    if state.withLock(\.isProven) { return nil }
    do throws(ExportError) {
      try await exporter.checkReceiver()
      return nil
    } catch {
      return ExportError(
        "\(refusal.message); it refuses a request without spans, too: is that its address? (\(error.message))", isRetryable: true,
        retryAfterSeconds: error.retryAfterSeconds)
    }
  }

  /// A receipt whose numbers can be relied on.
  private func send(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
    var receipt = try await exporter.export(spans)
    receipt.handled = min(receipt.handled, spans.count)
    receipt.refused = max(0, min(receipt.refused, receipt.handled))
    if receipt.handled < 1 { throw ExportError("took none of \(spans.count) spans, and gave no reason", isRetryable: true) }
    return receipt
  }

  private func advance(
    to sequence: UInt64, from start: ExportProgress, by receipt: ExportReceipt, of spans: [TracedSpan]
  ) async throws {
    let refusal = refusal(receipt, of: spans)
    if let refusal {
      let which = receipt.handled == 1 ? refusal.attempts.first.map { " (\($0.key), attempt \($0.number))" } ?? "" : ""
      logger.error(
        "exporter \(exporter.name): \(receipt.refused) of \(receipt.handled) spans refused for good\(which): \(refusal.reason)")
    } else if let warning = receipt.reason, warningLines.pass() != nil {
      logger.warn("exporter \(exporter.name): the backend accepted the spans with a warning: \(warning)")
    }
    var reached = start
    reached.sequence = sequence
    reached.sent += Int64(receipt.handled - receipt.refused)
    reached.refused += Int64(receipt.refused)
    reached.failingSince = nil
    let progress = reached
    try await OwnThread.run { try self.store.setExportProgress(progress, for: self.exporter.name, refusal: refusal) }
    let failures = state.withLock { state in
      defer { state.failures = 0 }
      state.isProven = receipt.handled > receipt.refused
      state.progress = progress
      // What does not fit one request need not be read again for each.
      state.width = receipt.handled < spans.count ? receipt.handled : min(state.width * 2, Self.batchLimit)
      return state.failures
    }
    if failures > 0, recoveryLines.pass() != nil { logger.info("exporter \(exporter.name): the backend accepts spans again") }
  }

  /// What is set aside of a batch; nil when nothing was refused.
  private func refusal(_ receipt: ExportReceipt, of spans: [TracedSpan]) -> ExportRefusal? {
    guard receipt.refused > 0 else { return nil }
    return ExportRefusal(
      exporter: exporter.name, time: clock.now(), count: receipt.refused, reason: receipt.reason ?? "no reason given",
      attempts: spans.prefix(receipt.handled).map { ExportRefusal.Attempt(key: $0.span.key, number: $0.span.attempt) })
  }

  private func failed(_ error: ExportError) async throws -> Step {
    // At a stop requests are given up; that says nothing about the receiver.
    if Task.isCancelled { return .failed(retryAfterSeconds: nil) }
    state.withLock { state in
      state.failures += 1
      // A few spans tell as well as many whether a receiver is back, and cost less to put together.
      state.width = min(state.width, Self.probeWidth)
    }
    if let suppressed = failureLines.pass() {
      let more = suppressed > 0 ? " (and \(suppressed) attempts before this one)" : ""
      logger.warn("exporter \(exporter.name): will try again: \(error)\(more)")
    }
    try await noteFailure()
    return .failed(retryAfterSeconds: error.retryAfterSeconds)
  }

  /// Remembers since when the receiver takes nothing, and drops what waited too long for it since.
  ///
  /// Only a receiver that fails is waited for: what an exporter that is new to the store, or was not set up for a while, finds
  /// there gets its time from the first failure on.
  private func noteFailure() async throws {
    let now = clock.now()
    var progress = currentProgress
    guard let since = progress.failingSince, since <= now else {
      progress.failingSince = now
      return try await keep(progress)
    }
    let cutoff = now.advanced(byNanoseconds: -backlog.nanoseconds)
    guard since < cutoff else { return }
    while true {
      let place = progress.sequence
      let page = try await OwnThread.run { try self.store.announcements(after: place, limit: Self.batchLimit) }
      let old = page.prefix { $0.announcement.time < cutoff }
      guard let last = old.last else { break }
      progress.sequence = last.sequence
      progress.dropped += Int64(old.count)
      try await keep(progress)
      if old.count < page.count { break }
    }
    let dropped = progress.dropped
    let count = state.withLock { dropped - $0.droppedToldOf }
    if count > 0, dropLines.pass() != nil {
      state.withLock { $0.droppedToldOf = dropped }
      logger.error("exporter \(exporter.name): dropped \(count) spans that the backend has not accepted since \(since.rfc3339)")
    }
  }

  private func keep(_ progress: ExportProgress) async throws {
    try await OwnThread.run { try self.store.setExportProgress(progress, for: self.exporter.name) }
    state.withLock { $0.progress = progress }
  }

  /// Announced spans that had time to settle, and how long the first of the others has to wait.
  private func settledBatch(
    after sequence: UInt64, limit: Int, ignoringSettle: Bool
  ) throws -> (batch: [(sequence: UInt64, span: TracedSpan?)], rest: Duration?) {
    var settled = try store.announcements(after: sequence, limit: limit)
    let now = clock.now()
    var rest: Duration?
    if !ignoringSettle {
      // Negative where the clock was set back since: that must not hold up everything until it is as late again.
      let ages = settled.map { Duration.nanoseconds(now.nanoseconds - $0.announcement.time.nanoseconds) }
      if let first = ages.firstIndex(where: { (.zero..<settle).contains($0) }) {
        rest = settle - ages[first]
        settled.removeSubrange(first...)
      }
    }
    let spans = try ledger.spans(of: settled.map(\.announcement))
    return (zip(settled, spans).map { ($0.sequence, $1) }, rest)
  }
}
