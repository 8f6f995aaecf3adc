package import PoisonGuard
import Synchronization
package import ValueStreamCore

/// Exports finished spans to one backend, in order and at the backend's own pace.
///
/// Continues after a restart where it stopped. A span counts as done when the backend has accepted it, has rejected it
/// for good, or has not accepted it within the backlog period.
///
/// If the backend rejects a whole batch, only the spans at fault are given up: the runner halves the batch until the
/// rejected span is alone, and doubles it again after that.
package final class ExportRunner: Sendable {
  private struct State {
    var progress: ExportProgress
    /// The largest number of spans in the next batch.
    var width = ExportRunner.batchLimit
    /// The number of consecutive failed attempts.
    var failures = 0
    /// True if the backend has accepted a span since the last one was given up. A rejection is then the fault of the
    /// span, not of the settings.
    var isProven = false
    /// The number of dropped spans that log lines have already reported.
    var droppedToldOf: Int64
    var isSending = false
    var isStopped = false
  }

  private let exporter: any SpanExporter
  private let store: any ExportStore
  private let ledger: ExportLedger
  private let gracePeriod: Duration
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
  /// Limit the log lines for a backend that is down for a day, or that keeps coming and going.
  private let failureLines: LogThrottle
  private let recoveryLines: LogThrottle
  private let warningLines: LogThrottle
  private let dropLines: LogThrottle
  private let storeLines: LogThrottle
  private static let batchLimit = 512
  private static let probeWidth = 16
  private static let longestPause = 60.0
  private static let longestRetryAfter = 300.0
  /// How long a running request may take after ``stop()``.
  private static let grace = Duration.seconds(2)

  /// Creates a runner that continues from the stored progress of the exporter.
  ///
  /// A finished span waits for the grace period `gracePeriod` before it is exported, so that late events are included.
  ///
  /// - Parameters:
  ///   - ledger: The export ledger. All exporters of a store share one.
  ///   - backlog: How long a span waits while its backend accepts nothing. After that, it is dropped.
  ///   - poisonGuard: Marks each batch. A span that repeatedly crashes the process is set aside as a rejection.
  ///   - index: The index of this exporter among the exporters of the guard.
  /// - Throws: ``StoreError`` if the store cannot be read.
  package init(
    exporter: any SpanExporter, store: any ExportStore, ledger: ExportLedger, gracePeriod: Duration,
    backlog: Duration = .seconds(7 * 86_400),
    clock: any WallClock, logger: Logger, poisonGuard: PoisonGuard = PoisonGuard(), index: Int = 0
  ) throws {
    self.poisonGuard = poisonGuard
    owner = PoisonGuard.export(index)
    self.exporter = exporter
    self.store = store
    self.ledger = ledger
    self.gracePeriod = gracePeriod
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
    storeLines = LogThrottle(interval: .seconds(60), clock: clock)
  }

  package var exporterName: String { exporter.name }

  /// How far the export has come.
  package var currentProgress: ExportProgress { state.withLock(\.progress) }

  /// Tells the runner that there are new finished spans.
  package func wake() {
    wakeUp.yield()
  }

  /// Exports spans until ``stop()`` is called or the task is cancelled. Call ``finish(ignoringGracePeriod:within:)``
  /// afterwards.
  package func run() async {
    await withTaskGroup { group in
      group.addTask { await self.work() }
      group.addTask { await self.waitForStop() }
      await group.next()
      group.cancelAll()
    }
  }

  /// Ends ``run()``, but gives a running request two seconds to complete.
  ///
  /// Without its response nobody knows whether the spans arrived, and they are sent again.
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
      let step = await exportNext(ignoringGracePeriod: false)
      state.withLock { $0.isSending = false }
      switch step {
      case .goOn: continue
      case .nothing: if await wakeUps.next() == nil { return }
      case .inGracePeriod(let rest): try? await Task.sleep(for: rest)
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

  /// Returns the pause after a number of consecutive failures, growing up to a minute.
  ///
  /// The pause is random within a range, so that several daemons do not retry at the same time.
  ///
  /// - Parameter retryAfterSeconds: The pause that the backend asked for, used up to five minutes. A value of 0 or less
  ///   is ignored: a date that has passed, by the backend's clock or this machine's, does not ask for retries without a
  ///   pause.
  package static func pause(after failures: Int, retryAfterSeconds: Double?) -> Duration {
    if let retryAfterSeconds, retryAfterSeconds > 0 {
      return .seconds(min(retryAfterSeconds, longestRetryAfter) * Double.random(in: 1...1.1))
    }
    return .seconds(min(longestPause, 0.25 * Double(1 << min(failures, 8))) * Double.random(in: 0.5...1))
  }

  /// Exports the remaining spans once and shuts the exporter down.
  ///
  /// - Parameters:
  ///   - ignoringGracePeriod: True to include spans whose grace period is not over. Use it for stores that end with the
  ///     process.
  ///   - limit: How long this may take, whatever the backend does. Spans that remain in a durable store are exported
  ///     after the next start.
  package func finish(ignoringGracePeriod: Bool, within limit: Duration = .seconds(3)) async {
    await withTaskGroup { group in
      group.addTask { await self.drain(ignoringGracePeriod: ignoringGracePeriod) }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
    await exporter.shutdown()
  }

  private func drain(ignoringGracePeriod: Bool) async {
    while !Task.isCancelled, case .goOn = await exportNext(ignoringGracePeriod: ignoringGracePeriod) {}
    do {
      try await exporter.flush()
    } catch {
      logger.warn("exporter \(exporter.name): \(error)")
    }
  }

  private enum Step {
    case goOn, nothing
    /// The grace period of the oldest span ends after this duration.
    case inGracePeriod(Duration)
    case failed(retryAfterSeconds: Double?)
  }

  private func exportNext(ignoringGracePeriod: Bool) async -> Step {
    let (start, wanted) = state.withLock { ($0.progress, $0.width) }
    // The next entries are unknown until they are read, so a suspect is identified by the sequence before it.
    let width = poisonGuard.isSuspect(owner, start.sequence) ? 1 : wanted
    do {
      // Send nothing unless the store can record that it was sent.
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
        try self.dueBatch(after: start.sequence, limit: width, ignoringGracePeriod: ignoringGracePeriod)
      }
      guard let last = batch.last else { return rest.map { .inGracePeriod($0) } ?? .nothing }
      if width > 1 { poisonGuard.enter(owner, start.sequence...max(start.sequence, last.sequence)) }
      let spans = batch.compactMap(\.span)
      var receipt = ExportReceipt(handled: 0)
      do throws(ExportError) {
        if !spans.isEmpty { receipt = try await send(spans) }
      } catch let error where !error.isRetryable {
        guard spans.count == 1 else {
          state.withLock { $0.width = spans.count / 2 }
          return .goOn
        }
        if let doubt = await doubt(in: error) { return try await failed(doubt) }
        receipt = ExportReceipt(handled: 1, refused: 1, reason: error.message)
      } catch {
        return try await failed(error)
      }
      // Advance to just before the first span that has to be sent again. Entries whose span retention has removed need
      // no receipt.
      let next = batch.lazy.filter { $0.span != nil }.dropFirst(receipt.handled).first?.sequence
      let reached = next.flatMap { next in batch.last { $0.sequence < next }?.sequence } ?? last.sequence
      try await advance(to: reached, from: start, by: receipt, of: spans)
      // The next entry is identified by `reached`, so do not clear that suspect.
      if reached > 0 { poisonGuard.pass(owner, upTo: reached - 1) }
      return .goOn
    } catch {
      state.withLock { $0.failures += 1 }
      if let suppressed = storeLines.pass() {
        let more = suppressed > 0 ? " (and \(suppressed) times before)" : ""
        logger.error("exporter \(exporter.name): cannot read or write the store: \(error)\(more)")
      }
      return .failed(retryAfterSeconds: nil)
    }
  }

  /// Sets the next span aside as a rejection without reading it, because it crashes the process.
  ///
  /// - Returns: False if the outbox has no further entry.
  /// - Throws: ``StoreError`` if the store cannot be read or written.
  private func setNextAside(after start: ExportProgress) async throws -> Bool {
    let store = store
    guard let next = try await OwnThread.run({ try store.outboxEntries(after: start.sequence, limit: 1).first }) else {
      return false
    }
    let reason = "it has crashed vsd \(PoisonGuard.deathLimit) times on its way out"
    let attempt = ExportRejection.Attempt(key: next.outboxEntry.key, number: next.outboxEntry.attempt)
    let rejection = ExportRejection(exporter: exporter.name, time: clock.now(), count: 1, reason: reason, attempts: [attempt])
    logger.error("exporter \(exporter.name): set aside \(attempt.key), attempt \(attempt.number): \(reason)")
    var progress = start
    progress.sequence = next.sequence
    progress.refused += 1
    let reached = progress
    try await OwnThread.run { try store.setExportProgress(reached, for: self.exporter.name, rejection: rejection) }
    state.withLock { $0.progress = reached }
    return true
  }

  /// Returns why a span that was rejected alone should not be given up; nil if the span is at fault.
  ///
  /// Sends a request without spans. If the backend rejects that as well, address or credentials are wrong rather than
  /// the span.
  private func doubt(in rejection: ExportError) async -> ExportError? {
    if state.withLock(\.isProven) { return nil }
    do throws(ExportError) {
      try await exporter.checkBackend()
      return nil
    } catch {
      return ExportError(
        "\(rejection.message); it refuses a request without spans, too: is that its address? (\(error.message))",
        isRetryable: true,
        retryAfterSeconds: error.retryAfterSeconds)
    }
  }

  /// Exports spans and returns a receipt whose numbers lie within valid bounds.
  ///
  /// - Throws: ``ExportError``. Retryable if the exporter handled no span without giving a reason.
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
    let rejection = rejection(receipt, of: spans)
    if let rejection {
      let which = receipt.handled == 1 ? rejection.attempts.first.map { " (\($0.key), attempt \($0.number))" } ?? "" : ""
      logger.error(
        "exporter \(exporter.name): \(receipt.refused) of \(receipt.handled) spans refused for good\(which): \(rejection.reason)")
    } else if let warning = receipt.reason, warningLines.pass() != nil {
      logger.warn("exporter \(exporter.name): the backend accepted the spans with a warning: \(warning)")
    }
    var reached = start
    reached.sequence = sequence
    reached.sent += Int64(receipt.handled - receipt.refused)
    reached.refused += Int64(receipt.refused)
    reached.failingSince = nil
    let progress = reached
    try await OwnThread.run { try self.store.setExportProgress(progress, for: self.exporter.name, rejection: rejection) }
    let failures = state.withLock { state in
      defer { state.failures = 0 }
      state.isProven = receipt.handled > receipt.refused
      state.progress = progress
      // Remember how many spans fit in one request, so that the rest is not read again each time.
      state.width = receipt.handled < spans.count ? receipt.handled : min(state.width * 2, Self.batchLimit)
      return state.failures
    }
    if failures > 0, recoveryLines.pass() != nil { logger.info("exporter \(exporter.name): the backend accepts spans again") }
  }

  /// Returns the record of the spans that the backend rejected; nil if it rejected none.
  private func rejection(_ receipt: ExportReceipt, of spans: [TracedSpan]) -> ExportRejection? {
    guard receipt.refused > 0 else { return nil }
    return ExportRejection(
      exporter: exporter.name, time: clock.now(), count: receipt.refused, reason: receipt.reason ?? "no reason given",
      attempts: spans.prefix(receipt.handled).map { ExportRejection.Attempt(key: $0.span.key, number: $0.span.attempt) })
  }

  private func failed(_ error: ExportError) async throws -> Step {
    // A stop cancels requests. That says nothing about the backend.
    if Task.isCancelled { return .failed(retryAfterSeconds: nil) }
    state.withLock { state in
      state.failures += 1
      // A few spans are enough to find out whether the backend is back, and they are cheaper to encode.
      state.width = min(state.width, Self.probeWidth)
    }
    if let suppressed = failureLines.pass() {
      let more = suppressed > 0 ? " (and \(suppressed) attempts before this one)" : ""
      logger.warn("exporter \(exporter.name): will try again: \(error)\(more)")
    }
    try await noteFailure()
    return .failed(retryAfterSeconds: error.retryAfterSeconds)
  }

  /// Records since when the backend accepts nothing, and drops spans that have waited longer than the backlog period
  /// since then.
  ///
  /// Spans wait only for a backend that fails. Older spans that an exporter finds because it is new to the store, or
  /// was disabled for a while, get the full backlog period from the first failure on.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read or written.
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
      let page = try await OwnThread.run { try self.store.outboxEntries(after: place, limit: Self.batchLimit) }
      let old = page.prefix { $0.outboxEntry.time < cutoff }
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

  /// Reads outbox entries whose grace period is over.
  ///
  /// - Parameters:
  ///   - sequence: The sequence of the last entry that was handled.
  ///   - limit: The largest number of entries to read.
  ///   - ignoringGracePeriod: True to include entries whose grace period is not over.
  /// - Returns: The entries with their spans, nil for spans that retention has removed; and the rest of the grace
  ///   period of the first entry that was left out.
  private func dueBatch(
    after sequence: UInt64, limit: Int, ignoringGracePeriod: Bool
  ) throws -> (batch: [(sequence: UInt64, span: TracedSpan?)], rest: Duration?) {
    var due = try store.outboxEntries(after: sequence, limit: limit)
    let now = clock.now()
    var rest: Duration?
    if !ignoringGracePeriod {
      // The age is negative if the clock was set back. Export such a span now: waiting for the clock to catch up would
      // hold up everything behind it.
      let ages = due.map { Duration.nanoseconds(now.nanoseconds - $0.outboxEntry.time.nanoseconds) }
      if let first = ages.firstIndex(where: { (.zero..<gracePeriod).contains($0) }) {
        rest = gracePeriod - ages[first]
        due.removeSubrange(first...)
      }
    }
    let spans = try ledger.spans(of: due.map(\.outboxEntry))
    return (zip(due, spans).map { ($0.sequence, $1) }, rest)
  }
}
