package import ValueStreamCore

extension SpanStoreReader {
  func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) throws -> [NumberedRejection] {
    let statement = try statement(.exportRejections)
    statement.bind(1, sequence.map { Int64(clamping: $0) } ?? .max)
    // No exporter has an empty name, so it stands for all.
    statement.bind(2, exporter ?? "")
    statement.bind(3, Int64(max(0, limit)))
    defer { statement.reset() }
    var result: [NumberedRejection] = []
    while try statement.step() {
      // Return the rejection even if its attempts cannot be read.
      let attempts = RejectedAttempts.attempts(in: statement.text(5))
      if attempts == nil {
        damage.note(
          StoreDamage(.exportRejection, "\(statement.int(0))", reason: "\(connection.path): its attempts cannot be read"))
      }
      let rejection = ExportRejection(
        exporter: statement.text(1), time: Timestamp(nanoseconds: statement.int(2)), count: Int(statement.int(3)),
        reason: statement.text(4), attempts: attempts ?? [])
      result.append(NumberedRejection(sequence: UInt64(clamping: statement.int(0)), rejection: rejection))
    }
    return result
  }
}

/// Encodes and decodes the attempts of a rejection: one per line, its number before its key.
package enum RejectedAttempts {
  package static func text(of attempts: [ExportRejection.Attempt]) -> String {
    attempts.map { "\($0.number) \($0.key)" }.joined(separator: "\n")
  }

  /// Nil if the text is damaged.
  package static func attempts(in text: String) -> [ExportRejection.Attempt]? {
    var attempts: [ExportRejection.Attempt] = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let number = Int(parts[0]), let key = SubjectKey(String(parts[1])) else { return nil }
      attempts.append(ExportRejection.Attempt(key: key, number: number))
    }
    return attempts
  }
}
