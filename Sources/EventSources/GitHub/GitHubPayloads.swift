import Payloads
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
    host = enterpriseHost ?? object?.text("html_url").flatMap(GitHubURL.host) ?? "github.com"
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

enum GitHubURL {
  /// The host of an absolute URL, without user and port.
  static func host(_ url: String) -> String? {
    let bytes = url.utf8
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else { return nil }
    var host = bytes[bytes.index(colon, offsetBy: 3)...].prefix { $0 != UInt8(ascii: "/") }
    if let at = host.lastIndex(of: UInt8(ascii: "@")) { host = host[host.index(after: at)...] }
    host = host.prefix { $0 != UInt8(ascii: ":") }
    return host.isEmpty ? nil : String(Substring(host)).lowercased()
  }
}
