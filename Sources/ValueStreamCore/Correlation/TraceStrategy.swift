/// Determines which ties between subjects form one trace: `--trace-strategy`.
///
/// Any other tie becomes a link from the child to its parent, named after its rule. The result depends only on the
/// subjects, so readers and exporters with the same strategy agree.
public enum TraceStrategy: String, Sendable, Hashable, CaseIterable {
  /// All ties: a change below its issue, a build below its change, a deploy below the change or build that it deploys.
  case nested
  /// Only ties within a run: a build or deploy with its jobs and other parts.
  ///
  /// Everything else is a trace of its own. No trace therefore lasts longer than a change or run, and the trace id of a
  /// run derives from the run's key.
  case linked

  /// Operations that last for days. Nothing is part of them.
  private static let longLived: Set<Operation> = [.issue, .incident, .pullRequest, .release, .sprint, .environment]
  /// Operations that start a trace, whatever triggered them.
  private static let runs: Set<Operation> = [.build, .deploy]

  /// True if a tree keeps the trace id under which a subject below its new root was exported.
  ///
  /// With `linked`, the trace id of a run derives from its key, even if one of its jobs was exported before the run was known.
  var adoptsExportedTraces: Bool { self == .nested }

  /// False if a trace does not continue below such a subject, except for exported subjects.
  func goesBelow(_ operation: Operation?) -> Bool {
    self == .nested || operation.map { !Self.longLived.contains($0) } ?? true
  }

  /// Returns the position of the trace's root among these operations.
  ///
  /// - Parameter operations: those of a subject and all its ancestors, in this order. Nil for subjects without spans.
  func root(of operations: some Collection<Operation?>) -> Int {
    if self == .nested { return max(0, operations.count - 1) }
    var root = 0
    var child = operations.first.flatMap { $0 }
    for (index, above) in operations.enumerated().dropFirst() {
      guard let above else { continue }
      if let child, !Self.isPart(child, of: above) { break }
      (root, child) = (index, above)
    }
    return root
  }

  private static func isPart(_ child: Operation, of parent: Operation) -> Bool {
    !runs.contains(child) && !longLived.contains(child) && !longLived.contains(parent)
  }
}
