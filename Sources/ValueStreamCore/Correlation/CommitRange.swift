/// What a branch brought between two commits, by the updates that lead from one to the other.
struct CommitRange: Sendable {
  /// How two commits of a branch stand to each other.
  enum Relation: Sendable, Hashable {
    case same
    /// The newer one comes after the older one.
    case ahead
    /// It is the other way round.
    case behind
    /// No chain of updates leads from one to the other, as far as is known.
    case unknown
  }

  var relation: Relation
  /// What came after the older commit, up to the newer one.
  var commits: [BranchCommit] = []
  /// The branches on the way, that of the newer commit first.
  var branches: [SpanKey] = []

  /// Walks back from both commits in turn, until one meets the other.
  ///
  /// - Parameter preferred: of several branches that stood at a commit, the one to go on with.
  static func between(
    _ older: String, _ newer: String, preferring preferred: BranchPreference, in store: any SpanStore
  ) throws -> CommitRange {
    if older == newer { return CommitRange(relation: .same) }
    var back = try Walk(from: newer, to: older, preferring: preferred, in: store)
    var forth = try Walk(from: older, to: newer, preferring: preferred, in: store)
    for _ in 0..<stepLimit where !(back.isOver && forth.isOver) {
      if try back.step() { return CommitRange(relation: .ahead, commits: back.commits, branches: back.branches) }
      if try forth.step() { return CommitRange(relation: .behind, branches: forth.branches) }
    }
    return CommitRange(relation: .unknown, branches: back.branches)
  }

  /// More updates than this lie between two deploys of nobody.
  private static let stepLimit = 1000

  /// From a commit back to the one before, update by update.
  private struct Walk {
    private let goal: String
    private let preferred: BranchPreference
    private let store: any SpanStore
    /// The update to be looked at next.
    private var update: BranchUpdate?
    /// Where in that update the commit stands from which the walk began, if it did not lead there.
    private var start: String?
    private var seen: Set<String> = []
    /// Newest last, of each update; the updates newest first.
    private(set) var commits: [BranchCommit] = []
    private(set) var branches: [SpanKey] = []

    var isOver: Bool { update == nil }

    init(from commit: String, to goal: String, preferring preferred: BranchPreference, in store: any SpanStore) throws {
      self.goal = goal
      self.preferred = preferred
      self.store = store
      update = preferred.choose(among: try store.branchUpdates(to: commit), afterMoving: nil)
      if update == nil, let branch = preferred.branch {
        // A commit in the middle of a push.
        update = try store.branchUpdates(of: branch, limit: CommitRange.stepLimit).last { update in
          update.commits.contains { $0.id == commit }
        }
        start = commit
      }
    }

    /// - Returns: true when the goal was met.
    mutating func step() throws -> Bool {
      guard let update, let after = update.after, seen.insert(after).inserted else {
        self.update = nil
        return false
      }
      if branches.last != update.branch { branches.append(update.branch) }
      var brought = update.commits
      if let start, let index = brought.lastIndex(where: { $0.id == start }) { brought.removeSubrange((index + 1)...) }
      if start == nil, brought.last?.id != after { brought.append(BranchCommit(after)) }
      start = nil
      if let index = brought.lastIndex(where: { $0.id == goal }) {
        commits += brought[(index + 1)...]
        return true
      }
      commits += brought
      if update.before == goal { return true }
      if let before = update.before {
        self.update = preferred.choose(among: try store.branchUpdates(to: before), afterMoving: update.branch)
      } else {
        // The branch began at a commit of another one.
        let others = try store.branchUpdates(to: after).filter { $0.branch != update.branch }
        seen.remove(after)
        self.update = preferred.choose(among: others, afterMoving: nil)
        if self.update?.before == nil { self.update = nil }
      }
      return false
    }
  }
}

/// Which branch is meant where several stood at a commit.
struct BranchPreference: Sendable {
  /// The deployed branch, where it is known.
  var branch: SpanKey?
  /// The repository of the deploy, as ``SpanKey/containerSpace``.
  var container: Substring?

  /// The update of the branch that the walk is on, else of the deployed branch, else of a default branch, else the first by name; of
  /// this repository where there is one. None where several repositories have the commit and none is this one.
  func choose(among updates: [BranchUpdate], afterMoving current: SpanKey?) -> BranchUpdate? {
    if let current { return updates.last { $0.branch == current } }
    let own = updates.filter { $0.branch.containerSpace == container }
    let candidates = own.isEmpty ? updates : own
    guard Set(candidates.map(\.branch.containerSpace)).count < 2 else { return nil }
    return candidates.last { $0.branch == branch } ?? candidates.last { $0.isDefaultBranch }
      ?? candidates.min { $0.branch < $1.branch }
  }
}
