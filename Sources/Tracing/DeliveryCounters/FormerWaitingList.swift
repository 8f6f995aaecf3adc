package import ValueStreamCore

/// The list of changes and deploys awaiting measurement that an older version stored, for migration.
///
/// That version counted ends at once and did not record what it counted.
package struct FormerWaitingList {
  package static let valueName = "metrics.settling"

  private var waiting: [(key: SubjectKey, attempt: Int, time: Timestamp)] = []

  /// Reads the stored list: one line per entry with time in nanoseconds, attempt and key, separated by tabs. Skips
  /// lines that it cannot read.
  package init(_ bytes: [UInt8]) {
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t")
      guard fields.count == 3, let time = Int64(fields[0]), let attempt = Int(fields[1]), let key = SubjectKey(String(fields[2]))
      else { continue }
      waiting.append((key, attempt, Timestamp(nanoseconds: time)))
    }
  }

  /// Returns changes that replace the list with entries awaiting measurement in the current format, and remove the
  /// list.
  ///
  /// Skips a subject that can never be read.
  ///
  /// - Throws: ``StoreError`` if the store cannot be read at present. Try again later.
  package func changes(in store: any ProjectionStore) throws -> ProjectionChanges {
    var changes = ProjectionChanges()
    changes.values[Self.valueName] = []
    for (key, entries) in Dictionary(grouping: waiting, by: \.key) {
      guard let since = entries.map(\.time).min() else { continue }
      var ends: [CountedEnd]
      do {
        ends = try Self.countedBefore(key, in: store)
      } catch let error as StoreError where !error.isRetryable {
        continue
      }
      for index in ends.indices where entries.contains(where: { $0.attempt == ends[index].attempt }) {
        ends[index].parts = .countedAtOnce
      }
      changes.measurements[key] = .awaits(since: since, counted: CountedEnd.encode(ends))
    }
    return changes
  }

  /// Returns the ends that an older version counted: those of all attempts that are recorded as in the outbox.
  ///
  /// - Throws: ``StoreError`` if the subject cannot be read.
  package static func countedBefore(_ key: SubjectKey, in store: any ProjectionStore) throws -> [CountedEnd] {
    guard let subject = try store.subjects([key])[key] else { return [] }
    let inOutbox = subject.outlines().filter { subject.outboxAttempts.contains($0.number) }
    return FinishedAttempt.all(inOutbox, of: subject, at: .epoch).map { attempt in
      var end = CountedEnd(attempt)
      end.parts = .all
      return end
    }
  }
}
