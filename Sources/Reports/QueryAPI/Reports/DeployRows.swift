import DeliveryMetrics
import ValueStreamCore

/// Deploys as the list of deploys has them.
enum DeployRows {
  private static func name(of outcome: DeployOutcome) -> String {
    switch outcome {
    case .running: "running"
    case .success: "success"
    case .failure: "failure"
    case .cancelled: "cancelled"
    }
  }

  private static func name(of step: DeployFactStep) -> String {
    switch step {
    case .unknown: "unknown"
    case .first: "first"
    case .forward: "forward"
    case .redeploy: "redeploy"
    case .rollback: "rollback"
    }
  }

  private static func name(of basis: ChangesFactBasis) -> String? {
    switch basis {
    case .none: nil
    case .pushes: "pushes"
    case .mergeTimes: "merge_times"
    }
  }

  static let rows = ReportRows<Named<DeployRow>>(
    Named.subjectFields { $0.deploy } + [
      .integer("attempt", "The attempt of the deploy.") { Int($0.row.attempt) },
      .text("service", "Its service.") { $0.row.service },
      .text("environment", "Its environment.") { $0.row.environment },
      .text("repository", "Its repository.") { $0.row.repository },
      .flag("production", "True if the environment is production.") { $0.row.isProduction },
      .text("commit", "The first 16 digits of the commit.") { $0.row.commit.isKnown ? hash($0.row.commit) : nil },
      .time("created", "When it was created.") { $0.row.created },
      .time("started", "When it began to run.") { $0.row.started },
      .time("ended", "When it ended.") { $0.row.ended },
      ReportField("outcome", .text(choices: ["running", "success", "failure", "cancelled"]), "How it ended.") {
        .text(name(of: $0.row.outcome))
      },
      ReportField(
        "step", .text(choices: ["unknown", "first", "forward", "redeploy", "rollback"]), "How it relates to the one before."
      ) {
        .text(name(of: $0.row.step))
      },
      .integer("changes", "The changes that it brought.") { $0.row.changeCount },
      .text("changes_basis", "How they were found.", choices: ["pushes", "merge_times"]) { name(of: $0.row.basis) },
      .text("previous", "The key of the successful deploy before it.") { $0.key(of: $0.row.previous) },
      .text("release", "The key of the deploy that ended its release. Deploys of one release share it.") {
        $0.key(of: $0.row.release?.deploy)
      },
      .text("verdict", "What became of the release.", choices: verdicts) { $0.row.release?.verdict.rawValue },
      .texts("rules", "The rules that blame the release.") { $0.row.release?.rules.map(\.rawValue) ?? [] },
      .texts("rework", "Why the release is rework. Always inferred.") { $0.row.release?.rework.map(\.rawValue) ?? [] },
      .time("recovered", "When the failure ended.") { $0.row.release?.recovered },
      .text("remedied_by", "The key of the deploy that remedied the failure.") { $0.key(of: $0.row.release?.remediedBy) },
      .texts("incidents", "The keys of incidents that the release is blamed for.") { named in
        named.row.release?.incidents.compactMap { named.key(of: $0) } ?? []
      },
      .text("exclusion", "Why a person left it out of all numbers.") { $0.row.exclusion },
    ])

  static let verdicts = [Verdict.ok, .failed, .takenBack, .pending].map(\.rawValue)

  private static func hash(_ commit: CommitPrefix) -> String {
    let digits = String(commit.rawValue, radix: 16)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }
}
