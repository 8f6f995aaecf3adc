package import ValueStreamCore

/// What an older version left: it counted ends at once, kept no note of it, and had a list of changes and deploys that waited to be measured.
package struct FormerWaitingList {
  package static let valueName = "metrics.settling"

  private var waiting: [(key: SpanKey, attempt: Int, time: Timestamp)] = []

  /// One a line: time, attempt, key.
  package init(_ bytes: [UInt8]) {
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t")
      guard fields.count == 3, let time = Int64(fields[0]), let attempt = Int(fields[1]), let key = SpanKey(String(fields[2]))
      else { continue }
      waiting.append((key, attempt, Timestamp(nanoseconds: time)))
    }
  }

  /// What makes them wait as ends do now, with what was counted of them, and removes the list.
  package func changes(in store: any SpanStore) throws -> ProjectionChanges {
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

  /// Ends that an older version counted: all that are stored as announced.
  package static func countedBefore(_ key: SpanKey, in store: any SpanStore) throws -> [CountedEnd] {
    guard let subject = try store.subjects([key])[key] else { return [] }
    let announced = subject.outlines().filter { subject.announcedAttempts.contains($0.number) }
    return FinishedAttempt.all(announced, of: subject, at: .epoch).map { attempt in
      var end = CountedEnd(attempt)
      end.parts = .all
      return end
    }
  }
}
