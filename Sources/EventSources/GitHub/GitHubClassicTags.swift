import Payloads
import ValueStreamCore

/// The tags of the Go ValueStream, name by name and type by type.
///
/// A group of tags is there only if its object is in the payload; within it an absent member is "", 0 or false.
enum GitHubClassicTags {
  static func issue(_ issue: PayloadObject, repository: GitHubRepository) -> [Attribute] {
    var tags = Tags()
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
    var tags = Tags()
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

  private struct Tags {
    private(set) var attributes = [Attribute("service", "github", vocabulary: .classic)]

    mutating func add(_ name: String, _ value: String?) {
      attributes.append(Attribute(name, .string(value ?? ""), vocabulary: .classic))
    }

    mutating func add(_ name: String, _ value: Int64?) {
      attributes.append(Attribute(name, .int(value ?? 0), vocabulary: .classic))
    }

    mutating func add(_ name: String, _ value: Bool?) {
      attributes.append(Attribute(name, .bool(value ?? false), vocabulary: .classic))
    }

    mutating func addUser(_ user: PayloadObject?) {
      guard let user else { return }
      add("user.name", user.string("name"))
      add("user.id", user.int("id"))
      add("user.url", user.string("url"))
    }

    mutating func addRepository(_ repository: PayloadObject) {
      add("scm.repository.url", repository.string("url"))
      add("scm.repository.name", repository.string("name"))
      add("scm.repository.full_name", repository.string("full_name"))
      add("scm.repository.private", repository.bool("private"))
    }
  }
}
