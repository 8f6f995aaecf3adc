import Payloads
package import ValueStreamCore
package import VendorAPI

/// GitHub's API with a token.
package struct GitHubAPI: Sendable {
  package let address: GitHubAddress
  private let client: APIClient
  private let token: Secret
  private let clock: any WallClock

  package init(_ address: GitHubAddress, token: Secret, client: APIClient, clock: any WallClock = SystemClock()) {
    self.address = address
    self.token = token
    self.client = client
    self.clock = clock
  }

  private var headers: HTTPHeaders {
    [
      "Authorization": "Bearer \(String(decoding: token.bytes, as: UTF8.self))", "Accept": "application/vnd.github+json",
      "X-GitHub-Api-Version": "2022-11-28",
    ]
  }

  /// Asks GraphQL for a page, for a smaller one each second time that GitHub fails: it gives up on what takes ten seconds.
  ///
  /// - Parameter read: finds what was asked for; throws what is said of it when it is not there.
  func page<Value>(
    _ query: String, _ variables: [(name: String, value: GraphQL.Variable)], size: Int,
    read: (GraphQL.Answer) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { failures in
      GraphQL.request(
        query, variables + [("first", .number(max(1, size >> (failures / 2))))], url: address.graphQL, headers: headers)
    } read: { response throws(APIError) in
      try read(try GraphQL.Answer(response, now: clock.now()))
    }
  }

  /// - Parameter path: with its query: `/repos/acme/site/actions/runs?per_page=100`.
  func get<Value>(_ path: String, read: (APIDocument) throws(APIError) -> Value) async throws(APIError) -> Value {
    try await client.send { _ in
      HTTPTransportRequest(method: "GET", url: address.rest + path, headers: headers)
    } read: { response throws(APIError) in
      try read(try APIDocument(response))
    }
  }
}
