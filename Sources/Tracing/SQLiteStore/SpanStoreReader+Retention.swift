import ValueStreamCore

extension SpanStoreReader {
  /// Things that are over, and whose announcements every exporter has passed.
  func finished(before cutoff: Timestamp, limit: Int) throws -> [Int64] {
    let statement = try statement("SELECT seq FROM subject WHERE \(Self.isOver) LIMIT ?2")
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, Int64(max(0, limit)))
    defer { statement.reset() }
    var sequences: [Int64] = []
    while try statement.step() { sequences.append(statement.int(0)) }
    return sequences
  }

  /// The key of a thing; nil unless it is over.
  func finishedKey(_ sequence: Int64, before cutoff: Timestamp) throws -> SpanKey? {
    let statement = try statement("SELECT space, number, text FROM subject WHERE \(Self.isOver) AND seq = ?2")
    statement.bind(1, cutoff.nanoseconds)
    statement.bind(2, sequence)
    defer { statement.reset() }
    return try statement.step() ? try key(statement, at: 0) : nil
  }

  private static let isOver =
    """
    end < ?1 AND (announced IS NULL OR announced <= coalesce((SELECT min(sequence) FROM export_progress), announced))
    """
}
