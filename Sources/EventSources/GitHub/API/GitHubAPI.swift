package import APIClient
import PayloadReading
package import ValueStreamCore

/// Reads GitHub's REST and GraphQL APIs with a token.
package struct GitHubAPI: Sendable {
  package let address: GitHubAddress
  let graphQL: GraphQLService
  private let client: APIClient
  private let headers: HTTPHeaders

  package init(_ address: GitHubAddress, token: Secret, client: APIClient, clock: any WallClock = SystemClock()) {
    let headers: HTTPHeaders = [
      "Authorization": BasicAuthorization.header(user: nil, token: token.bytes), "Accept": "application/vnd.github+json",
      "X-GitHub-Api-Version": "2022-11-28",
    ]
    self.address = address
    self.headers = headers
    self.client = client
    graphQL = GraphQLService(address.graphQL, headers: headers, client: client, clock: clock)
  }

  /// Sends a GET request to the REST API.
  ///
  /// - Parameter path: the path with its query: `/repos/acme/site/actions/runs?per_page=100`.
  func get<Value>(_ path: String, read: (APIDocument) throws(APIError) -> Value) async throws(APIError) -> Value {
    try await client.send { _ in
      HTTPTransportRequest(method: "GET", url: address.rest + path, headers: headers)
    } read: { response throws(APIError) in
      try read(try APIDocument(response))
    }
  }
}
