/// One attempt of one thing: what the facts known so far say of it.
public struct Span: Sendable, Hashable {
  public var key: SpanKey
  /// Counts from 1.
  public var attempt: Int
  public var name: String
  public var operation: Operation
  public var source: String
  public var project: String?
  public var owner: String?
  public var start: Timestamp
  /// True when no event told the beginning: `start` is then the earliest time known.
  public var isStartUnknown: Bool
  /// Nil while it runs.
  public var end: Timestamp?
  /// True when it is over only because another attempt began.
  public var isEndUnknown: Bool
  public var state: LifecycleState
  public var outcome: Outcome?
  /// Sorted by name; both vocabularies.
  public var attributes: [Attribute]
  /// Sorted by start, then track, then end.
  public var phases: [Phase]
  /// Sorted by time, then name.
  public var events: [SpanEvent]
  public var links: [LinkStatement]

  public var id: SpanID { SpanID(key: key, attempt: attempt) }

  public var isFinished: Bool { end != nil }
}

/// A stretch within a span; identified by name and start.
public struct Phase: Sendable, Hashable {
  public var track: String
  public var name: String
  public var start: Timestamp
  /// Nil while it lasts.
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

/// A moment in a span: a review, an approval, a label.
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

/// The edge from a thing to its parent, and the rule that drew it.
public struct ParentTie: Sendable, Hashable {
  public var parent: SpanKey
  public var rule: CorrelationRule
  /// The reference through which the parent was found.
  public var reference: Reference
  /// Which attempt of the parent is meant; nil for the one that ran when the child began.
  public var attempt: Int?

  public init(parent: SpanKey, rule: CorrelationRule, reference: Reference, attempt: Int? = nil) {
    self.parent = parent
    self.rule = rule
    self.reference = reference
    self.attempt = attempt
  }
}
