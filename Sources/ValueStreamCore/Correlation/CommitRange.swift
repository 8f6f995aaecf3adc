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

  private init(relation: Relation, commits: [BranchCommit] = [], branches: [SpanKey] = []) {
    self.relation = relation
    self.commits = commits
    self.branches = branches
  }

  private init(_ older: Walk, _ newer: Walk, at meeting: Meeting) {
    let newerWay = newer.passed(before: meeting.commit)
    // Whatever the older way passed, the older commit has, also behind the place where the ways meet.
    let commits = newerWay.commits.filter { !older.hasPassed($0.id) }
    self.init(relation: commits.isEmpty ? .behind : .ahead, commits: commits, branches: newerWay.branches)
    isCutShort = newerWay.isCutShort || !meeting.isWithinOlder && older.passed(before: meeting.commit).isCutShort
  }

  /// Upper bound on the branch updates that are looked at for one commit.
  private static let stepLimit = 1000

  /// Where two ways back meet.
  private struct Meeting {
    var commit: String
    /// True where the older commit is known to have this one, and with it all that is before it, though no branch may have stood there.
    var isWithinOlder = false
  }

  private enum Role { case older, newer }

  /// What leads to a commit from others, which are asked for one after the other: the way back from it is walked once.
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

    /// True for a commit of a branch that was first pushed with commits of its own: of what it has only these are known.
    var beganWithCommits: Bool { way.beganWithCommits }

    /// All that the commit has and others have not, as far as that is known.
    func all(without others: [History] = []) -> CommitRange {
      let commits = way.passed.commits.filter { commit in !others.contains { $0.contains(commit.id) } }
      var range = CommitRange(relation: .ahead, commits: commits, branches: way.passed.branches)
      range.isCutShort = way.passed.isCutShort
      return range
    }

    /// True where no branch is known to have stood at the commit.
    var isUnknown: Bool { way.passed.branches.isEmpty }

    /// Whether it is known to have another commit.
    func contains(_ commit: String) -> Bool { way.hasPassed(commit) }

    /// How the commit stands to an older one: unknown also after too much was looked at for those that were asked for before.
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

  /// From a commit back to those before, update by update.
  private struct Walk {
    private let preferred: BranchPreference
    private let branches: BranchUpdates
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
    /// How much was passed before each commit that was.
    private var listed: [String: Place] = [:]
    /// The commit from which the walk began if no branch is known to have stood or passed there.
    private let lost: String?
    /// True where the way ends at the beginning of a branch that was first pushed with commits: what they follow is not known.
    private(set) var beganWithCommits = false
    /// True where the way went on at a commit that a branch took in.
    private(set) var hasTakenIn = false

    var isOver: Bool { update == nil }

    init(from commit: String, preferring preferred: BranchPreference, in branches: BranchUpdates) throws {
      self.preferred = preferred
      self.branches = branches
      places = [commit: Place()]
      var update = preferred.choose(among: try branches.updates(to: commit), afterMoving: nil)
      if update == nil, let branch = preferred.branch {
        // A commit in the middle of a push.
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

    /// The way of an older commit as far as a newer one needs it: what a branch took in, the newer way passes before the place where
    /// the other branch stood, and the older way after it.
    func complete(for newer: Walk, from commit: String) throws -> Walk {
      newer.hasTakenIn ? try Walk.toEnd(from: commit, preferring: preferred, in: branches) : self
    }

    /// One that leads nowhere and begins nowhere.
    init(preferring preferred: BranchPreference, in branches: BranchUpdates) {
      self.preferred = preferred
      self.branches = branches
      places = [:]
      lost = nil
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
      let place = places[commit] ?? listed[commit] ?? Place()
      return Passed(
        commits: Array(passed.commits.prefix(place.commitCount)), branches: Array(passed.branches.prefix(place.branchCount)),
        isCutShort: place.isCutShort)
    }

    /// Whether the commit from which the walk began has this one: itself, or on its way back.
    func hasPassed(_ commit: String) -> Bool { listed[commit] != nil || places[commit] != nil }

    /// - Returns: the first commit on this way at which the other one stood too, or which tells what the newer one has.
    mutating func step(untilMeeting other: Walk, as role: Role) throws -> Meeting? {
      guard let update, seen.insert(update).inserted, let after = update.after else {
        self.update = nil
        return nil
      }
      if passed.branches.last != update.branch { passed.branches.append(update.branch) }
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

    /// Where this way, walked to its end, met another one that begins at a commit: nil where it has to be walked, too.
    func meetingAtStart(of older: Walk, from commit: String) -> Meeting? {
      if places[commit] != nil || older.lost != nil && listed[commit] != nil { return Meeting(commit: commit) }
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

    private var place: Place {
      Place(commitCount: passed.commits.count, branchCount: passed.branches.count, isCutShort: passed.isCutShort)
    }

    private mutating func arrive(at commit: String) {
      if places[commit] == nil { places[commit] = place }
    }

    private mutating func following(_ update: BranchUpdate, _ after: String) throws -> BranchUpdate? {
      if let before = update.before {
        let updates = try branches.updates(to: before).filter { !seen.contains($0) }
        return preferred.choose(among: updates, afterMoving: update.branch)
      }
      // The branch began at a commit of another one.
      let others = try branches.updates(to: after).filter { $0.branch != update.branch && $0.before != nil }
      if let other = preferred.choose(among: others, afterMoving: nil) { return other }
      if let other = try mergedIn(update) { return other }
      // What the first commits of all follow is nothing.
      beganWithCommits = !update.isDefaultBranch
      return nil
    }

    /// Where another branch stood that a branch took in which was first pushed with commits: it has all that the other one had there.
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

    /// Upper bound on the commits that are looked at to find where another branch was taken in.
    private static let mergedInLimit = 32
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
