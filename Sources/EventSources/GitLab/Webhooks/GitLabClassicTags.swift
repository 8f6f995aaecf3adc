import PayloadReading
import ValueStreamCore

/// Builds the span tags that the Go ValueStream set for GitLab. Oddities stay, because dashboards use them.
enum GitLabClassicTags {
  static func issue(_ issue: PayloadObject, _ payload: GitLabPayload) -> [Attribute] {
    var tags = ClassicTags(service: "gitlab")
    tags.addProject(payload, url: "url")
    tags.addState(issue)
    if let repository = payload.root.object("repository") {
      tags.add("scm.repository.url", repository.string("url"))
      // The Go ValueStream read members that GitLab does not send, so these tags were always empty.
      for name in ["name", "full_name", "visibility"] { tags.add("scm.repository.\(name)", "") }
    }
    tags.add("issue.id", issue.int("id"))
    tags.add("issue.number", issue.int("iid"))
    tags.add("issue.url", issue.string("url"))
    tags.add("issue.branch_name", "")
    if let milestone = issue.int("milestone_id"), milestone != 0 { tags.add("issue.milestone_id", milestone) }
    return tags.attributes
  }

  static func mergeRequest(_ request: PayloadObject, _ payload: GitLabPayload) -> [Attribute] {
    var tags = ClassicTags(service: "gitlab")
    tags.addState(request)
    tags.addProject(payload, url: "web_url")
    tags.add("pull_request.id", request.int("iid"))
    // In these tags, `base` is the source branch and `target` the branch to merge into.
    tags.add("scm.base.label", request.string("source_branch"))
    tags.add("scm.target.label", request.string("target_branch"))
    return tags.attributes
  }

  static func pipeline(
    _ pipeline: PayloadObject, _ payload: GitLabPayload, id: Int64, project: GitLabProject
  ) -> [Attribute] {
    let request = payload.root.object("merge_request")
    var tags = ClassicTags(service: "gitlab")
    tags.add("event.type", "pipeline")
    tags.add("event.state", pipeline.string("status"))
    tags.add("project.id", payload.root.object("project")?.int("id"))
    tags.addProject(payload, url: "web_url")
    if let user = payload.root.object("user") {
      tags.add("user.name", user.string("name"))
      tags.add("user.username", user.string("username"))
    }
    tags.add("build.id", id)
    tags.add("build.ref", pipeline.string("ref"))
    tags.add("build.tag", pipeline.bool("tag"))
    tags.add("build.sha", pipeline.string("sha"))
    tags.add("build.before_sha", pipeline.string("before_sha"))
    tags.add("merge_request.id", request?.int("id"))
    tags.add("merge_request.url", request?.string("url"))
    tags.add("vstrace.span.id", spanID(project.name, id))
    tags.add("vstrace.state", state(of: pipeline.string("status"), canBeCreated: false))
    return tags.attributes
  }

  static func job(_ job: PayloadObject, id: Int64, project: GitLabProject) -> [Attribute] {
    let commit = job.object("commit")
    var tags = ClassicTags(service: "gitlab")
    tags.add("event.state", job.string("build_status"))
    tags.add("build.kind", job.string("object_kind"))
    tags.add("build.ref", job.string("ref"))
    tags.add("build.tag", job.bool("tag"))
    tags.add("build.sha", job.string("sha"))
    tags.add("build.je.ore_sha", job.string("before_sha"))
    tags.add("build.id", id)
    tags.add("build.name", job.string("build_name"))
    tags.add("build.stage", job.string("build_stage"))
    tags.add("build.status", job.string("build_status"))
    tags.add("build.allow_failure", job.bool("build_allow_failure"))
    tags.add("build.project.id", job.int("project_id"))
    tags.add("build.project.name", job.string("project_name"))
    if let user = job.object("user") {
      tags.add("user.id", user.int("id"))
      tags.add("user.name", user.string("name"))
    }
    if let commit {
      tags.add("scm.commit.id", commit.int("id"))
      tags.add("scm.commit.sha", commit.string("sha"))
      tags.add("scm.commit.status", commit.string("status"))
      tags.add("scm.commit.author.name", commit.string("author_name"))
    }
    tags.add("vstrace.span.id", spanID(job.text("project_name") ?? project.name, id))
    // In a job payload, `commit.id` is the id of the pipeline.
    tags.add("vstrace.parent.id", spanID(job.object("repository")?.string("name") ?? "", commit?.int("id") ?? 0))
    tags.add("vstrace.state", state(of: job.string("build_status"), canBeCreated: true))
    return tags.attributes
  }

  static func deployment(_ deployment: PayloadObject, id: Int64) -> [Attribute] {
    var tags = ClassicTags(service: "gitlab")
    tags.add("event.state", deployment.string("status"))
    tags.add(AttributeName.deploymentID, id)
    tags.add("deployment.environment", deployment.string("environment"))
    tags.add("scm.head.ref", deployment.string("ref"))
    tags.add("scm.head.sha", deployment.string("short_sha"))
    return tags.attributes
  }

  private static func spanID(_ name: String, _ id: Int64) -> String {
    ClassicID.make(source: "gitlab", type: "build", namespace: name, id: String(id))
  }

  private static func state(of status: String?, canBeCreated: Bool) -> String {
    switch status {
    case "created": canBeCreated ? "start" : "intermediary"
    case "pending": "start"
    case "running": "transition"
    case "success", "failed", "canceled", "skipped": "end"
    default: "intermediary"
    }
  }
}

extension ClassicTags {
  fileprivate mutating func addState(_ object: PayloadObject) {
    add("event.state", object.string("state"))
    add("event.action", object.string("action"))
  }

  /// Adds the tags of the project.
  ///
  /// - Parameter url: the member that the Go ValueStream read as the address.
  fileprivate mutating func addProject(_ payload: GitLabPayload, url: StaticString) {
    let project = payload.root.object("project")
    add("project.name", project?.string("name"))
    add("project.namespace", project?.string("namespace"))
    add("project.path_with_namespace", project?.string("path_with_namespace"))
    add("project.url", project?.string(url))
    // GitLab sends a number, but the Go ValueStream read a string, so this tag was always empty.
    add("project.visibility", "")
  }
}
