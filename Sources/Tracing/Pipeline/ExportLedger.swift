import Synchronization
package import ValueStreamCore

/// Fixes the ids of spans before they go out, so that what is sent again after a crash, or to another exporter, or joins its
/// trace later, carries the same ids.
package final class ExportLedger: Sendable {
  private let store: any SpanStore
  /// Exporters take turns: two that meet the same tree first must not fix it differently.
  private let turn = Mutex(())

  package init(store: any SpanStore) {
    self.store = store
  }

  /// The spans of announced attempts, their ids fixed; nil for what retention removed meanwhile. Blocks.
  package func spans(of announcements: [Announcement]) throws -> [TracedSpan?] {
    try turn.withLock { _ in
      var reader = TraceReader(store: store)
      var records: [SpanKey: ExportRecord] = [:]
      let spans = try announcements.map { announcement -> TracedSpan? in
        let spans = try reader.spans(of: announcement.key)
        guard let span = spans.first(where: { $0.span.attempt == announcement.attempt }) else { return nil }
        records[announcement.key, default: ExportRecord(key: announcement.key, traceID: span.traceID)].attempts
          .append(ExportedAttempt(number: announcement.attempt, parentSpanID: span.parentSpanID))
        for ancestor in reader.ancestors(of: announcement.key) where records[ancestor] == nil {
          guard let traceID = try reader.traceID(of: ancestor), traceID == span.traceID else { break }
          records[ancestor] = ExportRecord(key: ancestor, traceID: traceID)
        }
        return span
      }
      try store.addExportRecords(records.values.sorted { $0.key < $1.key })
      return spans
    }
  }
}
