import PayloadReading
import ValueStreamCore

/// What every GitLab payload has in common.
///
/// Source: GitLab Docs, "Webhook events".
struct GitLabPayload {
  let root: PayloadObject
  /// What the payload is about, whatever the header says.
  let kind: String
  let host: String
  /// Nil for payloads of a group, and for scripts that send none.
  let project: GitLabProject?

  init(_ document: JSONDocument, instance: String?) throws(PayloadError) {
    root = try PayloadObject(root: document)
    // Groups and members name themselves in another member.
    if let named = root.text("object_kind") ?? root.text("event_name") {
      kind = named
    } else {
      throw root.missing("object_kind", expected: "a text that is not empty")
    }
    let addresses = [
      root.object("project")?.text("web_url"), root.object("repository")?.text("homepage"),
      root.object("object_attributes")?.text("url"), instance,
    ]
    host = addresses.lazy.compactMap { $0.flatMap(WebAddress.host) }.first ?? "gitlab.com"
    project = GitLabProject(root)
  }

  /// The thing the payload is about, in most kinds of payloads.
  func attributes() throws(PayloadError) -> PayloadObject {
    try root.requireObject("object_attributes")
  }

  /// The project, which most things need.
  func requireProject() throws(PayloadError) -> GitLabProject {
    guard let project else { throw root.missing("project", expected: "an object with an id or a name") }
    return project
  }
}

/// The project that a payload belongs to, as far as it says.
struct GitLabProject {
  let id: Int64?
  /// `group/subgroup/name`; what there is of it.
  let path: String
  /// As GitLab shows it, the name that classic ids hold.
  let name: String
  /// What stands before the name in the path.
  let owner: String?
  let url: String?
  let defaultBranch: String?

  /// Nil when neither an id nor a name is there.
  init?(_ root: PayloadObject) {
    let project = root.object("project")
    let attributes = root.object("object_attributes")
    let repository = root.object("repository")
    id =
      project?.int("id") ?? root.int("project_id") ?? attributes?.int("target_project_id") ?? attributes?.int("project_id")
    let url = project?.text("web_url") ?? repository?.text("homepage")
    let path = project?.text("path_with_namespace") ?? url.flatMap(WebAddress.path)
    let shown = project?.text("name") ?? repository?.text("name")
    guard let name = shown ?? path?.split(separator: "/").last.map(String.init) ?? id.map(String.init) else { return nil }
    self.name = name
    self.path = path ?? name
    self.url = url
    owner = path.flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
    defaultBranch = project?.text("default_branch")
  }

  /// The part of a key that stands for the project.
  var keyPart: String { id.map(String.init) ?? SpanKey.fallbackPart(path) }
}
