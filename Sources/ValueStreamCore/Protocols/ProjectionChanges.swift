/// The changes that a batch of deliveries makes to the store.
public struct ProjectionChanges: Sendable {
  /// New and changed subjects.
  public var subjects: [SubjectChange] = []
  /// Fallback keys that turned out to belong to a subject with another key.
  ///
  /// Maps the fallback key to the other key, which takes over the outbox entries and export records.
  public var absorbed: [SubjectKey: SubjectKey] = [:]
  /// Keys of subjects that a guest left: a subject with a fallback key whose name leads to another subject, too.
  ///
  /// What metrics counted of them must be compared again.
  public var abandoned: Set<SubjectKey> = []
  public var branchUpdates: [BranchUpdate] = []
  /// Decisions of operators about items, in the order of the log. The last one about an item counts.
  public var exclusions: [ExclusionDecision] = []
  public var outboxEntries: [OutboxEntry] = []
  public var fingerprints: [DeliveryFingerprint] = []
  /// Named values that replace earlier ones, such as counters that survive a restart.
  public var values: [String: [UInt8]] = [:]
  /// What the metrics have counted, or must still count, by subject. The subjects are stored or in ``subjects``.
  public var measurements: [SubjectKey: MeasurementChange] = [:]
  /// What is projected of the log.
  public var position: LogCoverage?

  public init() {}
}

/// A decision of an operator that an item counts or does not count.
public struct ExclusionDecision: Sendable {
  public var change: ExclusionChange
  /// The time of its delivery.
  public var time: Timestamp

  public init(_ change: ExclusionChange, at time: Timestamp) {
    self.change = change
    self.time = time
  }
}

/// A subject to write, with the index entries that it needs.
public struct SubjectChange: Sendable {
  public var subject: Subject
  public var summary: SubjectSummary
  /// References that the subject publishes and that are not stored yet.
  public var newAliases: [Reference]
  /// References that the subject follows and that are not stored yet.
  public var newFollows: [Reference]
  /// References that the subject publishes no more. The store may have them or not.
  public var lostAliases: [Reference] = []
  /// References that the subject follows no more. The store may have them or not.
  public var lostFollows: [Reference] = []

  public init(subject: Subject, summary: SubjectSummary, newAliases: [Reference], newFollows: [Reference]) {
    self.subject = subject
    self.summary = summary
    self.newAliases = newAliases
    self.newFollows = newFollows
  }
}

/// The values by which lists filter: those of the newest attempt, except for the times, which span all attempts.
public struct SubjectSummary: Sendable, Hashable {
  /// Nil for a subject without spans.
  public var operation: Operation?
  public var source: String
  public var project: String?
  public var outcome: Outcome?
  public var start: Timestamp
  /// The end of the last attempt. Nil while an attempt runs.
  ///
  /// For a subject without spans, the time of its last event, so that retention applies to it like to others. Nil if
  /// its events have no times: such a subject ties others together and stays.
  public var end: Timestamp?

  /// Computes the summary of a subject from its facts.
  public init(_ subject: Subject) {
    self.init(subject, outlines: subject.outlines())
  }

  package init(_ subject: Subject, outlines: [AttemptOutline]) {
    operation = outlines.isEmpty ? nil : subject.operation
    source = subject.key.source
    project = subject.project
    outcome = outlines.last?.outcome
    guard let first = outlines.first else {
      start = .epoch
      end = subject.facts.map(\.event.time.timestamp).filter { $0 > .epoch }.max()
      return
    }
    start = first.start
    end = outlines.contains { $0.end == nil } ? nil : outlines.compactMap(\.end).max()
  }

  public init(
    operation: Operation?, source: String, project: String?, outcome: Outcome?, start: Timestamp, end: Timestamp?
  ) {
    self.operation = operation
    self.source = source
    self.project = project
    self.outcome = outcome
    self.start = start
    self.end = end
  }
}
