/// A branch moved from one commit to another: the order of commits, which ties deploys to the changes they bring.
public struct BranchUpdate: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable {
    case moved = 0
    case created = 1
    case deleted = 2
  }

  /// The branch, as `<source>:<host>:<container>:branch:<name>`.
  public var branch: SpanKey
  public var kind: Kind
  public var time: EventTime
  /// The commit before; nil when the branch was created, or the sender names no commits.
  public var before: String?
  /// The commit after; nil when the branch was deleted, or the sender names no commits.
  public var after: String?
  /// Commits the push brought, oldest first, as far as the vendor lists them.
  public var commits: [BranchCommit]
  /// True when history was rewritten: `before` need not be an ancestor of `after`.
  public var isForced: Bool
  public var isDefaultBranch: Bool
  /// True when the push brought more commits than are listed.
  public var isCutShort: Bool

  public init(
    branch: SpanKey, kind: Kind, time: EventTime, before: String?, after: String?, commits: [BranchCommit], isForced: Bool,
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
  /// The order of updates: by time, then by what they say, so that it is the same everywhere.
  public func precedes(_ other: BranchUpdate) -> Bool {
    (time.timestamp, branch, after ?? "", before ?? "") < (
      other.time.timestamp, other.branch, other.after ?? "", other.before ?? ""
    )
  }
}

/// A commit that came to a branch.
public struct BranchCommit: Sendable, Hashable {
  /// The full hash, lower case.
  public var id: String
  /// When it was made.
  public var time: Timestamp?
  /// The services whose files it changed, by the rules of the user; nil where the rules name no files, or the vendor lists none.
  public var services: [String]?

  public init(_ id: String, time: Timestamp? = nil, services: [String]? = nil) {
    self.id = id
    self.time = time
    self.services = services
  }
}
