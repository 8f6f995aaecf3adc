import PayloadReading
import ValueStreamCore

/// Builds the span tags that the Go ValueStream set for GitHub. A group of tags is set only if the payload has its
/// object.
enum GitHubClassicTags {
  static func issue(_ issue: PayloadObject, repository: GitHubRepository) -> [Attribute] {
    var tags = ClassicTags()
    tags.add("scm.repository.id", repository.object.int("id"))
    tags.addRepository(repository.object)
    tags.add("issue.project.name", repository.object.string("name"))
    tags.add("issue.number", issue.int("number"))
    tags.add("issue.url", issue.string("url"))
    tags.add("issue.comments_count", issue.int("comments"))
    tags.addUser(issue.object("user"))
    return tags.attributes
  }

  static func pullRequest(_ request: PayloadObject, repository: GitHubRepository?) -> [Attribute] {
    var tags = ClassicTags()
    tags.addUser(request.object("user"))
    if let head = request.object("head") {
      tags.add("scm.head.label", head.string("label"))
      tags.add("scm.head.ref", head.string("ref"))
      tags.add("scm.head.sha", head.string("sha"))
    }
    if let base = request.object("base") {
      tags.add("scm.base.label", base.string("label"))
      tags.add("scm.base.ref", base.string("ref"))
      tags.add("scm.base.sha", base.string("sha"))
      if let repository = base.object("repo") {
        tags.add("scm.base.repo.id", repository.int("id"))
        tags.add("scm.base.repo.name", repository.string("name"))
        tags.add("scm.base.repo.full_name", repository.string("full_name"))
        tags.add("scm.base.repo.private", repository.bool("private"))
      }
    }
    if let repository { tags.addRepository(repository.object) }
    return tags.attributes
  }

  // MARK: Tags that the Go ValueStream did not set

  /// Tags of a workflow run, a job, a check or a commit status.
  static func build(
    id: String, name: String?, url: String?, attempt: Int?, head: PayloadObject, repository: GitHubRepository
  ) -> [Attribute] {
    var tags = ClassicTags()
    tags.addRepository(repository.object)
    tags.add("build.id", id)
    tags.add("build.name", name)
    tags.add("build.url", url)
    if let attempt { tags.add("build.attempt", Int64(attempt)) }
    tags.add("scm.head.ref", head.string("head_branch"))
    tags.add("scm.head.sha", head.string("head_sha") ?? head.string("sha"))
    return tags.attributes
  }

  static func deployment(_ deployment: PayloadObject, repository: GitHubRepository) -> [Attribute] {
    var tags = ClassicTags()
    tags.addRepository(repository.object)
    tags.add(AttributeName.deploymentID, deployment.int("id"))
    tags.add("deployment.environment", deployment.string("environment"))
    tags.add("deployment.task", deployment.string("task"))
    tags.add("scm.head.ref", deployment.string("ref"))
    tags.add("scm.head.sha", deployment.string("sha"))
    return tags.attributes
  }

  static func release(_ release: PayloadObject, repository: GitHubRepository) -> [Attribute] {
    var tags = ClassicTags()
    tags.addRepository(repository.object)
    tags.add("release.id", release.int("id"))
    tags.add("release.name", release.string("name"))
    tags.add("release.tag", release.string("tag_name"))
    tags.add("release.prerelease", release.bool("prerelease"))
    return tags.attributes
  }

}

extension ClassicTags {
  fileprivate init() {
    self.init(service: "github")
  }

  fileprivate mutating func addUser(_ user: PayloadObject?) {
    guard let user else { return }
    add("user.name", user.string("name"))
    add("user.id", user.int("id"))
    add("user.url", user.string("url"))
  }

  fileprivate mutating func addRepository(_ repository: PayloadObject) {
    add("scm.repository.url", repository.string("url"))
    add("scm.repository.name", repository.string("name"))
    add("scm.repository.full_name", repository.string("full_name"))
    add("scm.repository.private", repository.bool("private"))
  }
}
