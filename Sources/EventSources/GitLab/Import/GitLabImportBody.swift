import APIClient
import PayloadReading
import ValueStreamCore

/// A project as the deliveries of its webhooks hold it.
struct GitLabImportProject: Sendable, Hashable {
  let id: Int64
  let path: String
  let defaultBranch: String
  let url: String
  /// The member `project` of all deliveries.
  let json: JSONMember

  init(_ object: PayloadObject) throws(APIError) {
    guard let id = object.int("id"), let path = object.text("path_with_namespace") else {
      throw APIError(.malformed, "the answer is no project")
    }
    self.id = id
    self.path = path
    defaultBranch = object.text("default_branch") ?? "main"
    url = object.text("web_url") ?? ""
    json = .object([
      JSONPair("id", .number(id)), JSONPair("name", .text(object.text("name"))),
      JSONPair("web_url", .text(object.text("web_url"))),
      JSONPair("namespace", .text(object.object("namespace")?.text("name"))), JSONPair("path_with_namespace", .text(path)),
      JSONPair("default_branch", .text(object.text("default_branch"))),
      JSONPair("git_http_url", .text(object.text("http_url_to_repo"))),
    ])
  }
}

/// Makes the deliveries of a project.
struct GitLabImportBody {
  let project: GitLabImportProject
  private(set) var deliveries: [ImportedDelivery] = []
  /// The ids of the accounts that records name, by user name.
  private var accounts: [String: Int64] = [:]
  /// How often an id was given. Two labels can be set in the same second.
  private var ids: [String: Int] = [:]

  init(of project: GitLabImportProject) {
    self.project = project
  }

  /// Learns the id of an account, so that deliveries by it can tell it. Vendors name some accounts without their ids.
  ///
  /// - Returns: the user name.
  mutating func learn(_ account: PayloadObject?) -> String? {
    guard let account, let name = account.text("username") else { return nil }
    if let id = account.int("id") { accounts[name] = id }
    return name
  }

  private func json(ofAccount name: String) -> JSONMember {
    let id = accounts[name].map { [JSONPair("id", .number($0))] } ?? []
    return .object(id + [JSONPair("name", .text(name)), JSONPair("username", .text(name))])
  }

  /// Adds a delivery.
  ///
  /// - Parameters:
  ///   - event: the value of `X-Gitlab-Event`.
  ///   - id: the kind and the id of the record, and which of its states this is.
  ///   - user: the name of the account that did it.
  mutating func add(
    _ event: String, _ kind: String, id: (kind: String, id: String, version: String), at time: Timestamp, by user: String?,
    _ members: [JSONPair]
  ) {
    var json = JSONWriter(capacity: 4000)
    json.object { json in
      json.member("object_kind", kind)
      json.members([
        JSONPair("user", user.map(json(ofAccount:)) ?? .text(nil)),
        JSONPair("project_id", .number(project.id)), JSONPair("project", project.json),
      ])
      json.members(members)
    }
    let count = ids["\(id.kind):\(id.id):\(id.version)", default: 0]
    ids["\(id.kind):\(id.id):\(id.version)"] = count + 1
    let id = (id.kind, id.id, version: count == 0 ? id.version : "\(id.version).\(count + 1)")
    let type = HTTPHeaders.Field(name: "X-Gitlab-Event", value: event)
    if let delivery = ImportedDelivery(source: "gitlab", type: type, id: id, time: time, body: json.bytes) {
      deliveries.append(delivery)
    }
  }
}

/// A label as deliveries list it.
func gitLabLabel(_ name: String) -> JSONMember { .object([JSONPair("title", .text(name))]) }
