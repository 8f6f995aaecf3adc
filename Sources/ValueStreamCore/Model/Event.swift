/// What a source says happened to one thing, in the core's terms.
///
/// An event is a set of facts, not an instruction: events of one thing may come in any order and any number of times and
/// give the same spans. So state what the payload shows (`created_at` in a `closed` payload is a beginning too) rather
/// than what the action was called.
public struct Event: Sendable, Hashable {
  /// The thing.
  public var key: SpanKey
  /// How its spans are classified. Nil where the event cannot tell.
  public var operation: Operation?
  /// How they are classified as long as no event tells: the end of a build does not say whether the build deployed.
  public var usualOperation: Operation?
  /// What people call it: `acme/site#36`.
  public var name: String?
  /// Who owns it, `<host>/<owner>`: the limit for what strangers' references may tie.
  public var owner: String?
  /// What reports group it by: repository full name, Jira project key, Jenkins job folder.
  public var project: String?
  /// When what the payload shows was true.
  public var time: EventTime
  /// How the thing's runs are told apart.
  public var attempt: AttemptRule
  /// Where in its life the thing was. Nil where the payload does not say.
  public var state: LifecycleState?
  /// Beginnings and ends the payload states.
  public var marks: [LifeMark] = []
  /// How it ended.
  public var outcome: Outcome?
  public var attributes: [Attribute] = []
  public var phases: [PhaseStatement] = []
  /// Moments within the span: reviews, approvals, labels.
  public var moments: [SpanEvent] = []
  /// Aliases by which others may name this thing; its key is always one.
  public var publishes: [Reference] = []
  /// Where its parent may be found.
  public var follows: [FollowStatement] = []
  /// Ties across traces.
  public var links: [LinkStatement] = []
  /// What this event does to the classic picture. Not a fact about the span: it counts in order of arrival.
  public var classic: ClassicMark?

  public init(key: SpanKey, time: EventTime, attempt: AttemptRule = .single) {
    self.key = key
    self.time = time
    self.attempt = attempt
  }
}

/// How the runs of one thing are told apart.
public enum AttemptRule: Sendable, Hashable {
  /// There is one run, whatever happens.
  case single
  /// A beginning after an end is another run: issues and changes that are opened again.
  case counted
  /// The vendor numbers the runs, from 1.
  case numbered(Int)
}

/// A beginning or an end that a payload states.
public struct LifeMark: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable {
    /// The thing began; says nothing new while it is running.
    case begin = 1
    case end = 2
    /// The thing began again: what ran before is over even if its end was never seen.
    case restart = 3
  }

  public var kind: Kind
  public var time: EventTime

  public init(_ kind: Kind, _ time: EventTime) {
    self.kind = kind
    self.time = time
  }

  public static func begin(_ time: EventTime) -> LifeMark { LifeMark(.begin, time) }
  public static func end(_ time: EventTime) -> LifeMark { LifeMark(.end, time) }
  public static func restart(_ time: EventTime) -> LifeMark { LifeMark(.restart, time) }
}

/// What a payload says of a stretch within a span: that it began, that it ended, both, or that it was going on.
///
/// Phases of one track follow each other: where an end is not stated, the next phase of the track ends it, or the span.
public struct PhaseStatement: Sendable, Hashable {
  /// Phases of different tracks may overlap: a status and a draft state.
  public var track: String
  public var name: String
  public var start: Timestamp?
  public var end: Timestamp?
  public var outcome: Outcome?
  /// A moment at which the phase was going on, where the payload tells neither its start nor its end.
  public var seen: Timestamp?
  /// Before this the phase cannot have begun; for payloads that do not tell its start. With a start: the moment at which an
  /// attempt may have begun, see ``opening(track:name:start:end:ofAttemptAt:)``.
  public var earliestStart: Timestamp?

  public init(track: String, name: String, start: Timestamp? = nil, end: Timestamp? = nil, outcome: Outcome? = nil) {
    self.track = track
    self.name = name
    self.start = start
    self.end = end
    self.outcome = outcome
  }

  /// A phase that was going on at a moment, in a payload about something else.
  public static func seen(
    track: String, name: String, at moment: Timestamp, earliestStart: Timestamp? = nil
  ) -> PhaseStatement {
    var statement = PhaseStatement(track: track, name: name)
    statement.seen = moment
    statement.earliestStart = earliestStart
    return statement
  }

  /// A phase that belongs to the opening of an attempt, for payloads that do not tell where attempts begin: it counts unless another
  /// phase of its track began earlier in the same attempt.
  ///
  /// A job that starts after a pause may be the first one of a pipeline that runs again, or one of many in a pipeline that still
  /// runs.
  ///
  /// - Parameter moment: when the attempt began, if it is the one that the phase opens.
  public static func opening(
    track: String, name: String, start: Timestamp, end: Timestamp? = nil, ofAttemptAt moment: Timestamp
  ) -> PhaseStatement {
    var statement = PhaseStatement(track: track, name: name, start: start, end: end)
    statement.earliestStart = moment
    return statement
  }
}

/// A tie across traces that a payload states.
public struct LinkStatement: Sendable, Hashable {
  /// What the other thing is called.
  public var reference: Reference
  /// Why they are tied: `deploys`, `epic`, `retry_of`.
  public var rule: String

  public init(_ reference: Reference, rule: String) {
    self.reference = reference
    self.rule = rule
  }
}

/// What an event does to the classic picture: one row of the compatibility table.
///
/// The tags of the classic span are the event's attributes of the classic vocabulary.
public struct ClassicMark: Sendable, Hashable {
  public enum Transition: UInt8, Sendable, Hashable {
    case start = 1
    /// Ends the current classic span and starts another of the same thing.
    case transition = 2
    case end = 3
  }

  /// Source as the classic metrics spell it: `github`, `custom_http`, `jiracloud`.
  public var eventSource: String
  /// Classic operation name: `issue`, `pull_request`, `build`, `deploy`, `pipeline`, `sprint`.
  public var type: String
  public var transition: Transition
  /// The vendor's state; a transition to the state a classic span is in already changes nothing.
  public var state: String
  /// When it happened.
  public var time: EventTime
  /// For an end: when the thing began, where the payload says so.
  public var begin: EventTime?
  /// The `error` tag of a classic span that this event ends.
  public var isError: Bool
  /// A state of the open classic span in which a start is no other one: the span goes on with the tags of this event. GitLab's
  /// jobs are created, then pending: one span of waiting.
  public var refines: String?
  /// True for an end that another event has told before, as a rule: it ends a span that is open, and else is nothing.
  public var isRepeatedEnd = false
  /// True for an end that another event may tell as well, before it or after: where a classic span ended before and none is open, it
  /// is nothing. Both boards that a card moves between tell the move.
  public var endsOnce = false

  public init(
    eventSource: String, type: String, _ transition: Transition, state: String, time: EventTime, begin: EventTime? = nil,
    isError: Bool = false
  ) {
    self.eventSource = eventSource
    self.type = type
    self.transition = transition
    self.state = state
    self.time = time
    self.begin = begin
    self.isError = isError
  }
}
