import PayloadReading
import ValueStreamCore

/// Holds the members that all GitLab payloads share.
///
/// Source: GitLab Docs, "Webhook events".
struct GitLabPayload {
  let root: PayloadObject
  /// The event type from the body. The header is not used.
  let kind: String
  let host: String
  /// Nil for payloads of a group, and for scripts that send no project.
  let project: GitLabProject?

  init(_ document: JSONDocument, instance: String?) throws(PayloadError) {
    root = try PayloadObject(root: document)
    // Events about groups and members have `event_name` instead of `object_kind`.
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

  /// Returns `object_attributes`, which in most payloads holds the subject.
  func attributes() throws(PayloadError) -> PayloadObject {
    try root.requireObject("object_attributes")
  }

  /// Returns the project, or throws if there is none. Most subjects need it for their key.
  func requireProject() throws(PayloadError) -> GitLabProject {
    guard let project else { throw root.missing("project", expected: "an object with an id or a name") }
    return project
  }
}

/// The project of a payload, with as much as the payload holds.
struct GitLabProject {
  let id: Int64?
  /// The path, such as `group/subgroup/name`, or the name alone if the payload has no path.
  let path: String
  /// The display name, which classic ids contain.
  let name: String
  /// The part of the path before the name.
  let owner: String?
  let url: String?
  let defaultBranch: String?

  /// Returns nil if the payload has neither an id nor a name of the project.
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

  /// The part of a key that identifies the project: its id, or a marked path if a script sends no id.
  var keyPart: String { id.map(String.init) ?? SubjectKey.fallbackPart(path) }
}
