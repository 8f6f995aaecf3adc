extension SpanStore {
  /// Reads all subjects, outbox entries, values, fingerprints and rejections, so that the store finds the damaged ones among them.
  package func readEveryRecord() throws(StoreError) {
    var cursor: UInt64?
    repeat { cursor = try subjects(after: cursor, limit: 500).next } while cursor != nil
    var sequence: UInt64 = 0
    while let last = try outboxEntries(after: sequence, limit: 1000).last { sequence = last.sequence }
    _ = try values()
    _ = try fingerprints(since: Timestamp(nanoseconds: .min))
    _ = try exportRejections(of: nil, before: nil, limit: .max)
  }
}
