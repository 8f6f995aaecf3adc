package import ValueStreamCore
package import VendorAPI

/// GitLab's GraphQL with a token.
package struct GitLabAPI: Sendable {
  private let address: String
  private let client: APIClient
  private let token: Secret
  private let clock: any WallClock

  /// - Parameter address: of the server, without a slash at its end: `https://gitlab.com`.
  package init(_ address: String, token: Secret, client: APIClient, clock: any WallClock = SystemClock()) {
    self.address = address
    self.token = token
    self.client = client
    self.clock = clock
  }

  /// Asks for a page, for a smaller one each second time that it fails.
  func page<Value>(
    _ query: String, _ variables: [(name: String, value: GraphQL.Variable)], size: Int,
    read: (GraphQL.Answer) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { failures in
      GraphQL.request(
        query, variables + [("first", .number(max(1, size >> (failures / 2))))], url: "\(address)/api/graphql",
        headers: ["Authorization": "Bearer \(String(decoding: token.bytes, as: UTF8.self))"])
    } read: { response throws(APIError) in
      try read(try GraphQL.Answer(response, now: clock.now()))
    }
  }
}
