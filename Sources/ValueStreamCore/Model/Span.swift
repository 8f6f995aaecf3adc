/// One attempt of one subject, computed from the facts known so far.
public struct Span: Sendable, Hashable {
  public var key: SubjectKey
  /// The number of the attempt, from 1.
  public var attempt: Int
  public var name: String
  public var operation: Operation
  public var source: String
  public var project: String?
  public var owner: String?
  public var start: Timestamp
  /// True if no event states the start. ``start`` is then the earliest known time.
  public var isStartUnknown: Bool
  /// Nil while the attempt is running.
  public var end: Timestamp?
  /// True if the attempt is over but no event states when.
  ///
  /// ``end`` is then the start of the next attempt or the last known time.
  public var isEndUnknown: Bool
  public var state: LifecycleState
  public var outcome: Outcome?
  /// In both vocabularies, sorted by name, semantic before classic.
  public var attributes: [Attribute]
  /// Sorted by start, then track, then end.
  public var phases: [Phase]
  /// Sorted by time, then name.
  public var events: [SpanEvent]
  public var links: [LinkStatement]

  public var id: SpanID { SpanID(key: key, attempt: attempt) }

  public var isFinished: Bool { end != nil }
}

/// A stretch within a span, identified by its track, name and start.
public struct Phase: Sendable, Hashable {
  public var track: String
  public var name: String
  public var start: Timestamp
  /// Nil while the phase is going on.
  public var end: Timestamp?
  public var outcome: Outcome?

  package init(track: String, name: String, start: Timestamp, end: Timestamp?, outcome: Outcome?) {
    self.track = track
    self.name = name
    self.start = start
    self.end = end
    self.outcome = outcome
  }
}

/// A point in a span, such as a review, an approval or a label.
public struct SpanEvent: Sendable, Hashable {
  public var name: String
  public var time: Timestamp
  public var attributes: [Attribute]

  public init(name: String, time: Timestamp, attributes: [Attribute] = []) {
    self.name = name
    self.time = time
    self.attributes = attributes
  }
}

/// A tie from a subject to its parent, with the rule that found it.
public struct ParentTie: Sendable, Hashable {
  public var parent: SubjectKey
  public var rule: CorrelationRule
  /// The reference that led to the parent.
  public var reference: Reference
  /// The attempt of the parent, if the sender names it; nil for the one that was running when the child started.
  public var attempt: Int?

  public init(parent: SubjectKey, rule: CorrelationRule, reference: Reference, attempt: Int? = nil) {
    self.parent = parent
    self.rule = rule
    self.reference = reference
    self.attempt = attempt
  }
}
