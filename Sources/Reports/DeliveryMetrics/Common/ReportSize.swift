/// Keeps reports small, however many names senders make up.
enum ReportSize {
  /// The most cells of a report. A group counts once, and once for each bucket of its trend.
  static let cellLimit = 15_000

  /// Returns the largest groups that fit into a report, in their order, and the number of the others.
  static func fitting<Group>(
    _ groups: [Group], buckets: Int, size: (Group) -> Int
  ) -> (groups: [Group], leftOutCount: Int) {
    let limit = max(1, cellLimit / (1 + buckets))
    guard groups.count > limit else { return (groups, 0) }
    let largest = groups.indices.sorted { left, right in
      let (more, less) = (size(groups[left]), size(groups[right]))
      return more != less ? more > less : left < right
    }
    return (largest.prefix(limit).sorted().map { groups[$0] }, groups.count - limit)
  }
}
