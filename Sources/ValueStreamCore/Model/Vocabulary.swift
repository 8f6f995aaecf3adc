/// What kind of work a span stands for, in words that hold across vendors.
///
/// Open: custom events bring names of their own.
public struct Operation: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public var description: String { rawValue }

  public static let issue: Operation = "issue"
  public static let pullRequest: Operation = "pull_request"
  /// One run of CI, whatever the vendor calls it.
  public static let build: Operation = "build"
  /// A part of a build.
  public static let job: Operation = "job"
  /// A change reaching an environment.
  public static let deploy: Operation = "deploy"
  public static let release: Operation = "release"
  public static let incident: Operation = "incident"
  public static let sprint: Operation = "sprint"
  /// A place that things are deployed to, from its creation to its removal.
  public static let environment: Operation = "environment"
}

/// How a span ended, in one vocabulary across vendors.
public enum Outcome: String, Sendable, Hashable, CaseIterable {
  case success, failure, error, timeout, cancellation, skip
  case actionRequired = "action_required"
  case stale
  case merged, abandoned
  case completed
  case notPlanned = "not_planned"

  /// True for failure, error and timeout: the outcomes that make a span's OpenTelemetry status `Error`.
  public var isError: Bool {
    switch self {
    case .failure, .error, .timeout: true
    default: false
    }
  }
}

/// Where in its life an attempt is; a later state beats an earlier one whatever the times say.
public enum LifecycleState: UInt8, Sendable, Hashable, Comparable, CaseIterable {
  case created = 1
  case pending = 2
  case running = 3
  case ended = 4

  public static func < (left: LifecycleState, right: LifecycleState) -> Bool {
    left.rawValue < right.rawValue
  }
}
