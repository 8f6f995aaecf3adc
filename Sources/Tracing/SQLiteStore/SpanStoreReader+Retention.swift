import ValueStreamCore

extension SpanStoreReader {
  /// Returns the sequence in the outbox that all of these exporters have passed; the greatest number if `exporters` is
  /// empty. An exporter without progress counts as 0.
  func passed(by exporters: [String]) throws -> Int64 {
    let progress = try exportProgress()
    return exporters.map { Int64(clamping: progress[$0]?.sequence ?? 0) }.min() ?? .max
  }

  /// Returns the sequences of subjects that ended before `cutoff` and whose outbox entries lie at or before `passed`.
  ///
  /// - Parameter cutoff: applies to the vendor's time of the end and to the time in the newest outbox entry.
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

  /// Returns the key of a subject; nil unless it still meets the conditions of ``finished(before:passed:limit:)``.
  func finishedKey(_ sequence: Int64, before cutoff: Timestamp, passed: Int64) throws -> SubjectKey? {
    let statement = try statement(.finishedKey)
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, sequence)
    statement.bind(3, passed)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return try readable(.subject, "in row \(sequence)") { try key(statement, at: 0) }
  }
}
