import ValueStreamCore

extension SpanStoreReader {
  /// The place that all of these exporters have passed in the announcements.
  func passed(by exporters: [String]) throws -> Int64 {
    let progress = try exportProgress()
    return exporters.map { Int64(clamping: progress[$0]?.sequence ?? 0) }.min() ?? .max
  }

  /// Things that are over, and whose announcements do not come after a place.
  func finished(before cutoff: Timestamp, passed: Int64, limit: Int) throws -> [Int64] {
    let statement = try statement(.finished)
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, Int64(max(0, limit)))
    statement.bind(3, passed)
    defer { statement.reset() }
    var sequences: [Int64] = []
    while try statement.step() { sequences.append(statement.int(0)) }
    return sequences
  }

  /// The key of a thing; nil unless it is over.
  func finishedKey(_ sequence: Int64, before cutoff: Timestamp, passed: Int64) throws -> SpanKey? {
    let statement = try statement(.finishedKey)
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, sequence)
    statement.bind(3, passed)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return try readable(.subject, "in row \(sequence)") { try key(statement, at: 0) }
  }
}
