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
  /// Only subjects that ended before this time. Running subjects did not.
  public var endedBefore: Timestamp?
  /// Only subjects that started at or after this time.
  public var startedAfter: Timestamp?
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
      && (endedBefore.map { cutoff in summary.end.map { $0 < cutoff } ?? false } ?? true)
      && (startedAfter.map { summary.start >= $0 } ?? true)
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

/// The order of a list of subjects by their times.
public enum SubjectOrder: String, Sendable, Hashable, CaseIterable {
  /// The latest start first.
  case start
  /// The latest end first. Lists only subjects without a running attempt.
  case end
  /// The longest first, from the first start to the last end. Lists only subjects without a running attempt.
  case duration
  /// The earliest start first. Lists only subjects with a running attempt.
  case age

  /// Returns the place of a subject in this order. Nil if the order does not list it.
  package func place(of summary: SubjectSummary, sequence: UInt64) -> SubjectPlace? {
    let start = summary.start.nanoseconds
    let rank: Int64? =
      switch self {
      case .start: start
      case .end: summary.end?.nanoseconds
      case .duration: summary.end.map { $0.nanoseconds.subtractingReportingOverflow(start).partialValue }
      case .age: summary.end == nil ? -start : nil
      }
    return rank.map { SubjectPlace(rank: $0, sequence: sequence) }
  }
}

/// The place of a subject in a ``SubjectOrder``. Lists begin with the greatest place.
public struct SubjectPlace: Sendable, Hashable, Comparable, LosslessStringConvertible {
  /// The start, end, duration or negated start in nanoseconds.
  public var rank: Int64
  /// The place of the subject in the order in which the store first saw subjects. Decides between equal ranks.
  public var sequence: UInt64

  public init(rank: Int64, sequence: UInt64) {
    self.rank = rank
    self.sequence = sequence
  }

  /// Parses a ``description``.
  public init?(_ description: String) {
    let parts = description.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let rank = Int64(parts[0]), let sequence = UInt64(parts[1]) else { return nil }
    self.init(rank: rank, sequence: sequence)
  }

  public var description: String { "\(rank).\(sequence)" }

  public static func < (left: SubjectPlace, right: SubjectPlace) -> Bool {
    (left.rank, left.sequence) < (right.rank, right.sequence)
  }
}

/// A subject at its place in a list.
public struct PlacedSubject: Sendable {
  public var place: SubjectPlace
  public var subject: Subject

  public init(_ place: SubjectPlace, _ subject: Subject) {
    self.place = place
    self.subject = subject
  }
}

/// A page of a list in a ``SubjectOrder``.
public struct OrderedSubjectPage: Sendable {
  public var subjects: [PlacedSubject]
  /// The cursor of the next page. Nil on the last page. A page may be shorter than its limit, or empty, and have one.
  public var next: SubjectPlace?
  /// The number of subjects that belong on this page but cannot be read.
  public var damagedCount = 0

  public init(subjects: [PlacedSubject] = [], next: SubjectPlace? = nil) {
    self.subjects = subjects
    self.next = next
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
