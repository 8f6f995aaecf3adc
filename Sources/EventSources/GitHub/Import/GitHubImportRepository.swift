import APIClient
import PayloadReading
import ValueStreamCore

/// A repository as the deliveries of its webhooks hold it.
struct GitHubImportRepository: Sendable, Hashable {
  let id: Int64
  let fullName: String
  let defaultBranch: String
  let createdAt: Timestamp
  /// The members by which other objects name it.
  let reference: [JSONPair]
  /// The address of the API, such as `https://api.github.com`.
  let apiAddress: String
  /// The member `repository` of all deliveries.
  let json: [UInt8]

  init(_ object: PayloadObject) throws(APIError) {
    guard let id = object.int("id"), let fullName = object.text("full_name") else {
      throw APIError(.malformed, "the answer is no repository")
    }
    self.id = id
    self.fullName = fullName
    defaultBranch = object.text("default_branch") ?? "main"
    createdAt = object.time("created_at") ?? .epoch
    reference = [
      JSONPair("id", .number(id)), JSONPair("name", .text(object.text("name"))), JSONPair("full_name", .text(fullName)),
      JSONPair("private", .flag(object.bool("private") ?? false)),
      JSONPair("default_branch", .text(object.text("default_branch"))),
    ]
    let address = object.text("url") ?? ""
    apiAddress = String(address.firstRange(of: "/repos/").map { address[..<$0.lowerBound] } ?? "")
    var writer = JSONWriter(capacity: 4000)
    writer.value(object.value) { GitHubImportBody.isAddress($0) || Self.omitted.contains($0) }
    json = writer.bytes
  }

  /// Members that webhooks do not have.
  private static let omitted: Set = [
    "parent", "source", "template_repository", "organization", "permissions", "security_and_analysis", "custom_properties",
  ]
}
