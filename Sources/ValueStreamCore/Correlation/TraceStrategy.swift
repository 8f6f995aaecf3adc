/// Which ties between things make one trace of them: `--trace-strategy`.
///
/// A tie that does not is a link from the child to its parent, under the name of its rule. A pure function of what is known:
/// readers and exporters that use the same strategy agree.
public enum TraceStrategy: String, Sendable, Hashable, CaseIterable {
  /// All ties: a change below its issue, a build below its change, a deploy below what it brings.
  case nested
  /// Only those within a run: a build or a deploy with its jobs and what else is part of it. Everything else is a trace of its
  /// own, so none lasts longer than a change or a run, and the trace of a run follows from the run's own key.
  case linked

  /// Things that live for days: nothing is part of them.
  private static let longLived: Set<Operation> = [.issue, .incident, .pullRequest, .release, .sprint, .environment]
  /// What a trace begins with, whatever it was started by.
  private static let runs: Set<Operation> = [.build, .deploy]

  /// True when a tree keeps the trace that something below its new root was exported under. Where the trace of a run is to
  /// follow from its key, a job that went out before its run was heard of must not decide it.
  var adoptsExportedTraces: Bool { self == .nested }

  /// False when no trace goes on below such a thing, but for what was exported.
  func goesBelow(_ operation: Operation?) -> Bool {
    self == .nested || operation.map { !Self.longLived.contains($0) } ?? true
  }

  /// Where the trace of a thing has its root.
  ///
  /// - Parameter operations: of the thing and of everything above it, in this order; nil for things without spans.
  /// - Returns: the place of the root among them.
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
