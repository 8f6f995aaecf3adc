import PayloadReading
package import ValueStreamCore

/// Keys of GitHub's things: the same from payloads and from the variables of a job.
enum GitHubKey {
  static let run = "run"
  static let job = "job"

  static func make(_ kind: String, _ id: String, container: String, host: String) -> SpanKey {
    SpanKey(source: "github", host: host, container: container, kind: kind, id: id)
  }
}

/// A job of GitHub Actions, from within.
package enum GitHubActionsJob {
  /// Which run and job this is; nil outside GitHub Actions.
  ///
  /// - Parameter id: the job's, as `job.check_run_id` of a workflow tells it; no variable does.
  package static func context(in environment: [String: String], job id: Int64?) throws(RunVariables.Failure) -> RunContext? {
    guard environment["GITHUB_ACTIONS"] == "true" else { return nil }
    let variables = RunVariables(environment, of: "GitHub Actions")
    guard let host = WebAddress.host(try variables.require("GITHUB_SERVER_URL")) else {
      throw variables.expected("GITHUB_SERVER_URL", "an address")
    }
    let container = String(try variables.requireNumber("GITHUB_REPOSITORY_ID"))
    let run = String(try variables.requireNumber("GITHUB_RUN_ID"))
    let attempt = try variables.requireNumber("GITHUB_RUN_ATTEMPT")
    guard attempt > 0 else { throw variables.expected("GITHUB_RUN_ATTEMPT", "a number from 1 on") }
    return RunContext(
      run: GitHubKey.make(GitHubKey.run, run, container: container, host: host), attempt: Int(clamping: attempt),
      job: id.map { GitHubKey.make(GitHubKey.job, String($0), container: container, host: host) })
  }
}
