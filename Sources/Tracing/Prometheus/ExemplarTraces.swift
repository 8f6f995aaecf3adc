import Synchronization
package import ValueStreamCore

/// Finds the traces of the spans that were counted, as API and exporters show them.
package struct ExemplarTraces: Sendable {
  private let store: any SpanStore
  private let strategy: TraceStrategy
  private let settle: Duration
  private let clock: any WallClock
  private let restFactor: Int
  private let known = Known()

  /// What was found, kept between answers.
  private final class Known: Sendable {
    struct State {
      /// Under what the export ledger holds they stay for good.
      var exported: [Announcement: PrometheusText.IDs] = [:]
      var others: [Announcement: PrometheusText.IDs] = [:]
      var isGoodUntil = ContinuousClock.now
    }

    let state = Mutex(State())
    /// More than all metrics together show.
    static let limit = 4096
  }

  /// - Parameters:
  ///   - strategy: the one that API and exporters have.
  ///   - settle: how long a span waits to be exported. A parent that is told meanwhile changes its trace, so it is not shown before.
  ///   - restFactor: how many times as long as looking up took nothing more is looked up.
  package init(
    store: any SpanStore, strategy: TraceStrategy, settle: Duration, clock: any WallClock,
    restFactor: Int = SparingReadings.restFactor
  ) {
    self.restFactor = restFactor
    self.store = store
    self.strategy = strategy
    self.settle = settle
    self.clock = clock
  }

  /// A look-up for one answer. Blocks. It reads no more often than a hundredth of the time allows, and what is in the export ledger once.
  ///
  /// It finds nothing for a span that may still move to another trace, that is no more, or that cannot be read: numbers must be shown all the same.
  func lookUp() -> (Announcement) -> PrometheusText.IDs? {
    var reader = TraceReader(store: store, strategy: strategy)
    let latest = clock.now().advanced(byNanoseconds: -settle.nanoseconds)
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

  private func read(_ span: Announcement, _ reader: inout TraceReader) -> PrometheusText.IDs? {
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
