/// A name by which one thing is known to others.
///
/// A span *publishes* references (its aliases); an event *follows* references to its parent. Both meet when kind and value
/// are equal. Open: later sources bring kinds of their own.
public struct Reference: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// What namespace a reference's value lives in.
  public struct Kind: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(stringLiteral value: String) { rawValue = value }

    /// A span key; every span publishes its own without saying so.
    public static let key: Kind = "key"
    /// A classic id: `vstrace-<source>-<type>-<namespace>-<id>`.
    public static let classicID: Kind = "classic"
    /// What custom HTTP senders call a thing: `<namespace>/<id>`.
    public static let customID: Kind = "custom"
    /// A full commit hash, lower case.
    public static let commit: Kind = "commit"
    /// A commit by how its hash begins, lower case: seven characters or more.
    public static let shortCommit: Kind = "short_commit"
    /// A change by its branch: `<host>/<repository in lower case>@<branch>`.
    public static let branch: Kind = "branch"
    /// A change by its number, in lower case: `<host>/<repository>!<number>`.
    public static let change: Kind = "change"
    /// An issue by number, in lower case, or by key: `<host>/<repository>#<number>`, `TP-3`.
    public static let issue: Kind = "issue"
    /// An issue by the id of its tracker, where a payload does not say of which server.
    public static let issueID: Kind = "issue_id"
    /// What a vendor calls a group of checks of one commit: `<host>/<id>`.
    public static let checkSuite: Kind = "check_suite"
    /// The deploy that a job makes, where a job's payload does not say which: `<host>/<job id>`.
    public static let deployOfJob: Kind = "deploy_of_job"
    /// A build by job and number, where a payload does not say of which server: `<full job name>/<number>`.
    public static let jobAndNumber: Kind = "job_and_number"
    /// A build by its place in a queue: `<host>/<queue id>`.
    public static let queueItem: Kind = "queue_item"
    /// A build by the number that ties it to its place in a queue: `<host>/<context id>`.
    public static let queueContext: Kind = "queue_context"
    /// The address of a thing's page, where it stays the same: `https://trello.com/c/zsXNFTzb`.
    public static let address: Kind = "address"
    /// A repository by its name: `<host>/<owner>/<name>`. What was renamed has several.
    public static let repository: Kind = "repository"
    /// The thing that an event is about, by the event's id in lower case.
    public static let event: Kind = "event"
    /// A thing by the id, in lower case, of the event that told its beginning.
    public static let beginning: Kind = "beginning"
    /// A thing by its kind within a chain of events: `<chain id>/<kind>`.
    public static let chain: Kind = "chain"
    /// What a thing is called across tools: `cdevents:v0:jira::acme:shop:issue:TP-3`.
    public static let domainID: Kind = "domain_id"
    /// The build that made an artifact, by the artifact's key.
    public static let artifactOfBuild: Kind = "artifact_of_build"
    /// The deploy of an artifact: `<environment>/<the artifact's key>`.
    public static let deployOfArtifact: Kind = "deploy_of_artifact"
    /// A change by its branch, in a period of 30 days: `<branch>@<periods since 1970>`.
    public static let branchIn: Kind = "branch_in"
    /// Deploys of a service, or of one to an environment, that began or ended on a day: `<service>/<environment>@<days since 1970>`.
    public static let deployOn: Kind = "deploy_on"
    /// Changes that were merged to a branch on a day: `<key of the branch>@<days since 1970>`.
    public static let mergeOn: Kind = "merge_on"
  }

  public var kind: Kind
  public var value: String

  public init(_ kind: Kind, _ value: String) {
    self.kind = kind
    self.value = value
  }

  /// True when a thing that is known by this name only, and a thing of the same source that also has it, are one.
  var identifies: Bool {
    [.classicID, .issueID, .deployOfJob, .jobAndNumber, .queueItem, .queueContext, .beginning].contains(kind)
  }

  /// True when a thing may be followed by others of the same name, of which a follower means the one that was there when it began:
  /// the same artifact is deployed again, the name of a branch is used again.
  var isRepeated: Bool { kind == .deployOfArtifact || kind == .branchIn }

  /// False of names that are only looked for when a span is read.
  var isFollowed: Bool { kind != .deployOn && kind != .mergeOn }

  /// The reference that every span publishes: its own key.
  public static func key(_ key: SpanKey) -> Reference {
    Reference(.key, key.description)
  }

  /// A change by the branch it is made on.
  ///
  /// - Parameter repository: the one that holds the branch, with what stands before its name; it counts in any letter case.
  public static func branch(_ name: String, of repository: String, host: String) -> Reference {
    Reference(.branch, "\(host)/\(repository.lowercased())@\(name)")
  }

  /// An issue by its number in a repository or project, whose name counts in any letter case.
  ///
  /// - Parameter repository: with what stands before its name: `owner/name`.
  public static func issue(_ number: Int64, of repository: String, host: String) -> Reference {
    Reference(.issue, "\(host)/\(repository)#\(number)".lowercased())
  }

  /// A change by its number in a repository or project, whose name counts in any letter case.
  ///
  /// - Parameter repository: with what stands before its name: `owner/name`.
  public static func change(_ number: Int64, of repository: String, host: String) -> Reference {
    Reference(.change, "\(host)/\(repository)!\(number)".lowercased())
  }

  /// `kind:value`.
  public var description: String { "\(kind.rawValue):\(value)" }

  /// Byte by byte, as stores compare: two spellings of an accented letter are two names.
  public static func == (left: Reference, right: Reference) -> Bool {
    left.value.hasSameBytes(as: right.value) && left.kind.rawValue.hasSameBytes(as: right.kind.rawValue)
  }

  /// A total order also of names that differ in how an accent is spelt.
  public static func < (left: Reference, right: Reference) -> Bool {
    if left.kind.rawValue != right.kind.rawValue { return left.kind.rawValue < right.kind.rawValue }
    if left.value != right.value { return left.value < right.value }
    return left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
  }
}

/// A rule that ties a span to its parent, in order of trust: the first rule that leads somewhere wins.
public enum CorrelationRule: UInt8, Sendable, Hashable, Comparable, CaseIterable {
  /// A classic `vstrace-...` id, or a parent named by the sender.
  case explicitID = 1
  /// The vendor's own link: job to run, deployment status to deployment, sub-issue to issue.
  case vendorLink = 2
  /// A commit: a build of a head or merge commit belongs to its change.
  case commit = 3
  /// Words that close an issue: `Fixes #12`.
  case closingWords = 4
  /// An issue key in a branch, title, body or commit message, and an issue that a script says its work belongs to.
  case issueKey = 5
  /// A chain of events that its senders say a thing is part of: it holds the things of one trace together that nothing else ties.
  case chain = 6
  /// A branch: a build of it belongs to the change that was made on it then.
  case branch = 7

  /// The number is what stores keep, and says nothing of trust.
  private var rank: Int {
    switch self {
    case .explicitID: 1
    case .vendorLink: 2
    case .commit: 3
    case .branch: 4
    case .closingWords: 5
    case .issueKey: 6
    case .chain: 7
    }
  }

  /// The name shown as `parentRule`.
  public var name: String {
    switch self {
    case .explicitID: "explicit_id"
    case .vendorLink: "vendor_link"
    case .commit: "commit"
    case .branch: "branch"
    case .closingWords: "closing_words"
    case .issueKey: "issue_key"
    case .chain: "chain"
    }
  }

  public static func < (left: CorrelationRule, right: CorrelationRule) -> Bool {
    left.rank < right.rank
  }
}

/// How far a reference reaches, by who was able to write it.
public enum ReferenceReach: UInt8, Sendable, Hashable {
  /// Written by somebody who may write to the repository, or by the vendor.
  case anywhere = 0
  /// Typed by a stranger (a fork's branch, a body): ties only to things of the same owner.
  case sameOwner = 1
}

/// What an event says, under one rule, about where its span belongs.
///
/// A later statement of the same rule replaces an earlier one, so `references: []` takes a tie back: a body that no
/// longer says `Fixes #12`. An event that cannot know (a review carries no body) makes no statement at all.
public struct FollowStatement: Sendable, Hashable {
  public var rule: CorrelationRule
  public var references: [Reference]
  public var reach: ReferenceReach
  /// Which attempt of the parent is meant, where the vendor says so: a job names the run's. Nil for the one that ran when the
  /// child began.
  public var attempt: Int?

  public init(
    _ rule: CorrelationRule, _ references: [Reference], reach: ReferenceReach = .anywhere, attempt: Int? = nil
  ) {
    self.rule = rule
    self.references = references
    self.reach = reach
    self.attempt = attempt
  }
}
