import Synchronization
package import ValueStreamCore

/// Fixes the ids of spans before they are exported.
///
/// Spans that are sent again after a crash, sent to another exporter, or joined to their trace later therefore carry
/// the same ids.
package final class ExportLedger: Sendable {
  private let store: any ExportStore
  private let strategy: TraceStrategy
  /// Exporters take turns. Otherwise two that reach the same tree at the same time could fix different ids.
  private let turn = Mutex(())

  package init(store: any ExportStore, strategy: TraceStrategy) {
    self.store = store
    self.strategy = strategy
  }

  /// Returns the spans of outbox entries, with their ids fixed in the export ledger. Blocks.
  ///
  /// - Returns: One element per entry, in the same order; nil if retention has removed the span.
  /// - Throws: ``StoreError`` if the store cannot be read or written. Do not send any of the spans then.
  package func spans(of outboxEntries: [OutboxEntry]) throws -> [TracedSpan?] {
    try turn.withLock { _ in
      var reader = TraceReader(store: store, strategy: strategy)
      try reader.prepare(for: outboxEntries.map(\.key))
      var records: [SubjectKey: ExportRecord] = [:]
      let spans = try outboxEntries.map { outboxEntry -> TracedSpan? in
        guard let span = try reader.span(of: outboxEntry.key, attempt: outboxEntry.attempt) else { return nil }
        records[outboxEntry.key, default: ExportRecord(key: outboxEntry.key, traceID: span.traceID)].attempts
          .append(ExportedAttempt(number: outboxEntry.attempt, parentSpanID: span.parentSpanID))
        try records.fix(outboxEntry.key, in: span.traceID, &reader)
        // A link names a span in a trace, so the linked span must keep that trace.
        for link in span.links { try records.fix(link.key, in: link.traceID, &reader) }
        return span
      }
      try store.addExportRecords(records.values.sorted { $0.key < $1.key })
      return spans
    }
  }
}

extension [SubjectKey: ExportRecord] {
  /// Fixes the trace of a subject and of all its ancestors up to the root of that trace.
  fileprivate mutating func fix(_ key: SubjectKey, in traceID: TraceID, _ reader: inout TraceReader) throws {
    for key in [key] + reader.ancestors(of: key) where self[key] == nil {
      guard try reader.traceID(of: key) == traceID else { break }
      self[key] = ExportRecord(key: key, traceID: traceID)
    }
  }
}
