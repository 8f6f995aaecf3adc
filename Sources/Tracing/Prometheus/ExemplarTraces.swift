package import ValueStreamCore

/// Finds the traces of the spans that were counted, as API and exporters show them.
package struct ExemplarTraces: Sendable {
  private let store: any SpanStore
  private let strategy: TraceStrategy
  private let settle: Duration
  private let clock: any WallClock

  /// - Parameters:
  ///   - strategy: the one that API and exporters have.
  ///   - settle: how long a span waits to be exported. A parent that is told meanwhile changes its trace, so it is not shown before.
  package init(store: any SpanStore, strategy: TraceStrategy, settle: Duration, clock: any WallClock) {
    self.store = store
    self.strategy = strategy
    self.settle = settle
    self.clock = clock
  }

  /// A look-up for one answer; it remembers what it has read. Blocks.
  ///
  /// It finds nothing for a span that may still move to another trace, that is no more, or that cannot be read: numbers must be shown all the same.
  func lookUp() -> (CountedSpan) -> PrometheusText.IDs? {
    var reader = TraceReader(store: store, strategy: strategy)
    let latest = clock.now().advanced(byNanoseconds: -settle.nanoseconds)
    return { span in
      guard span.time <= latest else { return nil }
      return (try? reader.ids(ofAttempt: span.attempt, of: span.key)) ?? nil
    }
  }
}
