/// A move of a branch from one commit to another.
///
/// Branch updates give the order of commits, from which a deploy's changes are found.
public struct BranchUpdate: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable {
    case moved = 0
    case created = 1
    case deleted = 2
  }

  /// The key of the branch: `<source>:<host>:<container>:branch:<name>`.
  public var branch: SubjectKey
  public var kind: Kind
  public var time: EventTime
  /// The previous head; nil if the branch was created, or if the sender names no commits.
  public var before: String?
  /// The new head; nil if the branch was deleted, or if the sender names no commits.
  public var after: String?
  /// The commits of the push, oldest first, as far as the vendor lists them.
  public var commits: [BranchCommit]
  /// True if the push rewrote history, so that `before` need not be an ancestor of `after`.
  public var isForced: Bool
  public var isDefaultBranch: Bool
  /// True if the push has more commits than ``commits`` lists.
  public var isCutShort: Bool

  public init(
    branch: SubjectKey, kind: Kind, time: EventTime, before: String?, after: String?, commits: [BranchCommit], isForced: Bool,
    isDefaultBranch: Bool, isCutShort: Bool = false
  ) {
    self.branch = branch
    self.kind = kind
    self.time = time
    self.before = before
    self.after = after
    self.commits = commits
    self.isForced = isForced
    self.isDefaultBranch = isDefaultBranch
    self.isCutShort = isCutShort
  }
}

extension BranchUpdate {
  /// Orders updates by time and, at the same time, by branch and commits, so that the order never depends on arrival.
  public func precedes(_ other: BranchUpdate) -> Bool {
    (time.timestamp, branch, after ?? "", before ?? "") < (
      other.time.timestamp, other.branch, other.after ?? "", other.before ?? ""
    )
  }
}

/// A commit that reached a branch.
public struct BranchCommit: Sendable, Hashable {
  /// The full hash, in lower case.
  public var id: String
  /// When the commit was made; nil if the payload does not say.
  public var time: Timestamp?
  /// The services whose files the commit changes, by ``ServiceRules/paths``.
  ///
  /// Nil if there are no such rules or the vendor lists no files.
  public var services: [String]?

  public init(_ id: String, time: Timestamp? = nil, services: [String]? = nil) {
    self.id = id
    self.time = time
    self.services = services
  }
}
