import ValueStreamCore

extension ProjectionBatches {
  /// Puts attempts up for export once more that went out under a provisional key, before it was known what they are attempts of.
  ///
  /// What follows names them by the span id of their own key, so a backend needs a span with it. It gets the trace and the parent that
  /// the first one had. What still waits goes out under the own key anyway, and nothing is counted again.
  ///
  /// - Parameter absorbed: provisional keys, each with the key that took its place.
  static func exportedProvisionally(
    _ absorbed: [SpanKey: SpanKey], in store: any SpanStore, at now: Timestamp
  ) throws -> [Announcement] {
    if absorbed.isEmpty { return [] }
    return try store.exportRecords(of: absorbed.keys.sorted()).sorted { $0.key < $1.key }.flatMap { provisional, record in
      record.attempts.compactMap { attempt in
        absorbed[provisional].map { Announcement(key: $0, attempt: attempt.number, time: now) }
      }
    }
  }
}
