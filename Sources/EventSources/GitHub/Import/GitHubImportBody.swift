import APIClient
import PayloadReading
import ValueStreamCore

/// Makes the deliveries of a repository.
///
/// Each function that adds deliveries depends only on its arguments, so the same records always give the same deliveries.
struct GitHubImportBody {
  let repository: GitHubImportRepository
  private(set) var deliveries: [ImportedDelivery] = []
  /// How often an id was given. Two labels can be set in the same second.
  private var ids: [String: Int] = [:]

  init(of repository: GitHubImportRepository) {
    self.repository = repository
  }

  /// Adds a delivery.
  ///
  /// - Parameters:
  ///   - id: the kind and the id of the record, and which of its states this is.
  ///   - members: writes the members beside the action and the repository.
  mutating func add(
    _ event: String, _ action: String?, id: (kind: String, id: String, version: String), at time: Timestamp,
    _ members: (inout JSONWriter) -> Void
  ) {
    var json = JSONWriter(capacity: 8000)
    json.object { json in
      if let action { json.member("action", action) }
      members(&json)
      json.name("repository")
      json.value(json: repository.json)
    }
    let type = HTTPHeaders.Field(name: "X-GitHub-Event", value: event)
    let count = ids["\(id.kind):\(id.id):\(id.version)", default: 0]
    ids["\(id.kind):\(id.id):\(id.version)"] = count + 1
    let id = (id.kind, id.id, version: count == 0 ? id.version : "\(id.version).\(count + 1)")
    // The parts are words, numbers and hashes, which a mark can hold.
    if let delivery = ImportedDelivery(source: "github", type: type, id: id, time: time, body: json.bytes) {
      deliveries.append(delivery)
    }
  }

  /// True for members that hold addresses of the API, which nobody reads in a delivery and which are most of an answer.
  static func isAddress(_ name: String) -> Bool {
    name == "_links" || name.hasSuffix("_url") && !keptAddresses.contains(name)
  }

  private static let keptAddresses: Set = [
    "html_url", "parent_issue_url", "environment_url", "log_url", "target_url", "details_url", "check_run_url",
  ]
}

extension JSONWriter {
  /// Writes an object of an answer as a member, some of whose own members have other values.
  mutating func member(_ name: String, _ object: PayloadObject, setting changes: [JSONPair] = []) {
    member(name, object, setting: changes, omitting: GitHubImportBody.isAddress)
  }
}
