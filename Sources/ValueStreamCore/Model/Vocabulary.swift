/// The kind of work that a span represents, in words that apply to all vendors.
///
/// Custom events can use names of their own.
public struct Operation: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public var description: String { rawValue }

  public static let issue: Operation = "issue"
  public static let pullRequest: Operation = "pull_request"
  /// One CI run, whatever the vendor calls it.
  public static let build: Operation = "build"
  /// A part of a build.
  public static let job: Operation = "job"
  /// The rollout of a version to an environment.
  public static let deploy: Operation = "deploy"
  public static let release: Operation = "release"
  public static let incident: Operation = "incident"
  public static let sprint: Operation = "sprint"
  /// A target of deploys, from its creation to its removal.
  public static let environment: Operation = "environment"
}

/// How a span ended, in one vocabulary for all vendors.
public enum Outcome: String, Sendable, Hashable, CaseIterable {
  case success, failure, error, timeout, cancellation, skip
  case actionRequired = "action_required"
  case stale
  case merged, abandoned
  case completed
  case notPlanned = "not_planned"

  /// True for failure, error and timeout, the outcomes that set a span's OpenTelemetry status to `Error`.
  public var isError: Bool {
    switch self {
    case .failure, .error, .timeout: true
    default: false
    }
  }
}

/// The progress of an attempt. A later state wins over an earlier one, whatever their times.
public enum LifecycleState: UInt8, Sendable, Hashable, Comparable, CaseIterable {
  case created = 1
  case pending = 2
  case running = 3
  case ended = 4

  public static func < (left: LifecycleState, right: LifecycleState) -> Bool {
    left.rawValue < right.rawValue
  }
}
