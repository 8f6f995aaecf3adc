import ValueStreamCore
import ValueStreamTesting

/// A generated history of one repository, with the commit graph that the events do not contain.
///
/// It has merges to main and to branches, branches created at a commit or first pushed with commits, and overlapping deploys
/// of their commits to one environment.
struct DeployHistory {
  /// The kind of branches beside main.
  enum Branches: CaseIterable {
    /// Branches that are never deployed.
    case merged
    /// Branches created at a commit of main.
    case madeAtCommit
    /// Branches first pushed with their own commits.
    case pushedWithCommits
    /// Branches first pushed with their own commits, into which main is merged later.
    case takingInMain
  }

  struct Change: Hashable {
    var key: SubjectKey
    /// The commit with which the change reached its base branch.
    var landed: String
  }

  struct Deploy {
    var key: SubjectKey
    var commit: String
    var end: Timestamp
    var isSuccess: Bool
  }

  private struct Branch {
    var name: String
    var head: String
    /// The number of pushes with commits to the branch.
    var commitCount = 0
  }

  private(set) var events: [Event] = []
  private(set) var updates: [BranchUpdate] = []
  private(set) var changes: [Change] = []
  private(set) var deploys: [Deploy] = []
  private var parents: [String: [String]] = ["c0": []]
  private var main = "c0"
  private var mainCommits = ["c0"]
  private var branches: [Branch] = []
  private var now = Timestamp(seconds: 1_700_000_000)
  private var commitNumber = 0
  private var branchNumber = 0
  /// The offset in seconds of the clock for deploys from the clock for pushes and merges.
  private let deployClock: Double

  init(seed: UInt64, branches kind: Branches, steps: Int = 60, deployClock: Double = -400) {
    var random = SeededRandom(seed: seed)
    self.deployClock = deployClock
    push(branch: "main", from: "b9", to: "c0", commits: ["c0"])
    deploy("c0", &random, isSuccess: true, minutes: 1)
    for _ in 0..<steps {
      now = now.advanced(bySeconds: Double(Int.random(in: 20...90, using: &random) * 60))
      switch Int.random(in: 0...9, using: &random) {
      case 0...2: mergeSquashed(&random)
      case 3: mergeBranch(nil, &random)
      case 4: if branches.count < 2 { open(kind, &random) }
      case 5: if !branches.isEmpty { workOnBranch(kind, &random) }
      case 6: if !branches.isEmpty, random.oneIn(2) { mergeBranch(branches.indices.randomElement(using: &random), &random) }
      default:
        let isBranch = kind != .merged && random.oneIn(3)
        let branch = isBranch ? branches.randomElement(using: &random)?.head : nil
        let isOlder = random.oneIn(4)
        let commit = branch ?? (isOlder ? mainCommits.suffix(4).randomElement(using: &random) : nil) ?? main
        deploy(commit, &random, isSuccess: !random.oneIn(6), minutes: Int.random(in: 1...200, using: &random))
      }
    }
  }

  // MARK: Expected result

  /// The successful deploys, in order of their ends.
  var successes: [Deploy] {
    deploys.filter(\.isSuccess).sorted { ($0.end, $0.key) < ($1.end, $1.key) }
  }

  /// The changes that a commit contains.
  func changes(in commit: String) -> Set<SubjectKey> {
    let commits = ancestors(of: commit)
    return Set(changes.filter { commits.contains($0.landed) }.map(\.key))
  }

  func ancestors(of commit: String) -> Set<String> {
    var seen: Set<String> = [commit]
    var waiting = [commit]
    while let next = waiting.popLast() {
      for parent in parents[next] ?? [] where seen.insert(parent).inserted { waiting.append(parent) }
    }
    return seen
  }

  func landed(_ change: SubjectKey) -> String? { changes.first { $0.key == change }?.landed }

  /// All commits with their parents, for failure messages.
  var graph: [String] { parents.map { "\($0)<\($1.joined(separator: "+"))" }.sorted() }

  func isOnMain(_ commit: String) -> Bool { mainCommits.contains(commit) }

  // MARK: Generation

  private mutating func newCommit(_ parents: [String]) -> String {
    commitNumber += 1
    let commit = "c\(commitNumber)"
    self.parents[commit] = parents
    return commit
  }

  private mutating func mergeSquashed(_ random: inout SeededRandom) {
    let old = main
    main = newCommit([old])
    mainCommits.append(main)
    merge(to: "main", as: main, head: "h\(main)")
    push(branch: "main", from: old, to: main, commits: [main])
    // Push a commit without a change.
    if random.oneIn(5) {
      let direct = newCommit([main])
      push(branch: "main", from: main, to: direct, commits: [direct])
      main = direct
      mainCommits.append(main)
    }
  }

  /// Merges with a merge commit: a known branch, or a branch without any push event if the index is nil.
  private mutating func mergeBranch(_ index: Int?, _ random: inout SeededRandom) {
    let old = main
    let head: String
    var name = "topic"
    if let index {
      let branch = branches.remove(at: index)
      head = branch.head
      name = branch.name
      guard branch.commitCount > 0 else { return }
    } else {
      head = newCommit([mainCommits.suffix(3).randomElement(using: &random) ?? old])
    }
    main = newCommit([old, head])
    mainCommits.append(main)
    let new = ancestors(of: main).subtracting(ancestors(of: old))
    merge(to: "main", as: main, head: head, from: name)
    push(branch: "main", from: old, to: main, commits: sorted(new))
  }

  private mutating func open(_ kind: Branches, _ random: inout SeededRandom) {
    branchNumber += 1
    let name = "branch\(branchNumber)"
    let start = mainCommits.suffix(3).randomElement(using: &random) ?? main
    if kind != .madeAtCommit {
      let commit = newCommit([start])
      branches.append(Branch(name: name, head: commit, commitCount: 1))
      push(branch: name, from: nil, to: commit, commits: [commit])
    } else {
      branches.append(Branch(name: name, head: start))
      push(branch: name, from: nil, to: start, commits: [])
    }
  }

  private mutating func workOnBranch(_ kind: Branches, _ random: inout SeededRandom) {
    let index = Int.random(in: branches.indices, using: &random)
    let old = branches[index].head
    let name = branches[index].name
    switch Int.random(in: 0...2, using: &random) {
    case 0:
      // Merge a change into the branch.
      let commit = newCommit([old])
      merge(to: name, as: commit, head: "h\(commit)")
      push(branch: name, from: old, to: commit, commits: [commit])
      branches[index].head = commit
    case 1 where kind == .takingInMain && !ancestors(of: old).contains(main):
      // Merge main into the branch.
      let commit = newCommit([old, main])
      let new = ancestors(of: commit).subtracting(ancestors(of: old))
      push(branch: name, from: old, to: commit, commits: sorted(new))
      branches[index].head = commit
    default:
      let commit = newCommit([old])
      push(branch: name, from: old, to: commit, commits: [commit])
      branches[index].head = commit
    }
    branches[index].commitCount += 1
  }

  private func sorted(_ commits: Set<String>) -> [String] {
    commits.sorted { (Int($0.dropFirst()) ?? 0) < (Int($1.dropFirst()) ?? 0) }
  }

  // MARK: Events

  private static func key(_ kind: String, _ id: String) -> SubjectKey {
    SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: id)
  }

  static func id(of commit: String) -> String {
    let digest = SHA256.hash(of: commit)
    return stride(from: 0, to: 24, by: 8).map { SpanID(rawValue: digest.word(at: $0)).description }.joined().prefix(40)
      .description
  }

  private mutating func push(branch: String, from old: String?, to new: String, commits: [String]) {
    updates.append(
      BranchUpdate(
        branch: Self.key("branch", branch), kind: old == nil ? .created : .moved, time: .vendor(now), before: old.map(Self.id),
        after: Self.id(of: new), commits: commits.map { BranchCommit(Self.id(of: $0), time: now) }, isForced: false,
        isDefaultBranch: branch == "main"))
  }

  private mutating func merge(to base: String, as commit: String, head: String, from branch: String = "topic") {
    let key = Self.key("pull_request", "\(changes.count + 1)")
    changes.append(Change(key: key, landed: commit))
    var event = Event(key: key, time: .vendor(now), attempt: .counted)
    event.operation = .pullRequest
    event.state = .ended
    event.outcome = .merged
    event.marks = [.begin(.vendor(now.advanced(bySeconds: -600))), .end(.vendor(now))]
    event.publishes = [Reference(.commit, Self.id(of: head)), Reference(.commit, Self.id(of: commit))]
    event.attributes.add("vcs.ref.base.name", base)
    event.attributes.add("vcs.ref.head.name", branch)
    event.attributes.add("vcs.ref.head.revision", Self.id(of: head))
    event.attributes.add("valuestream.change.merge_revision", Self.id(of: commit))
    events.append(event)
  }

  private mutating func deploy(_ commit: String, _ random: inout SeededRandom, isSuccess: Bool, minutes: Int) {
    let key = Self.key("deployment", "\(deploys.count + 1)")
    let start = now.advanced(bySeconds: deployClock + 1)
    let end = start.advanced(bySeconds: Double(minutes * 60))
    deploys.append(Deploy(key: key, commit: commit, end: end, isSuccess: isSuccess))
    var event = Event(key: key, time: .vendor(end))
    event.operation = .deploy
    event.state = .ended
    event.outcome = isSuccess ? .success : .failure
    event.marks = [.begin(.vendor(start)), .end(.vendor(end))]
    event.follows = [FollowStatement(.commit, [Reference(.commit, Self.id(of: commit))])]
    event.attributes.add("deployment.environment.name", "production")
    event.attributes.add("vcs.ref.head.revision", Self.id(of: commit))
    events.append(event)
  }
}
