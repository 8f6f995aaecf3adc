import PayloadReading
import ValueStreamCore

/// What every GitHub payload has in common.
///
/// Source: GitHub Docs, "Webhook events and payloads", and the schemas of octokit/webhooks.
struct GitHubPayload {
  let root: PayloadObject
  /// What happened to the object: `opened`, `closed`; empty where the payload has none.
  let action: String
  let host: String
  /// Nil for payloads of an organization, and for scripts that send none.
  let repository: GitHubRepository?

  init(_ document: JSONDocument, enterpriseHost: String?) throws(PayloadError) {
    root = try PayloadObject(root: document)
    action = root.string("action") ?? ""
    let object = root.object("repository")
    host = enterpriseHost ?? object?.text("html_url").flatMap(WebAddress.host) ?? "github.com"
    repository = object.flatMap(GitHubRepository.init)
  }
}

/// The `repository` member, and `head.repo`, `base.repo` of a pull request.
struct GitHubRepository {
  let object: PayloadObject
  let id: Int64?
  /// Without the owner.
  let name: String
  /// `owner/name`; the name alone where a script sends no more.
  let fullName: String
  let owner: String?

  /// Nil when neither an id nor a name is there.
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

  /// What stands before the slash of a full name.
  private static func owner(in fullName: String) -> String? {
    fullName.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(fullName[..<$0]) }
  }

  /// The part of a key that stands for the repository.
  var keyPart: String { id.map(String.init) ?? SpanKey.fallbackPart(fullName) }

  /// Web address without `.git`; nil where a script sends none.
  var url: String? { object.text("html_url") }
}

/// Addresses of GitHub, as payloads hold them.
enum GitHubURL {
  /// The issue that an address of the API names: `https://api.github.com/repos/acme/site/issues/12`.
  static func issue(_ url: String, host: String) -> Reference? {
    let parts = url.split(separator: "/")
    guard let repositories = parts.lastIndex(of: "repos"), parts.count == repositories + 5, parts[repositories + 3] == "issues",
      let number = Int64(parts[repositories + 4])
    else { return nil }
    return .issue(number, of: "\(parts[repositories + 1])/\(parts[repositories + 2])", host: host)
  }

  /// The id of the run in the address of a job: `https://github.com/acme/site/actions/runs/123/job/456`.
  static func run(_ url: String) -> String? {
    let parts = url.split(separator: "/")
    guard let runs = parts.lastIndex(of: "runs"), runs > 0, parts[runs - 1] == "actions", runs + 1 < parts.count,
      let id = Int64(parts[runs + 1])
    else { return nil }
    return String(id)
  }
}
