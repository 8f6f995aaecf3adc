/// Selects the subjects of a list. Nil matches everything. Subjects without spans never match.
public struct SubjectFilter: Sendable, Hashable {
  public var operation: Operation?
  public var source: String?
  public var project: String?
  public var outcome: Outcome?
  /// True for subjects with a running attempt, false for those without.
  public var isOpen: Bool?
  /// Only subjects that ended at or after this time, or still run.
  public var endedAfter: Timestamp?
  /// Only subjects that started before this time.
  public var startedBefore: Timestamp?
  /// Only subjects whose duration is within these bounds.
  public var duration: DurationBounds?

  public init() {}

  /// True if a subject with this summary belongs in the list.
  public func matches(_ summary: SubjectSummary) -> Bool {
    guard summary.operation != nil else { return false }
    return (operation == nil || operation == summary.operation)
      && (source == nil || source == summary.source)
      && (project.map { summary.project?.hasSameBytes(as: $0) ?? false } ?? true)
      && (outcome == nil || outcome == summary.outcome)
      && (isOpen == nil || isOpen == (summary.end == nil))
      && (endedAfter.map { cutoff in summary.end.map { $0 >= cutoff } ?? true } ?? true)
      && (startedBefore.map { summary.start < $0 } ?? true)
      && (duration.map { $0.contains(summary) } ?? true)
  }
}

/// Bounds for the duration of a subject: from its first start to its last end, or until `now` while it runs.
public struct DurationBounds: Sendable, Hashable {
  /// The inclusive minimum in nanoseconds.
  public var minimum: Int64
  /// The inclusive maximum in nanoseconds.
  public var maximum: Int64
  public var now: Timestamp

  public init(minimum: Int64 = .min, maximum: Int64 = .max, now: Timestamp) {
    self.minimum = minimum
    self.maximum = maximum
    self.now = now
  }

  func contains(_ summary: SubjectSummary) -> Bool {
    let end = (summary.end ?? now).nanoseconds
    let (length, overflow) = end.subtractingReportingOverflow(summary.start.nanoseconds)
    return overflow ? (end < 0 ? minimum == .min : maximum == .max) : minimum <= length && length <= maximum
  }
}

public struct SubjectPage: Sendable {
  public var subjects: [Subject]
  /// The cursor of the next page. Nil on the last page.
  public var next: UInt64?
  /// The number of subjects that belong on this page but cannot be read.
  public var damagedCount = 0

  public init(subjects: [Subject], next: UInt64?) {
    self.subjects = subjects
    self.next = next
  }
}

/// An operation of one source and host, for lists of services and operations.
public struct SubjectKind: Sendable, Hashable, Comparable {
  public var source: String
  /// The host as in keys, decoded, such as `github.com`. Empty if the source has none.
  public var host: String
  public var operation: Operation

  /// The maximum number of kinds that a store remembers. Senders can choose names of operations freely.
  public static let limit = 1000

  public init(source: String, host: String, operation: Operation) {
    self.source = source
    self.host = host
    self.operation = operation
  }

  /// Creates the kind for a subject with this key and operation.
  public init(_ key: SubjectKey, _ operation: Operation) {
    self.init(source: key.source, host: key.host, operation: operation)
  }

  public static func < (left: SubjectKind, right: SubjectKind) -> Bool {
    (left.source, left.host, left.operation.rawValue) < (right.source, right.host, right.operation.rawValue)
  }
}

/// The number of subjects of one operation, source and project that have a running attempt.
public struct OpenSubjects: Sendable, Hashable {
  public var operation: Operation
  public var source: String
  public var project: String?
  public var count: Int
  /// The average start of the subjects, and the earliest.
  public var meanStart: Timestamp
  public var firstStart: Timestamp

  public init(
    operation: Operation, source: String, project: String?, count: Int, meanStart: Timestamp, firstStart: Timestamp
  ) {
    self.operation = operation
    self.source = source
    self.project = project
    self.count = count
    self.meanStart = meanStart
    self.firstStart = firstStart
  }
}
