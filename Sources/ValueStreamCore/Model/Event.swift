/// What a source says happened to one subject, in the terms of the core.
///
/// An event is a set of facts, not an instruction. The events of a subject give the same spans in any order and any number
/// of repetitions. A source therefore states everything that the payload shows, whatever the action is called: `created_at`
/// in a `closed` payload is a start as well.
public struct Event: Sendable, Hashable {
  /// The key of the subject.
  public var key: SubjectKey
  /// The operation of the subject's spans; nil if the event cannot tell.
  public var operation: Operation?
  /// The operation if no event of the subject states one. For example, the end of a build does not say whether it deployed.
  public var usualOperation: Operation?
  /// The name for people, such as `acme/site#36`.
  public var name: String?
  /// The owner, as `<host>/<owner>`. References that strangers can write tie only subjects of the same owner.
  public var owner: String?
  /// The group in reports: the full name of a repository, the key of a Jira project or the folder of a Jenkins job.
  public var project: String?
  /// The time at which the payload's content was current.
  public var time: EventTime
  /// How to tell the attempts of the subject apart.
  public var attempt: AttemptRule
  /// The lifecycle state that the payload shows; nil if it shows none.
  public var state: LifecycleState?
  /// Starts and ends that the payload states.
  public var marks: [LifeMark] = []
  /// How the attempt ended; nil if the payload does not say.
  public var outcome: Outcome?
  public var attributes: [Attribute] = []
  public var phases: [PhaseStatement] = []
  /// Span events, such as reviews, approvals and labels.
  public var spanEvents: [SpanEvent] = []
  /// Aliases under which others can refer to the subject. Its key is always an alias, even if not listed.
  public var publishes: [Reference] = []
  /// References to the parent, by rule.
  public var follows: [FollowStatement] = []
  /// Links to subjects in other traces.
  public var links: [LinkStatement] = []
  /// How the event changes the classic span; nil if it does not. Unlike the other facts, it applies in order of arrival.
  public var classic: ClassicMark?

  public init(key: SubjectKey, time: EventTime, attempt: AttemptRule = .single) {
    self.key = key
    self.time = time
    self.attempt = attempt
  }
}

/// How to tell the attempts of one subject apart.
public enum AttemptRule: Sendable, Hashable {
  /// The subject has one attempt, whatever happens.
  case single
  /// A start after an end begins another attempt, as when somebody reopens an issue or change.
  case counted
  /// The vendor numbers the attempts, from 1.
  case numbered(Int)
}

/// A start or an end that a payload states.
public struct LifeMark: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable {
    /// The subject started. Has no effect while an attempt is running.
    case begin = 1
    case end = 2
    /// The subject started again. The previous attempt is over, even if its end never arrived.
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

/// What a payload states about a phase: its start, its end, both, or only that it was going on.
///
/// The phases of one track follow each other. If no end is stated, a phase ends with the next phase of its track or with
/// the span.
public struct PhaseStatement: Sendable, Hashable {
  /// The sequence that the phase belongs to. Phases of different tracks, such as status and draft, may overlap.
  public var track: String
  public var name: String
  public var start: Timestamp?
  public var end: Timestamp?
  public var outcome: Outcome?
  /// A time at which the phase was going on, for payloads that state neither its start nor its end.
  public var seen: Timestamp?
  /// The earliest possible start, for payloads that do not state the start.
  ///
  /// If ``start`` is set, this is the possible start of an attempt instead: see
  /// ``opening(track:name:start:end:ofAttemptAt:)``.
  public var earliestStart: Timestamp?

  public init(track: String, name: String, start: Timestamp? = nil, end: Timestamp? = nil, outcome: Outcome? = nil) {
    self.track = track
    self.name = name
    self.start = start
    self.end = end
    self.outcome = outcome
  }

  /// A phase that was going on at a given time, from a payload about something else.
  public static func seen(
    track: String, name: String, at instant: Timestamp, earliestStart: Timestamp? = nil
  ) -> PhaseStatement {
    var statement = PhaseStatement(track: track, name: name)
    statement.seen = instant
    statement.earliestStart = earliestStart
    return statement
  }

  /// A phase that opens an attempt, for payloads that do not say where attempts start.
  ///
  /// The phase counts unless another phase of its track started earlier in the same attempt. For example, a job that starts
  /// after a pause may be the first job of a rerun pipeline, or one of many in a pipeline that is still running.
  /// `ofAttemptAt` is when the attempt started if this phase opens it.
  public static func opening(
    track: String, name: String, start: Timestamp, end: Timestamp? = nil, ofAttemptAt instant: Timestamp
  ) -> PhaseStatement {
    var statement = PhaseStatement(track: track, name: name, start: start, end: end)
    statement.earliestStart = instant
    return statement
  }
}

/// A link to a subject in another trace, as a payload states it.
public struct LinkStatement: Sendable, Hashable {
  /// A name of the other subject.
  public var reference: Reference
  /// The reason for the link: `deploys`, `epic`, `retry_of`.
  public var rule: String

  public init(_ reference: Reference, rule: String) {
    self.reference = reference
    self.rule = rule
  }
}

/// How an event changes the subject's classic span: one row of the compatibility table.
///
/// The tags of the classic span are the event's attributes in the classic vocabulary.
public struct ClassicMark: Sendable, Hashable {
  public enum Transition: UInt8, Sendable, Hashable {
    case start = 1
    /// Ends the open classic span and starts another one of the same subject.
    case transition = 2
    case end = 3
  }

  /// The source as classic metrics spell it: `github`, `custom_http`, `jiracloud`.
  public var eventSource: String
  /// The classic operation name: `issue`, `pull_request`, `build`, `deploy`, `pipeline`, `sprint`.
  public var type: String
  public var transition: Transition
  /// The vendor's state. A transition to the state that the open span already has changes nothing.
  public var state: String
  /// When the change happened.
  public var time: EventTime
  /// For an end: when the subject started, if the payload says so.
  public var begin: EventTime?
  /// The `error` tag of a classic span that this event ends.
  public var isError: Bool
  /// A state of the open classic span that a start continues: the span keeps running and takes this event's tags.
  ///
  /// Example: GitLab jobs are first created, then pending. Both belong to one span of waiting.
  public var refines: String?
  /// True for an end that an earlier event has usually reported. It ends an open span and otherwise does nothing.
  public var isRepeatedEnd = false
  /// True for an end that two events may report, in either order.
  ///
  /// If no span is open and the subject has had one, the second report does nothing. Example: when a Trello card moves,
  /// both boards report the move.
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
