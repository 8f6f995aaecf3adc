package import APIClient
package import ValueStreamCore

/// Reads GitHub's REST and GraphQL APIs with a token.
package struct GitHubAPI: Sendable {
  package let address: GitHubAddress
  package let graphQL: GraphQLService
  private let client: APIClient
  private let headers: HTTPHeaders

  package init(_ address: GitHubAddress, token: Secret, client: APIClient, clock: any WallClock = SystemClock()) {
    let headers = Self.headers(authorization: BasicAuthorization.header(user: nil, token: token.bytes))
    self.address = address
    self.headers = headers
    self.client = client
    graphQL = GraphQLService(address.graphQL, headers: headers, client: client, clock: clock)
  }

  /// The headers of all requests. They pin the version of the API, because a newer one leaves members out.
  package static func headers(authorization: String) -> HTTPHeaders {
    [
      "Authorization": authorization, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
    ]
  }

  /// Sends a GET request to the REST API and reads a page.
  ///
  /// - Parameters:
  ///   - path: the path with its query: `/repos/acme/site/actions/runs?per_page=100`.
  ///   - read: reads the page and its links to others.
  package func get<Value>(
    _ path: String, read: (APIDocument, PageLinks) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await get { _ in
      path
    } read: { document, links throws(APIError) in
      try read(document, links)
    }
  }

  /// Sends a GET request to the REST API and reads a page.
  ///
  /// - Parameters:
  ///   - path: makes the path from the number of failed attempts, so that it can ask for a smaller page.
  ///   - read: reads the page and its links to others.
  package func get<Value>(
    _ path: (_ failures: Int) -> String, read: (APIDocument, PageLinks) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send { failures in
      HTTPTransportRequest(method: "GET", url: address.rest + path(failures), headers: headers)
    } read: { response throws(APIError) in
      try read(try APIDocument(response), PageLinks(response.headers))
    }
  }

  /// Returns a time of this machine's clock by the clock of GitHub.
  package func serverTime(_ time: Timestamp) -> Timestamp { client.serverTime(time) }

  /// Returns the path of an address of this API, such as one that a redirect names; nil for an address elsewhere, which must not get
  /// the token.
  package func path(of address: String) -> String? {
    guard address.hasPrefix("\(self.address.rest)/") else { return nil }
    return String(address.dropFirst(self.address.rest.count))
  }
}
