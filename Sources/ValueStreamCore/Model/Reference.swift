/// A name that identifies a subject to others.
///
/// A subject *publishes* references (its aliases); an event *follows* references to its parent. A published and a followed
/// reference match if kind and value are equal.
public struct Reference: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The namespace of a reference's value. Sources may add their own kinds.
  public struct Kind: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(stringLiteral value: String) { rawValue = value }

    /// A subject key. Every subject publishes its own implicitly.
    public static let key: Kind = "key"
    /// A subject by a fallback key under which it is also known.
    public static let fallbackKey: Kind = "fallback_key"
    /// A classic id: `vstrace-<source>-<type>-<namespace>-<id>`.
    public static let classicID: Kind = "classic"
    /// A subject as custom HTTP senders name it: `<namespace>/<id>`.
    public static let customID: Kind = "custom"
    /// A commit by its full hash, in lower case.
    public static let commit: Kind = "commit"
    /// A commit by an abbreviated hash of seven characters or more, in lower case.
    public static let shortCommit: Kind = "short_commit"
    /// A change by its branch: `<host>/<repository in lower case>@<branch>`.
    public static let branch: Kind = "branch"
    /// A change by its number: `<host>/<repository>!<number>`, in lower case.
    public static let change: Kind = "change"
    /// An issue by its number, `<host>/<repository>#<number>` in lower case, or by its key, `TP-3`.
    public static let issue: Kind = "issue"
    /// An issue by its id in the tracker, for payloads that do not name the server.
    public static let issueID: Kind = "issue_id"
    /// A build by the vendor's id for a group of checks of one commit: `<host>/<id>`.
    public static let checkSuite: Kind = "check_suite"
    /// The deploy that a job makes, for job payloads that do not name the deploy: `<host>/<job id>`.
    public static let deployOfJob: Kind = "deploy_of_job"
    /// A build by its job and number, for payloads that do not name the server: `<full job name>/<number>`.
    public static let jobAndNumber: Kind = "job_and_number"
    /// A build by the id of its queue item: `<host>/<queue id>`.
    public static let queueItem: Kind = "queue_item"
    /// A build by the context id that it shares with its queue item: `<host>/<context id>`.
    public static let queueContext: Kind = "queue_context"
    /// A subject by the permanent address of its page: `https://trello.com/c/zsXNFTzb`.
    public static let address: Kind = "address"
    /// A repository by its name: `<host>/<owner>/<name>`. A renamed repository has several.
    public static let repository: Kind = "repository"
    /// A subject by the id, in lower case, of an event about it.
    public static let event: Kind = "event"
    /// A subject by the id, in lower case, of the event that reported its start.
    public static let beginning: Kind = "beginning"
    /// A subject by its kind within a chain of events: `<chain id>/<kind>`.
    public static let chain: Kind = "chain"
    /// A subject by its id across tools: `cdevents:v0:jira::acme:shop:issue:TP-3`.
    public static let domainID: Kind = "domain_id"
    /// The build that produced an artifact, by the artifact's key.
    public static let artifactOfBuild: Kind = "artifact_of_build"
    /// The deploy of an artifact: `<environment>/<the artifact's key>`.
    public static let deployOfArtifact: Kind = "deploy_of_artifact"
    /// A change by its branch within a period of 30 days: `<branch>@<periods since 1970>`.
    public static let branchIn: Kind = "branch_in"
    /// Deploys that started or ended on a day, by service or by service and environment:
    /// `<service>/<environment>@<days since 1970>`.
    public static let deployOn: Kind = "deploy_on"
    /// Changes merged to a branch on a day: `<key of the branch>@<days since 1970>`.
    public static let mergeOn: Kind = "merge_on"
  }

  public var kind: Kind
  public var value: String

  public init(_ kind: Kind, _ value: String) {
    self.kind = kind
    self.value = value
  }

  /// True if a fallback subject with this alias is the same as another subject of its source that has the alias.
  var identifies: Bool { Self.identifyingKinds.contains(kind) }

  private static let identifyingKinds: [Kind] = [
    .classicID, .issueID, .deployOfJob, .jobAndNumber, .queueItem, .queueContext, .beginning,
  ]

  /// True if several subjects can have this name one after the other, as when an artifact or a branch name is used again.
  ///
  /// The reference then means the subject that was going on when the follower started.
  var isRepeated: Bool { kind == .deployOfArtifact || kind == .branchIn }

  /// False for names that only readers of spans look up, so that no event follows them.
  var isFollowed: Bool { kind != .deployOn && kind != .mergeOn }

  /// The reference that every subject publishes: its own key.
  public static func key(_ key: SubjectKey) -> Reference {
    Reference(.key, key.description)
  }

  /// The reference that a subject publishes if it is also known under a fallback key.
  static func fallbackKey(_ key: SubjectKey) -> Reference {
    Reference(.fallbackKey, key.description)
  }

  /// A change by its branch.
  ///
  /// - Parameter repository: The repository that holds the branch, as `owner/name`, in any letter case.
  public static func branch(_ name: String, of repository: String, host: String) -> Reference {
    Reference(.branch, "\(host)/\(repository.lowercased())@\(name)")
  }

  /// An issue by its number in a repository or project.
  ///
  /// - Parameter repository: The full name, `owner/name`, in any letter case.
  public static func issue(_ number: Int64, of repository: String, host: String) -> Reference {
    Reference(.issue, "\(host)/\(repository)#\(number)".lowercased())
  }

  /// A change by its number in a repository or project.
  ///
  /// - Parameter repository: The full name, `owner/name`, in any letter case.
  public static func change(_ number: Int64, of repository: String, host: String) -> Reference {
    Reference(.change, "\(host)/\(repository)!\(number)".lowercased())
  }

  /// The reference as `kind:value`.
  public var description: String { "\(kind.rawValue):\(value)" }

  /// Calls a function with the bytes of the ``description``, without making the text.
  package func withDescriptionBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let (kind, value) = (kind.rawValue.utf8, value.utf8)
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: kind.count + 1 + value.count) { text in
      let separator = text.initialize(fromContentsOf: kind)
      text.initializeElement(at: separator, to: UInt8(ascii: ":"))
      _ = text[(separator + 1)...].initialize(fromContentsOf: value)
      return body(UnsafeRawBufferPointer(text))
    }
  }

  /// Compares byte by byte, as stores do: two encodings of an accented letter are two names.
  public static func == (left: Reference, right: Reference) -> Bool {
    left.value.hasSameBytes(as: right.value) && left.kind.rawValue.hasSameBytes(as: right.kind.rawValue)
  }

  /// Leaves out the kind: few references differ only in it.
  public func hash(into hasher: inout Hasher) {
    value.hashBytes(into: &hasher)
  }

  // swift-format-ignore: NoLeadingUnderscores
  public func _rawHashValue(seed: Int) -> Int { TextHash.hash(of: value, seed: seed) }

  /// A total order that also distinguishes two encodings of an accented letter.
  public static func < (left: Reference, right: Reference) -> Bool {
    if left.kind.rawValue != right.kind.rawValue { return left.kind.rawValue < right.kind.rawValue }
    let order = left.value.order(to: right.value)
    if order != 0 { return order < 0 }
    return !left.value.hasSameBytes(as: right.value) && left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
  }
}

/// A rule that ties a span to its parent.
///
/// Rules compare in order of trust, and the first one that leads to a known subject wins. Stores keep the raw values, which do
/// not follow this order.
public enum CorrelationRule: UInt8, Sendable, Hashable, Comparable, CaseIterable {
  /// A classic `vstrace-...` id, or a parent that the sender names.
  case explicitID = 1
  /// The vendor's own link, such as job to run, deployment status to deployment, or sub-issue to issue.
  case vendorLink = 2
  /// A commit. For example, a build of a head or merge commit belongs to its change.
  case commit = 3
  /// Words that close an issue, such as `Fixes #12`.
  case closingWords = 4
  /// An issue key in a branch, title, body or commit message, or an issue that a script names.
  case issueKey = 5
  /// A chain of events in which the sender places the subject. It ties what no other rule ties.
  case chain = 6
  /// A branch. A build of it belongs to the change in work on this branch at that time.
  case branch = 7

  /// The place in the order of trust.
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

/// How far a reference reaches, depending on who can write it.
public enum ReferenceReach: UInt8, Sendable, Hashable {
  /// Written by the vendor or by somebody with write access to the repository.
  case anywhere = 0
  /// Possibly written by a stranger, as in a fork's branch or a body. Ties only subjects of the same owner.
  case sameOwner = 1
}

/// What an event says about its subject's parent, under one rule.
///
/// A later statement of the same rule replaces an earlier one, so an empty `references` removes a tie: the body no longer
/// says `Fixes #12`. An event that cannot know, such as a review without the change's body, makes no statement.
public struct FollowStatement: Sendable, Hashable {
  public var rule: CorrelationRule
  public var references: [Reference]
  public var reach: ReferenceReach
  /// The attempt of the parent, if the vendor names it, as a job names that of its run.
  ///
  /// Nil for the attempt that was running when the child started.
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
