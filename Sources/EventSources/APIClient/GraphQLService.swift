package import ValueStreamCore

/// Reads a vendor's GraphQL API page by page with a token.
package struct GraphQLService: Sendable {
  private let url: String
  private let headers: HTTPHeaders
  private let client: APIClient
  private let clock: any WallClock
  private let sizing = PageSizing()

  /// The number of attempts in which a response with data and a temporary error is rejected. Later attempts accept it.
  private static let partialAnswersRejected = 2

  package init(_ url: String, headers: HTTPHeaders, client: APIClient, clock: any WallClock = SystemClock()) {
    self.url = url
    self.headers = headers
    self.client = client
    self.clock = clock
  }

  /// Requests a page.
  ///
  /// From the second failure on, each retry asks for half as many records, because GitHub aborts queries after ten
  /// seconds. The next pages start with the size that worked. Data that comes with temporary errors is accepted once
  /// retries have not helped.
  ///
  /// - Parameter read: finds the requested data in the response. Throws the reported error if the data is absent.
  package func page<Value>(
    _ query: String, _ variables: [(name: String, value: GraphQL.Variable)], size: Int,
    read: (GraphQL.Answer) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    var asked = PageSizing.Asked(size: size, failures: 0)
    return try await client.send { failures in
      asked = sizing.next(atMost: size, failures: failures)
      return GraphQL.request(query, variables + [("first", .number(asked.size))], url: url, headers: headers)
    } read: { response throws(APIError) in
      let isEnough = asked.failures >= Self.partialAnswersRejected
      let value = try read(try GraphQL.Answer(response, now: clock.now(), takesPartial: isEnough))
      sizing.note(asked)
      return value
    }
  }
}
