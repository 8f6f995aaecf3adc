import ValueStreamCore

extension ProjectionBatches {
  /// Returns outbox entries that export attempts a second time after their subject's provisional key was absorbed by
  /// its real key.
  ///
  /// A provisional key holds a name instead of an id. Attempts exported under it have a span id that is computed from
  /// it, but later children and links use the span id of the real key, so a backend needs a span with that id as well.
  /// The second span keeps the trace and the parent of the first. Attempts that are still in the outbox need no second
  /// entry: they are exported under the real key anyway. Metrics do not count an attempt again.
  ///
  /// - Parameters:
  ///   - absorbed: The real key for each provisional key.
  ///   - now: The time that the new outbox entries get.
  /// - Throws: ``StoreError`` if the export ledger cannot be read.
  static func exportedProvisionally(
    _ absorbed: [SubjectKey: SubjectKey], in store: any SpanReading, at now: Timestamp
  ) throws -> [OutboxEntry] {
    if absorbed.isEmpty { return [] }
    return try store.exportRecords(of: absorbed.keys.sorted()).sorted { $0.key < $1.key }.flatMap { provisional, record in
      record.attempts.compactMap { attempt in
        absorbed[provisional].map { OutboxEntry(key: $0, attempt: attempt.number, time: now) }
      }
    }
  }
}
