package import ValueStreamCore

/// A vendor's GraphQL, asked page by page with a token.
package struct GraphQLService: Sendable {
  private let url: String
  private let headers: HTTPHeaders
  private let client: APIClient
  private let clock: any WallClock

  package init(_ url: String, headers: HTTPHeaders, client: APIClient, clock: any WallClock = SystemClock()) {
    self.url = url
    self.headers = headers
    self.client = client
    self.clock = clock
  }

  /// Asks for a page, for a smaller one each second time that it fails: GitHub gives up on what takes ten seconds.
  ///
  /// - Parameter read: finds what was asked for; throws what is said of it when it is not there.
  package func page<Value>(
    _ query: String, _ variables: [(name: String, value: GraphQL.Variable)], size: Int,
    read: (GraphQL.Answer) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { failures in
      GraphQL.request(
        query, variables + [("first", .number(max(1, size >> (failures / 2))))], url: url, headers: headers)
    } read: { response throws(APIError) in
      try read(try GraphQL.Answer(response, now: clock.now()))
    }
  }
}
