package import APIClient
package import ValueStreamCore

/// Reads GitLab's APIs with a token: REST, and GraphQL for what REST does not tell.
package struct GitLabREST: Sendable {
  private let address: String
  private let client: APIClient
  private let headers: HTTPHeaders
  package let graphQL: GraphQLService

  /// - Parameter address: the address of the server without a trailing slash: `https://gitlab.com`.
  package init(of address: String, token: Secret, client: APIClient) {
    self.address = address
    self.client = client
    headers = ["Authorization": BasicAuthorization.header(user: nil, token: token.bytes), "Accept": "application/json"]
    graphQL = GraphQLService("\(address)/api/graphql", headers: headers, client: client)
  }

  /// Returns a time of this machine's clock by the clock of GitLab.
  package func serverTime(_ time: Timestamp) -> Timestamp { client.serverTime(time) }

  /// Sends a GET request.
  ///
  /// - Parameter path: the path below `/api/v4` with its query.
  package func get<Value>(
    _ path: String, read: (APIDocument, PageLinks) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { _ in
      HTTPTransportRequest(method: "GET", url: "\(address)/api/v4\(path)", headers: headers)
    } read: { response throws(APIError) in
      try read(try APIDocument(response), PageLinks(response.headers))
    }
  }

  /// Reads all pages of a short list.
  ///
  /// - Parameter path: the path with a query. Page and size are added.
  package func all<Value>(_ path: String, read: (APIDocument) throws(APIError) -> [Value]) async throws(APIError) -> [Value] {
    var found: [Value] = []
    for page in 1...Self.pageLimit {
      let (new, hasMore) = try await get("\(path)&per_page=100&page=\(page)") { document, links throws(APIError) in
        (try read(document), links.next != nil)
      }
      found += new
      if !hasMore { break }
    }
    return found
  }

  private static let pageLimit = 500
}
