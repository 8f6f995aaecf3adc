/// What a branch brought between two commits, by the updates that lead from one to the other.
struct CommitRange: Sendable {
  /// How two commits stand to each other.
  enum Relation: Sendable, Hashable {
    case same
    /// The newer one has commits that the older one has not: it follows it, or both parted from a third.
    case ahead
    /// It is the other way round.
    case behind
    /// No updates lead from both to one commit, as far as is known.
    case unknown
  }

  var relation: Relation
  /// What the newer commit has and the older one has not, the newest first.
  var commits: [BranchCommit] = []
  /// The branches on the way back from the newer commit to where both ways meet, its own first.
  var branches: [SpanKey] = []
  /// True when updates on either way list less than they brought.
  var isCutShort = false

  /// Walks back from both commits in turn, until the ways meet.
  ///
  /// - Parameter preferred: of several branches that stood at a commit, the one to go on with.
  static func between(
    _ older: String, _ newer: String, preferring preferred: BranchPreference, in store: any SpanStore
  ) throws -> CommitRange {
    if older == newer { return CommitRange(relation: .same) }
    var newerWay = try Walk(from: newer, preferring: preferred, in: store)
    var olderWay = try Walk(from: older, preferring: preferred, in: store)
    for _ in 0..<stepLimit where !(newerWay.isOver && olderWay.isOver) {
      if let commit = try newerWay.step(untilMeeting: olderWay) ?? olderWay.step(untilMeeting: newerWay) {
        return CommitRange(olderWay, newerWay, meetingAt: commit)
      }
    }
    return CommitRange(relation: .unknown, branches: newerWay.passed.branches)
  }

  private init(relation: Relation, commits: [BranchCommit] = [], branches: [SpanKey] = []) {
    self.relation = relation
    self.commits = commits
    self.branches = branches
  }

  private init(_ older: Walk, _ newer: Walk, meetingAt commit: String) {
    let (olderWay, newerWay) = (older.passed(before: commit), newer.passed(before: commit))
    let known = Set(olderWay.commits.map(\.id))
    let commits = newerWay.commits.filter { !known.contains($0.id) }
    self.init(relation: commits.isEmpty ? .behind : .ahead, commits: commits, branches: newerWay.branches)
    isCutShort = olderWay.isCutShort || newerWay.isCutShort
  }

  /// More updates than this lie between two deploys of nobody.
  private static let stepLimit = 1000

  /// From a commit back to those before, update by update.
  private struct Walk {
    private let preferred: BranchPreference
    private let store: any SpanStore
    /// The update to be looked at next.
    private var update: BranchUpdate?
    /// Where in that update the commit stands from which the walk began, if it did not lead there.
    private var start: String?
    private var seen: Set<BranchUpdate> = []
    /// What was passed so far.
    private(set) var passed = Passed()
    /// How much was passed before each commit at which a branch stood. What a push lists between two of these may have come in by a
    /// merge, so that nothing is known of what it follows.
    private var places: [String: Place]
    /// The commit from which the walk began if no branch is known to have stood or passed there.
    private let lost: String?

    var isOver: Bool { update == nil }

    init(from commit: String, preferring preferred: BranchPreference, in store: any SpanStore) throws {
      self.preferred = preferred
      self.store = store
      places = [commit: Place()]
      var update = preferred.choose(among: try store.branchUpdates(to: commit), afterMoving: nil)
      if update == nil, let branch = preferred.branch {
        // A commit in the middle of a push.
        update = try store.branchUpdates(of: branch, limit: CommitRange.stepLimit).last { update in
          update.commits.contains { $0.id == commit }
        }
        start = commit
      }
      self.update = update
      lost = update == nil ? commit : nil
    }

    struct Passed {
      /// The newest first.
      var commits: [BranchCommit] = []
      var branches: [SpanKey] = []
      var isCutShort = false
    }

    private struct Place {
      var commitCount = 0
      var branchCount = 0
      var isCutShort = false
    }

    func passed(before commit: String) -> Passed {
      let place = places[commit] ?? Place()
      return Passed(
        commits: Array(passed.commits.prefix(place.commitCount)), branches: Array(passed.branches.prefix(place.branchCount)),
        isCutShort: place.isCutShort)
    }

    /// - Returns: the first commit on this way at which the other one stood too.
    mutating func step(untilMeeting other: Walk) throws -> String? {
      guard let update, seen.insert(update).inserted, let after = update.after else {
        self.update = nil
        return nil
      }
      if passed.branches.last != update.branch { passed.branches.append(update.branch) }
      passed.isCutShort = passed.isCutShort || update.isCutShort
      for commit in brought(by: update, to: after).reversed() {
        if commit.id == other.lost { return arrive(at: commit.id, on: other) }
        passed.commits.append(commit)
      }
      if let before = update.before, let meeting = arrive(at: before, on: other) { return meeting }
      self.update = try following(update, after)
      return nil
    }

    /// The commits of an update, the newest last, which the vendor may have left out.
    private mutating func brought(by update: BranchUpdate, to after: String) -> [BranchCommit] {
      var commits = update.commits
      if let start, let index = commits.lastIndex(where: { $0.id == start }) {
        commits.removeSubrange((index + 1)...)
      } else if commits.last?.id != after {
        commits.append(BranchCommit(after))
      }
      start = nil
      return commits
    }

    private mutating func arrive(at commit: String, on other: Walk) -> String? {
      if places[commit] == nil {
        places[commit] = Place(
          commitCount: passed.commits.count, branchCount: passed.branches.count, isCutShort: passed.isCutShort)
      }
      return other.places[commit] == nil ? nil : commit
    }

    private func following(_ update: BranchUpdate, _ after: String) throws -> BranchUpdate? {
      if let before = update.before {
        let updates = try store.branchUpdates(to: before).filter { !seen.contains($0) }
        return preferred.choose(among: updates, afterMoving: update.branch)
      }
      // The branch began at a commit of another one.
      let others = try store.branchUpdates(to: after).filter { $0.branch != update.branch && $0.before != nil }
      return preferred.choose(among: others, afterMoving: nil)
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
  /// this repository where there is one. None where several repositories have the commit and none is this one. Of several of a branch
  /// the last that went on from what was there.
  func choose(among updates: [BranchUpdate], afterMoving current: SpanKey?) -> BranchUpdate? {
    if let current { return Self.last(of: updates.filter { $0.branch == current }) }
    let own = updates.filter { $0.branch.containerSpace == container }
    let candidates = own.isEmpty ? updates : own
    guard Set(candidates.map(\.branch.containerSpace)).count < 2 else { return nil }
    let first = candidates.lazy.map(\.branch).min()
    return Self.last(of: candidates.filter { $0.branch == branch }) ?? Self.last(of: candidates.filter(\.isDefaultBranch))
      ?? Self.last(of: candidates.filter { $0.branch == first })
  }

  private static func last(of updates: [BranchUpdate]) -> BranchUpdate? {
    updates.last { !$0.isForced } ?? updates.last
  }
}
