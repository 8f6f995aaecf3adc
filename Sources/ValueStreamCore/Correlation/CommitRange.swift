/// The commits that a branch gained between two commits, computed from the branch updates that lead from one to the other.
struct CommitRange: Sendable {
  /// How two commits relate to each other.
  enum Relation: Sendable, Hashable {
    case same
    /// The newer commit contains commits that the older one lacks: it follows the older one, or both diverged from a third.
    case ahead
    /// The newer commit contains no commit that the older one lacks.
    case behind
    /// The known updates do not lead back from both to a common commit.
    case unknown
  }

  var relation: Relation
  /// The commits that the newer commit contains and the older one lacks, newest first.
  var commits: [BranchCommit] = []
  /// The branches on the way from the newer commit back to where both ways meet, starting with its own.
  var branches: [SubjectKey] = []
  /// The updates on this way, newest first. The range may contain only a part of the commits of the first and last one.
  var updates: [BranchUpdate] = []
  /// True if updates on either way list fewer commits than they contain.
  var isCutShort = false

  /// Walks back from both commits alternately until the ways meet.
  ///
  /// - Parameter preferred: selects the branch to follow if several branches pointed to a commit.
  static func between(
    _ older: String, _ newer: String, preferring preferred: BranchPreference, in branches: BranchUpdates
  ) throws -> CommitRange {
    if older == newer { return CommitRange(relation: .same) }
    var newerWay = try Walk(from: newer, preferring: preferred, in: branches)
    var olderWay = try Walk(from: older, preferring: preferred, in: branches)
    for _ in 0..<stepLimit where !(newerWay.isOver && olderWay.isOver) {
      if let meeting = try newerWay.step(untilMeeting: olderWay, as: .newer)
        ?? olderWay.step(untilMeeting: newerWay, as: .older)
      {
        return CommitRange(try olderWay.complete(for: newerWay, from: older), newerWay, at: meeting)
      }
    }
    return CommitRange(relation: .unknown, branches: newerWay.passed.branches)
  }

  private init(
    relation: Relation, commits: [BranchCommit] = [], branches: [SubjectKey] = [], updates: [BranchUpdate] = []
  ) {
    self.relation = relation
    self.commits = commits
    self.branches = branches
    self.updates = updates
  }

  private init(_ older: Walk, _ newer: Walk, at meeting: Meeting) {
    let newerWay = newer.passed(before: meeting.commit)
    // The older commit contains everything that its way passed, even beyond the meeting point.
    let commits = newerWay.commits.filter { !older.hasPassed($0.id) }
    self.init(
      relation: commits.isEmpty ? .behind : .ahead, commits: commits, branches: newerWay.branches, updates: newerWay.updates)
    isCutShort = newerWay.isCutShort || !meeting.isWithinOlder && older.passed(before: meeting.commit).isCutShort
  }

  /// Upper bound on the branch updates to visit for one commit.
  private static let stepLimit = 1000

  /// The point where two ways back meet.
  private struct Meeting {
    var commit: String
    /// True if the older commit is known to contain this one and all its ancestors, although perhaps no branch pointed to it.
    var isWithinOlder = false
  }

  private enum Role { case older, newer }

  /// The history of one commit, for comparison with several others. Walks back from the commit only once.
  struct History {
    private let commit: String
    private let preferred: BranchPreference
    private let branches: BranchUpdates
    private var way: Walk
    private var stepsLeft = stepLimit

    init(of commit: String, preferring preferred: BranchPreference, in branches: BranchUpdates) throws {
      self.commit = commit
      self.preferred = preferred
      self.branches = branches
      way = try Walk.toEnd(from: commit, preferring: preferred, in: branches)
    }

    /// True if the walk ended at the first push of a branch that already contained new commits. Earlier commits are then unknown.
    var beganWithCommits: Bool { way.beganWithCommits }

    /// Returns all known commits of this history that none of the others contains.
    func all(without others: [History] = []) -> CommitRange {
      let commits = way.passed.commits.filter { commit in !others.contains { $0.contains(commit.id) } }
      var range = CommitRange(
        relation: .ahead, commits: commits, branches: way.passed.branches, updates: way.passed.updates)
      range.isCutShort = way.passed.isCutShort
      return range
    }

    /// True if no branch is known to have pointed to the commit.
    var isUnknown: Bool { way.passed.branches.isEmpty }

    /// True if this history is known to contain a commit.
    func contains(_ commit: String) -> Bool { way.hasPassed(commit) }

    /// Compares the commit with an older one.
    ///
    /// All calls share one limit on the number of updates to visit. Beyond it, the relation is `unknown`.
    mutating func range(since older: String) throws -> CommitRange {
      if older == commit { return CommitRange(relation: .same) }
      var olderWay = try Walk(from: older, preferring: preferred, in: branches)
      if let meeting = way.meetingAtStart(of: olderWay, from: older) {
        return CommitRange(try olderWay.complete(for: way, from: older), way, at: meeting)
      }
      while !olderWay.isOver, stepsLeft > 0 {
        stepsLeft -= 1
        if let meeting = try olderWay.step(untilMeeting: way, as: .older) {
          return CommitRange(try olderWay.complete(for: way, from: older), way, at: meeting)
        }
      }
      return CommitRange(relation: .unknown, branches: way.passed.branches)
    }
  }

  /// Walks from a commit back to earlier ones, update by update.
  private struct Walk {
    private let preferred: BranchPreference
    private let branches: BranchUpdates
    /// The update to visit next.
    private var update: BranchUpdate?
    /// The start commit, if it is in the middle of the first update rather than its result.
    private var start: String?
    private var seen: Set<BranchUpdate> = []
    /// Everything passed so far.
    private(set) var passed = Passed()
    /// For each commit that a branch pointed to, how much the walk passed before it.
    ///
    /// Commits that a push lists between two of these may come from a merge, so their ancestors are unknown.
    private var places: [String: Place]
    /// For each commit listed by an update, how much the walk passed before it.
    private var listed: [String: Place] = [:]
    /// The start commit if no known update leads to it or lists it. Nil otherwise.
    private let lost: String?
    /// True if the way ends at the first push of a branch that already contained new commits. Their ancestors are unknown.
    private(set) var beganWithCommits = false
    /// True if the way continued at a commit that the branch had merged from another branch.
    private(set) var hasTakenIn = false

    var isOver: Bool { update == nil }

    init(from commit: String, preferring preferred: BranchPreference, in branches: BranchUpdates) throws {
      self.preferred = preferred
      self.branches = branches
      places = [commit: Place()]
      var update = preferred.choose(among: try branches.updates(to: commit), afterMoving: nil)
      if update == nil, let branch = preferred.branch {
        // The commit is in the middle of a push.
        update = try branches.history(of: branch, limit: CommitRange.stepLimit).lastUpdate(listing: commit)
        start = commit
      }
      self.update = update
      lost = update == nil ? commit : nil
    }

    static func toEnd(
      from commit: String, preferring preferred: BranchPreference, in branches: BranchUpdates
    ) throws -> Walk {
      var way = try Walk(from: commit, preferring: preferred, in: branches)
      let nothing = Walk(preferring: preferred, in: branches)
      for _ in 0..<CommitRange.stepLimit where !way.isOver { _ = try way.step(untilMeeting: nothing, as: .newer) }
      return way
    }

    /// Returns the way of an older commit, walked as far as a comparison with a newer one needs it.
    ///
    /// If the newer way continued on a merged branch, it may pass the merged commits before the point where that branch
    /// stood, and the older way only after it. The older way must then be walked to its end.
    func complete(for newer: Walk, from commit: String) throws -> Walk {
      newer.hasTakenIn ? try Walk.toEnd(from: commit, preferring: preferred, in: branches) : self
    }

    /// Creates a walk without steps.
    init(preferring preferred: BranchPreference, in branches: BranchUpdates) {
      self.preferred = preferred
      self.branches = branches
      places = [:]
      lost = nil
    }

    struct Passed {
      /// The commits, newest first.
      var commits: [BranchCommit] = []
      var branches: [SubjectKey] = []
      var updates: [BranchUpdate] = []
      var isCutShort = false
    }

    private struct Place {
      var commitCount = 0
      var branchCount = 0
      var updateCount = 0
      var isCutShort = false
    }

    func passed(before commit: String) -> Passed {
      let place = places[commit] ?? listed[commit] ?? Place()
      return Passed(
        commits: Array(passed.commits.prefix(place.commitCount)), branches: Array(passed.branches.prefix(place.branchCount)),
        updates: Array(passed.updates.prefix(place.updateCount)), isCutShort: place.isCutShort)
    }

    /// True if the start commit contains this commit: it is the start commit itself or lies on the way passed so far.
    func hasPassed(_ commit: String) -> Bool { listed[commit] != nil || places[commit] != nil }

    /// Visits the next update.
    ///
    /// - Returns: the commit at which this way meets the other one. Nil if they do not meet at this update.
    mutating func step(untilMeeting other: Walk, as role: Role) throws -> Meeting? {
      guard let update, seen.insert(update).inserted, let after = update.after else {
        self.update = nil
        return nil
      }
      if passed.branches.last != update.branch { passed.branches.append(update.branch) }
      passed.updates.append(update)
      passed.isCutShort = passed.isCutShort || update.isCutShort
      for commit in brought(by: update, to: after).reversed() {
        if commit.id == other.lost {
          arrive(at: commit.id)
          return Meeting(commit: commit.id)
        }
        if role == .older, other.places[commit.id] != nil { return Meeting(commit: commit.id, isWithinOlder: true) }
        if listed[commit.id] == nil { listed[commit.id] = place }
        passed.commits.append(commit)
      }
      if let before = update.before {
        arrive(at: before)
        if other.places[before] != nil { return Meeting(commit: before) }
        if role == .newer, other.listed[before] != nil { return Meeting(commit: before, isWithinOlder: true) }
      }
      self.update = try following(update, after)
      return nil
    }

    /// Returns where this way, walked to its end, meets another one that has not left its start. Nil if that one must
    /// be walked, too.
    func meetingAtStart(of older: Walk, from commit: String) -> Meeting? {
      if places[commit] != nil || older.lost != nil && listed[commit] != nil { return Meeting(commit: commit) }
      return nil
    }

    /// Returns the commits of an update, newest last. Adds the newest one if the vendor left it out.
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

    private var place: Place {
      Place(
        commitCount: passed.commits.count, branchCount: passed.branches.count, updateCount: passed.updates.count,
        isCutShort: passed.isCutShort)
    }

    private mutating func arrive(at commit: String) {
      if places[commit] == nil { places[commit] = place }
    }

    private mutating func following(_ update: BranchUpdate, _ after: String) throws -> BranchUpdate? {
      if let before = update.before {
        let updates = try branches.updates(to: before).filter { !seen.contains($0) }
        return preferred.choose(among: updates, afterMoving: update.branch)
      }
      // The branch started at a commit of another branch.
      let others = try branches.updates(to: after).filter { $0.branch != update.branch && $0.before != nil }
      if let other = preferred.choose(among: others, afterMoving: nil) { return other }
      if let other = try mergedIn(update) { return other }
      // The first commits of a default branch have no ancestors. Those of any other branch have, but they are unknown here.
      beganWithCommits = !update.isDefaultBranch
      return nil
    }

    /// Finds another branch that was merged into a branch whose first push already contained new commits.
    ///
    /// Returns the update that moved the other branch to the merged commit. The branch contains everything that the
    /// other one had there. Nil if there is none.
    private mutating func mergedIn(_ creation: BranchUpdate) throws -> BranchUpdate? {
      let foreign = passed.commits.lazy.filter { [places] in places[$0.id] == nil }.prefix(Self.mergedInLimit)
      for commit in Array(foreign) {
        let others = try branches.updates(to: commit.id)
          .filter { $0.branch != creation.branch && $0.before != nil && !seen.contains($0) }
        guard let other = preferred.choose(among: others, afterMoving: nil) else { continue }
        arrive(at: commit.id)
        hasTakenIn = true
        return other
      }
      return nil
    }

    /// Upper bound on the commits to check for a merged branch.
    private static let mergedInLimit = 32
  }
}

/// Selects one branch if several branches pointed to a commit.
struct BranchPreference: Sendable {
  /// The deployed branch. Nil if it is unknown.
  var branch: SubjectKey?
  /// The repository of the deploy, as ``SubjectKey/containerSpace``.
  var container: Substring?

  /// Chooses the update to follow. Nil if there is none, or if it is ambiguous.
  ///
  /// With a current branch, this is an update of that branch. Otherwise, updates of the deploy's repository come before
  /// others; among these, the deployed branch wins, then a default branch, then the first by key. It is ambiguous if
  /// several repositories contain the commit and none of them is the deploy's. Of several updates of one branch, the
  /// last that was not a forced push wins, or else the last.
  func choose(among updates: [BranchUpdate], afterMoving current: SubjectKey?) -> BranchUpdate? {
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
