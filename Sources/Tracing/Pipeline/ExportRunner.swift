import Dispatch
import Synchronization
package import ValueStreamCore

/// Brings finished spans to one exporter, at the exporter's own pace: from where it stopped, in order, each batch until it
/// arrived or was refused for good.
package final class ExportRunner: Sendable {
  private let exporter: any SpanExporter
  private let store: any SpanStore
  private let ledger: ExportLedger
  private let settle: Duration
  private let clock: any WallClock
  private let logger: Logger
  private let progress: Mutex<ExportProgress>
  private let wakeUps: AsyncStream<Void>
  private let wakeUp: AsyncStream<Void>.Continuation
  private static let batchLimit = 512
  private static let longestPause = 60.0

  /// - Parameters:
  ///   - ledger: one for all exporters of the store.
  ///   - settle: how long after its end a span waits, for what may still be told of it.
  /// - Throws: ``StoreError`` when the store cannot be read.
  package init(
    exporter: any SpanExporter, store: any SpanStore, ledger: ExportLedger, settle: Duration, clock: any WallClock,
    logger: Logger
  ) throws {
    self.exporter = exporter
    self.store = store
    self.ledger = ledger
    self.settle = settle
    self.clock = clock
    self.logger = logger
    progress = Mutex(try store.exportProgress()[exporter.name] ?? ExportProgress())
    (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  package var exporterName: String { exporter.name }

  /// How far it has come.
  package var currentProgress: ExportProgress { progress.withLock { $0 } }

  /// There are new finished spans.
  package func wake() {
    wakeUp.yield()
  }

  /// Works until its task is cancelled. Call ``finish(includingUnsettled:)`` afterwards.
  package func run() async {
    var failures = 0
    var wakeUps = wakeUps.makeAsyncIterator()
    while !Task.isCancelled {
      switch await exportNext(ignoringSettle: false) {
      case .exported: failures = 0
      case .nothing: if await wakeUps.next() == nil { return }
      case .unsettled(let rest): try? await Task.sleep(for: rest)
      case .failed(let retryAfter):
        failures += 1
        let pause = retryAfter ?? min(Self.longestPause, 0.25 * Double(1 << min(failures, 8))) * Double.random(in: 0.5...1)
        try? await Task.sleep(for: .seconds(pause))
      }
    }
  }

  /// Exports what waits, once, and shuts the exporter down.
  ///
  /// - Parameter includingUnsettled: also what might still change; for stores that end with the process.
  package func finish(includingUnsettled: Bool) async {
    while case .exported = await exportNext(ignoringSettle: includingUnsettled) {}
    do {
      try await exporter.flush()
    } catch {
      logger.warn("exporter \(exporter.name): \(error)")
    }
    await exporter.shutdown()
  }

  private enum Step {
    case exported, nothing
    /// The oldest has to wait this long.
    case unsettled(Duration)
    case failed(retryAfterSeconds: Double?)
  }

  private func exportNext(ignoringSettle: Bool) async -> Step {
    let start = currentProgress
    do {
      let (batch, rest) = try await blocking { try self.settledBatch(after: start.sequence, ignoringSettle: ignoringSettle) }
      guard let last = batch.last else { return rest.map { .unsettled($0) } ?? .nothing }
      var next = start
      next.sequence = last.sequence
      let spans = batch.compactMap(\.span)
      do throws(ExportError) {
        if !spans.isEmpty { try await exporter.export(spans) }
        next.sent += Int64(spans.count)
      } catch  where !error.isRetryable {
        logger.error("exporter \(exporter.name): \(spans.count) spans refused: \(error)")
        next.refused += Int64(spans.count)
      } catch {
        logger.warn("exporter \(exporter.name): will try again: \(error)")
        return .failed(retryAfterSeconds: error.retryAfterSeconds)
      }
      let reached = next
      try await blocking { try self.store.setExportProgress(reached, for: self.exporter.name) }
      progress.withLock { $0 = reached }
      return .exported
    } catch {
      logger.error("exporter \(exporter.name): cannot read or write the store: \(error)")
      return .failed(retryAfterSeconds: nil)
    }
  }

  /// Announced spans that had time to settle, and how long the first of the others has to wait.
  private func settledBatch(
    after sequence: UInt64, ignoringSettle: Bool
  ) throws -> (batch: [(sequence: UInt64, span: TracedSpan?)], rest: Duration?) {
    let now = clock.now()
    var settled = try store.announcements(after: sequence, limit: Self.batchLimit)
    var rest: Duration?
    if !ignoringSettle {
      func age(_ announcement: Announcement) -> Duration {
        .nanoseconds(now.nanoseconds - announcement.time.nanoseconds)
      }
      if let first = settled.firstIndex(where: { age($0.announcement) < settle }) {
        rest = settle - age(settled[first].announcement)
        settled.removeSubrange(first...)
      }
    }
    let spans = try ledger.spans(of: settled.map(\.announcement))
    return (zip(settled, spans).map { ($0.sequence, $1) }, rest)
  }

  /// Blocking calls do not belong on the threads that tasks share.
  private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
    }
  }
}
