import PayloadReading
import ValueStreamCore

/// Holds the members that all GitHub payloads share.
///
/// Source: GitHub Docs, "Webhook events and payloads", and the schemas of octokit/webhooks.
struct GitHubPayload {
  let root: PayloadObject
  /// What happened to the object, such as `opened` or `closed`. Empty if the payload has no action.
  let action: String
  let host: String
  /// Nil for payloads of an organization, and for scripts that send no repository.
  let repository: GitHubRepository?

  init(_ document: JSONDocument, enterpriseHost: String?) throws(PayloadError) {
    root = try PayloadObject(root: document)
    action = root.string("action") ?? ""
    let object = root.object("repository")
    host = enterpriseHost ?? object?.text("html_url").flatMap(Self.host) ?? "github.com"
    repository = object.flatMap(GitHubRepository.init)
  }

  private static func host(of address: String) -> String? {
    // Fast path: most repositories are there.
    address.hasPrefix("https://github.com/") ? "github.com" : WebAddress.host(address)
  }
}

/// A repository: the `repository` member of a payload, or `head.repo` or `base.repo` of a pull request.
struct GitHubRepository {
  let object: PayloadObject
  let id: Int64?
  /// The name without the owner.
  let name: String
  /// `owner/name`, or the name alone if a script sends no more.
  let fullName: String
  let owner: String?

  /// Returns nil if the object has neither an id nor a name.
  init?(_ object: PayloadObject) {
    id = object.int("id")
    let fullName = object.text("full_name")
    guard let name = object.text("name") ?? fullName?.split(separator: "/").last.map(String.init) ?? id.map(String.init)
    else { return nil }
    self.object = object
    self.name = name
    self.fullName = fullName ?? name
    owner = object.object("owner")?.text("login") ?? fullName.flatMap(Self.owner)
  }

  /// The part of a full name before the slash.
  private static func owner(in fullName: String) -> String? {
    fullName.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(fullName[..<$0]) }
  }

  /// The part of a key that identifies the repository: its id, or a marked name if a script sends no id.
  var keyPart: String { id.map(String.init) ?? SubjectKey.fallbackPart(fullName) }

  /// The web address without `.git`. Nil if a script sends none.
  var url: String? { object.text("html_url") }
}

/// Reads GitHub addresses in payloads.
enum GitHubURL {
  /// Returns the issue that an API address names, such as `https://api.github.com/repos/acme/site/issues/12`.
  static func issue(_ url: String, host: String) -> Reference? {
    let parts = url.split(separator: "/")
    guard let repositories = parts.lastIndex(of: "repos"), parts.count == repositories + 5, parts[repositories + 3] == "issues",
      let number = Int64(parts[repositories + 4])
    else { return nil }
    return .issue(number, of: "\(parts[repositories + 1])/\(parts[repositories + 2])", host: host)
  }

  /// Returns the run id in the address of a job, such as `https://github.com/acme/site/actions/runs/123/job/456`.
  static func run(_ url: String) -> String? {
    let parts = url.split(separator: "/")
    guard let runs = parts.lastIndex(of: "runs"), runs > 0, parts[runs - 1] == "actions", runs + 1 < parts.count,
      let id = Int64(parts[runs + 1])
    else { return nil }
    return String(id)
  }
}
