import ValueStreamCore

extension SpanStoreReader {
  /// Things that are over, and whose announcements every exporter has passed.
  func finished(before cutoff: Timestamp, limit: Int) throws -> [Int64] {
    let statement = try statement(.finished)
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, Int64(max(0, limit)))
    defer { statement.reset() }
    var sequences: [Int64] = []
    while try statement.step() { sequences.append(statement.int(0)) }
    return sequences
  }

  /// The key of a thing; nil unless it is over.
  func finishedKey(_ sequence: Int64, before cutoff: Timestamp) throws -> SpanKey? {
    let statement = try statement(.finishedKey)
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, sequence)
    defer { statement.reset() }
    return try statement.step() ? try key(statement, at: 0) : nil
  }
}
