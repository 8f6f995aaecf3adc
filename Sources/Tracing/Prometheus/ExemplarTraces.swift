import Synchronization
package import ValueStreamCore

/// Finds the trace and span ids for exemplars, the same that the API and exporters show.
package struct ExemplarTraces: Sendable {
  private let store: any SpanReading
  private let strategy: TraceStrategy
  private let gracePeriod: Duration
  private let clock: any WallClock
  private let restFactor: Int
  private let known = Known()

  /// Ids that were found, kept between scrapes.
  private final class Known: Sendable {
    struct State {
      /// Ids that the export ledger has fixed. They never change.
      var exported: [OutboxEntry: PrometheusText.IDs] = [:]
      var others: [OutboxEntry: PrometheusText.IDs] = [:]
      var isGoodUntil = ContinuousClock.now
    }

    let state = Mutex(State())
    /// More than all metrics together show.
    static let limit = 4096
  }

  /// Creates a finder that shows no span before its grace period `gracePeriod` is over, because a late parent can still
  /// change the trace.
  ///
  /// - Parameters:
  ///   - strategy: The strategy that API and exporters use.
  ///   - restFactor: How long lookups pause after one that read the store, as a multiple of the time that it took.
  package init(
    store: any SpanReading, strategy: TraceStrategy, gracePeriod: Duration, clock: any WallClock,
    restFactor: Int = CachedReadings.restFactor
  ) {
    self.restFactor = restFactor
    self.store = store
    self.strategy = strategy
    self.gracePeriod = gracePeriod
    self.clock = clock
  }

  /// Returns a lookup function for one scrape. Blocks.
  ///
  /// Reading the store takes at most 1 % of the time. Ids in the export ledger are read only once.
  ///
  /// The function returns nil for a span that may still move to another trace, that no longer exists, or that cannot be
  /// read: metrics must be shown in any case.
  func lookUp() -> (OutboxEntry) -> PrometheusText.IDs? {
    var reader = TraceReader(store: store, strategy: strategy)
    let latest = clock.now().advanced(byNanoseconds: -gracePeriod.nanoseconds)
    let mayRead = known.state.withLock { state in
      guard ContinuousClock.now >= state.isGoodUntil else { return false }
      state.others.removeAll()
      if state.exported.count > Known.limit { state.exported.removeAll() }
      return true
    }
    return { span in
      guard span.time <= latest else { return nil }
      let ids = known.state.withLock { $0.exported[span] ?? $0.others[span] }
      return ids != nil || !mayRead ? ids : read(span, &reader)
    }
  }

  private func read(_ span: OutboxEntry, _ reader: inout TraceReader) -> PrometheusText.IDs? {
    let begin = ContinuousClock.now
    let ids = (try? reader.ids(ofAttempt: span.attempt, of: span.key)) ?? nil
    let isExported = ids != nil && (try? store.exportRecords(of: [span.key]).isEmpty) == false
    let end = ContinuousClock.now
    known.state.withLock { state in
      state.isGoodUntil = max(state.isGoodUntil, begin) + (end - begin) * restFactor
      if isExported { state.exported[span] = ids } else { state.others[span] = ids }
    }
    return ids
  }
}
