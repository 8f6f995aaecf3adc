/// Looks up names that others may share, so that a reading costs no more if very many do.
extension TraceReader {
  /// The maximum number of publishers of an alias by day to read. Of more, only those that arrived next to the reader's subject
  /// are read. See ``DailyAlias``.
  package static let dayLimit = 1000

  /// The maximum number of deploys to read to find the one before a deploy or an incident.
  package static let earlierDeployLimit = 5000

  /// The maximum number of branch updates to one commit to read, the oldest ones.
  package static let branchMoveLimit = 1000

  /// The maximum number of changes to consider for one deploy.
  package static let changeLimit = 5000

  /// The number of names to look up at once.
  private static let namesAtOnce = 200

  /// Returns the publishers of references.
  ///
  /// A reference with too many publishers is absent, because it leads nowhere: see ``Correlator/publisherLimit``. So are those
  /// from the first on with which the result would exceed the limit.
  ///
  /// - Parameters:
  ///   - references: the most important first, each once.
  ///   - limit: the maximum number of publishers of all references together.
  mutating func publishers(
    of references: [Reference], atMost limit: Int = changeLimit
  ) throws -> [Reference: [SubjectKey]] {
    var result: [Reference: [SubjectKey]] = [:]
    var count = 0
    for start in stride(from: 0, to: references.count, by: Self.namesAtOnce) {
      let some = Array(references[start..<min(start + Self.namesAtOnce, references.count)])
      let found = try store.publishers(of: some, limit: Correlator.publisherLimit + 1)
      for reference in some {
        let keys = found[reference] ?? []
        guard keys.count <= Correlator.publisherLimit else {
          cutLookUpCount += 1
          continue
        }
        count += keys.count
        guard count <= limit else {
          cutLookUpCount += 1
          return result
        }
        result[reference] = keys
      }
    }
    return result
  }

  /// Returns the publishers of commits. See ``publishers(of:atMost:)``.
  mutating func publishers(
    ofCommits commits: some Sequence<String>, atMost limit: Int = changeLimit
  ) throws -> [Reference: [SubjectKey]] {
    var seen: Set<String> = []
    return try publishers(of: commits.filter { seen.insert($0).inserted }.map { Reference(.commit, $0) }, atMost: limit)
  }

  /// The publishers of an alias by day.
  struct DailyPublishers {
    var keys: [SubjectKey]
    /// False if there are more than ``TraceReader/dayLimit``.
    var isComplete: Bool
  }

  /// Returns the publishers of aliases by day.
  ///
  /// - Parameter neighbor: of an alias with too many publishers, those that arrived shortly before or after this subject are
  ///   returned. Nil for the last ones.
  mutating func publishers(
    onDays references: [Reference], near neighbor: SubjectKey?
  ) throws -> [Reference: DailyPublishers] {
    var result: [Reference: DailyPublishers] = [:]
    for start in stride(from: 0, to: references.count, by: Self.daysAtOnce) {
      let some = Array(references[start..<min(start + Self.daysAtOnce, references.count)])
      for (reference, keys) in try store.publishers(of: some, limit: Self.dayLimit + 1) {
        guard keys.count > Self.dayLimit else {
          result[reference] = DailyPublishers(keys: keys, isComplete: true)
          continue
        }
        cutLookUpCount += 1
        let place = try neighbor.flatMap { try store.places(of: [$0])[$0] } ?? .max
        let near = try store.publishers(of: reference, around: place, limit: Self.dayLimit / 2)
        result[reference] = DailyPublishers(keys: near, isComplete: false)
      }
    }
    return result
  }

  /// The number of aliases by day to look up at once.
  private static let daysAtOnce = 16
}
