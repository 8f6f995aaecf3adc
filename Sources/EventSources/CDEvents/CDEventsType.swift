/// The type of a CDEvent.
///
/// - Of the specification: `dev.cdevents.<subject>.<predicate>.<version>`.
/// - Of a tool: `dev.cdeventsx.<tool>-<subject>.<predicate>.<version>`.
///
/// The version determines the members, but is not read: members are read in any version.
struct CDEventsType {
  let subject: String
  let predicate: String
  /// The tool of a custom type. Nil for types of the specification.
  let tool: String?

  /// True if the text is a type of CDEvents, even if it is not supported.
  static func isOurs(_ text: String) -> Bool { text.lowercased().hasPrefix("dev.cdevents") }

  /// Returns nil if the text is not a type of CDEvents.
  init?(_ text: String) {
    let parts = text.lowercased().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 4, parts[0] == "dev", !parts[2].isEmpty, !parts[3].isEmpty else { return nil }
    predicate = parts[3]
    switch parts[1] {
    case "cdevents": (tool, subject) = (nil, parts[2])
    case "cdeventsx":
      let names = parts[2].split(separator: "-", maxSplits: 1).map(String.init)
      guard names.count == 2 else { return nil }
      (tool, subject) = (names[0], names[1])
    default: return nil
    }
  }
}

/// The subjects of the specification.
///
/// Source: CDEvents 0.3 to 0.5, "Vocabulary".
enum CDEventsSubject: String {
  case ticket, change, branch, repository
  case pipelineRun = "pipelinerun"
  case taskRun = "taskrun"
  case build
  case testSuiteRun = "testsuiterun"
  case testCaseRun = "testcaserun"
  case testOutput = "testoutput"
  case artifact, environment, service, incident

  /// The kind in the key of a subject.
  var kind: String {
    switch self {
    case .ticket: "issue"
    case .change: "pull_request"
    case .taskRun: "job"
    case .artifact: "release"
    case .service: "deployment"
    default: rawValue
    }
  }

  /// The subjects of a chain that can be its parent, nearest first.
  var above: [CDEventsSubject] {
    guard let parent else { return [] }
    return [parent] + parent.above
  }

  private var parent: CDEventsSubject? {
    switch self {
    case .ticket, .branch, .repository: nil
    case .change: .ticket
    case .pipelineRun: .change
    case .taskRun, .build, .testSuiteRun, .environment: .pipelineRun
    case .testCaseRun: .testSuiteRun
    case .testOutput: .testCaseRun
    case .artifact: .build
    case .service: .artifact
    case .incident: .service
    }
  }
}
