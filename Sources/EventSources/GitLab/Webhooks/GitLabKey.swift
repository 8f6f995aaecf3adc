import PayloadReading
package import ValueStreamCore

/// Keys of GitLab's things: the same from payloads and from the variables of a job.
enum GitLabKey {
  static let pipeline = "pipeline"
  static let job = "job"

  static func make(_ kind: String, _ id: String, container: String, host: String) -> SpanKey {
    SpanKey(source: "gitlab", host: host, container: container, kind: kind, id: id)
  }
}

/// A job of GitLab CI, from within.
package enum GitLabJob {
  /// Which pipeline and job this is; nil outside GitLab CI.
  package static func context(in environment: [String: String]) throws(RunVariables.Failure) -> RunContext? {
    guard environment["GITLAB_CI"] == "true" else { return nil }
    let variables = RunVariables(environment, of: "GitLab CI")
    let host = try variables.require("CI_SERVER_HOST").lowercased()
    let container = String(try variables.requireNumber("CI_PROJECT_ID"))
    func key(_ kind: String, _ id: Int64) -> SpanKey {
      GitLabKey.make(kind, String(id), container: container, host: host)
    }
    // A pipeline that is retried is another attempt, which nothing numbers; a job that is retried is another job.
    return RunContext(
      run: key(GitLabKey.pipeline, try variables.requireNumber("CI_PIPELINE_ID")), attempt: nil,
      job: key(GitLabKey.job, try variables.requireNumber("CI_JOB_ID")))
  }
}
