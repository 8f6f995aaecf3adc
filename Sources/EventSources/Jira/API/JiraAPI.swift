package import APIClient
import Synchronization
import ValueStreamCore

/// Reads the REST API of a Jira Cloud site, version 3.
package struct JiraAPI: Sendable {
  let address: String
  private let authorization: String
  private let client: APIClient
  let knownCategories = KnownCategories()

  /// Creates an API.
  ///
  /// - Parameters:
  ///   - address: the address of the site without a trailing slash: `https://acme.atlassian.net`.
  ///   - authorization: the `Authorization` header.
  package init(_ address: String, authorization: String, client: APIClient) {
    self.address = address
    self.authorization = authorization
    self.client = client
  }

  package enum Product: String, Sendable {
    case platform = "api/3"
    /// Jira Software: boards and sprints.
    case software = "agile/1.0"
  }

  /// The category of each status by its id. The copies of an API share it.
  final class KnownCategories: Sendable {
    /// Nil until it is fetched.
    let byStatus = Mutex<[String: String]?>(nil)
  }

  /// Sends a request.
  ///
  /// - Parameters:
  ///   - body: the JSON to send with POST; nil for GET.
  ///   - product: the API that has the path.
  package func ask<Value>(
    _ path: String, _ body: [UInt8]? = nil, of product: Product = .platform, read: (APIDocument) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { _ in
      HTTPTransportRequest(
        method: body == nil ? "GET" : "POST", url: "\(address)/rest/\(product.rawValue)/\(path)",
        headers: ["Authorization": authorization, "Accept": "application/json", "Content-Type": "application/json"],
        body: body ?? [])
    } read: { response throws(APIError) in
      try read(try APIDocument(response))
    }
  }
}
