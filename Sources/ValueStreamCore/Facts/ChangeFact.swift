/// A pull or merge request, or a push of commits that belong to none.
public struct ChangeFact: Fact {
  public static let kind = FactKind.change

  public var id: FactID
  public var times: ChangeMilestones
  public var labels: ChangeLabels
  public var state: ChangeState
  /// When the change was closed without a merge. Nil if it was merged or is open.
  public var abandoned: Timestamp?
  /// The change that this one reverts, if that is known.
  public var reverts: FactID?
  /// Blocking reviews that were followed by a commit, until the approval.
  public var reviewRounds: UInt16
  /// Reviews by people other than the author.
  public var reviewCount: UInt16
  /// Seconds since the change was ready in which the next step was up to a reviewer, and to the author.
  public var secondsWaitingForReviewer: Float
  public var secondsWaitingForAuthor: Float
  /// Added plus removed lines. Nil if the vendor does not say.
  public var size: UInt32?
  /// The issue or incident that the change is for.
  public var issue: FactID?
  /// A hash of everything about the change that decides which deploys bring it. 0 while it is not merged.
  ///
  /// If it stays the same, an event about the change does not affect the changes of any deploy.
  public var placement: UInt64

  public var day: FactDay? {
    switch state {
    case .open: nil
    case .merged: times.merged.map { FactDay($0) }
    case .abandoned: abandoned.map { FactDay($0) }
    }
  }

  public init(
    id: FactID, times: ChangeMilestones, labels: ChangeLabels, state: ChangeState, abandoned: Timestamp? = nil,
    reverts: FactID? = nil, reviewRounds: UInt16 = 0, reviewCount: UInt16 = 0, secondsWaitingForReviewer: Float = 0,
    secondsWaitingForAuthor: Float = 0, size: UInt32? = nil, issue: FactID? = nil, placement: UInt64 = 0
  ) {
    self.id = id
    self.times = times
    self.labels = labels
    self.state = state
    self.abandoned = abandoned
    self.reverts = reverts
    self.reviewRounds = reviewRounds
    self.reviewCount = reviewCount
    self.secondsWaitingForReviewer = secondsWaitingForReviewer
    self.secondsWaitingForAuthor = secondsWaitingForAuthor
    self.size = size
    self.issue = issue
    self.placement = placement
  }

  public func write(to writer: inout FactWriter) {
    writer.put(id)
    times.write(to: &writer)
    labels.write(to: &writer)
    writer.put(state.rawValue)
    writer.put(abandoned)
    writer.put(reverts)
    writer.put(reviewRounds)
    writer.put(reviewCount)
    writer.put(secondsWaitingForReviewer)
    writer.put(secondsWaitingForAuthor)
    writer.put(size ?? .max)
    writer.put(issue)
    writer.put(placement)
  }

  public init(from reader: inout FactReader) throws(DamagedFact) {
    id = try reader.id()
    times = try ChangeMilestones(from: &reader)
    labels = try ChangeLabels(from: &reader)
    state = try reader.raw()
    abandoned = try reader.optionalTime()
    reverts = try reader.optionalID()
    reviewRounds = try reader.value()
    reviewCount = try reader.value()
    secondsWaitingForReviewer = try reader.float()
    secondsWaitingForAuthor = try reader.float()
    let size = try reader.value(UInt32.self)
    self.size = size == .max ? nil : size
    issue = try reader.optionalID()
    placement = try reader.value()
  }
}

public enum ChangeState: UInt8, Sendable, Hashable {
  case open = 0
  case merged = 1
  case abandoned = 2
}

/// The times on the way of a change, from its first commit to its merge. Nil if unknown.
public struct ChangeMilestones: Sendable, Hashable {
  /// The time of the first commit, as the push tells.
  public var firstCommit: Timestamp?
  /// When the change was opened. For a direct change, when it was pushed.
  public var opened: Timestamp?
  /// When the change was first ready for review: opened, or no longer a draft.
  public var ready: Timestamp?
  /// The first response by a person other than the author, after the change was ready.
  public var firstResponse: Timestamp?
  /// The last approval before the merge.
  public var lastApproval: Timestamp?
  /// When the change was merged. For a direct change, when it was pushed.
  public var merged: Timestamp?

  public init(
    firstCommit: Timestamp? = nil, opened: Timestamp? = nil, ready: Timestamp? = nil, firstResponse: Timestamp? = nil,
    lastApproval: Timestamp? = nil, merged: Timestamp? = nil
  ) {
    self.firstCommit = firstCommit
    self.opened = opened
    self.ready = ready
    self.firstResponse = firstResponse
    self.lastApproval = lastApproval
    self.merged = merged
  }

  func write(to writer: inout FactWriter) {
    for time in [firstCommit, opened, ready, firstResponse, lastApproval, merged] { writer.put(time) }
  }

  init(from reader: inout FactReader) throws(DamagedFact) {
    firstCommit = try reader.optionalTime()
    opened = try reader.optionalTime()
    ready = try reader.optionalTime()
    firstResponse = try reader.optionalTime()
    lastApproval = try reader.optionalTime()
    merged = try reader.optionalTime()
  }
}

/// What kind of change it is, and where it belongs.
public struct ChangeLabels: Sendable, Hashable {
  /// The repository, as the attribute `valuestream.project` names it.
  public var repository: FactName
  public var author: FactName
  /// The type of the issue that the change is for, such as `Bug`.
  public var workType: FactName
  public var traits: Traits

  public struct Traits: OptionSet, Sendable, Hashable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The author is a bot.
    public static let isByBot = Traits(rawValue: 1 << 0)
    /// The change is a draft at present.
    public static let isDraft = Traits(rawValue: 1 << 1)
    /// A push without a request.
    public static let isDirect = Traits(rawValue: 1 << 2)
    public static let isRevert = Traits(rawValue: 1 << 3)
    /// A copy of a change that was merged to another branch before.
    public static let isCherryPick = Traits(rawValue: 1 << 4)
    /// A merge of one long-lived branch to another.
    public static let isBackMerge = Traits(rawValue: 1 << 5)
    /// Label, title or branch match the patterns of hotfixes.
    public static let isHotfix = Traits(rawValue: 1 << 6)
    /// The change is tied to an incident.
    public static let isForIncident = Traits(rawValue: 1 << 7)
    /// No event states when the change was opened, or when it was closed.
    public static let isOpeningUnknown = Traits(rawValue: 1 << 8)
    public static let isClosingUnknown = Traits(rawValue: 1 << 9)
    /// The subject was imported from the vendor's API.
    public static let isImported = Traits(rawValue: 1 << 10)
  }

  public init(
    repository: FactName = .none, author: FactName = .none, workType: FactName = .none, traits: Traits = []
  ) {
    self.repository = repository
    self.author = author
    self.workType = workType
    self.traits = traits
  }

  func write(to writer: inout FactWriter) {
    writer.put(repository)
    writer.put(author)
    writer.put(workType)
    writer.put(traits.rawValue)
  }

  init(from reader: inout FactReader) throws(DamagedFact) {
    repository = try reader.name()
    author = try reader.name()
    workType = try reader.name()
    traits = Traits(rawValue: try reader.value())
  }
}
