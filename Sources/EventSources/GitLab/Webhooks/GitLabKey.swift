import PayloadReading
package import ValueStreamCore

/// Makes the keys of GitLab subjects. Payloads and the variables of a job give the same keys.
enum GitLabKey {
  static let pipeline = "pipeline"
  static let job = "job"

  static func make(_ kind: String, _ id: String, container: String, host: String) -> SubjectKey {
    SubjectKey(source: "gitlab", host: host, container: container, kind: kind, id: id)
  }
}

/// Identifies the GitLab CI job in which the process runs.
package enum GitLabJob {
  /// Returns the current pipeline and job, read from the environment variables of the job; nil outside GitLab CI.
  ///
  /// - Throws: if a variable that GitLab CI always sets is missing or malformed.
  package static func context(in environment: [String: String]) throws(RunVariables.Failure) -> RunContext? {
    guard environment["GITLAB_CI"] == "true" else { return nil }
    let variables = RunVariables(environment, of: "GitLab CI")
    let host = try variables.require("CI_SERVER_HOST").lowercased()
    let container = String(try variables.requireNumber("CI_PROJECT_ID"))
    func key(_ kind: String, _ id: Int64) -> SubjectKey {
      GitLabKey.make(kind, String(id), container: container, host: host)
    }
    // A retried pipeline is another attempt, but GitLab does not number attempts. A retried job is a new job.
    return RunContext(
      run: key(GitLabKey.pipeline, try variables.requireNumber("CI_PIPELINE_ID")), attempt: nil,
      job: key(GitLabKey.job, try variables.requireNumber("CI_JOB_ID")))
  }
}
