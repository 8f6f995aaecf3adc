import PayloadReading
package import ValueStreamCore

/// Makes the keys of GitHub subjects. Payloads and the variables of a job give the same keys.
enum GitHubKey {
  static let run = "run"
  static let job = "job"

  static func make(_ kind: String, _ id: String, container: String, host: String) -> SubjectKey {
    SubjectKey(source: "github", host: host, container: container, kind: kind, id: id)
  }
}

/// Identifies the GitHub Actions job in which the process runs.
package enum GitHubActionsJob {
  /// Returns the current run and job, read from the environment variables of the job; nil outside GitHub Actions.
  ///
  /// - Parameter id: the id of the job, from `job.check_run_id` in the workflow, because no environment variable
  ///   holds it. If nil, the result has no job.
  /// - Throws: if a variable that GitHub Actions always sets is missing or malformed.
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
