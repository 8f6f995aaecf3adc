package import ValueStreamCore

/// A vendor's GraphQL, asked page by page with a token.
package struct GraphQLService: Sendable {
  private let url: String
  private let headers: HTTPHeaders
  private let client: APIClient
  private let clock: any WallClock
  private let sizing = PageSizing()

  /// How often an answer with data and passing errors is asked for again before it is taken.
  private static let partialAnswersRefused = 2

  package init(_ url: String, headers: HTTPHeaders, client: APIClient, clock: any WallClock = SystemClock()) {
    self.url = url
    self.headers = headers
    self.client = client
    self.clock = clock
  }

  /// Asks for a page, from the second failure on for half of it each time: GitHub gives up on what takes ten seconds. The size that worked is the one
  /// that the next pages begin with. Data that come with errors are taken once asking again has not helped.
  ///
  /// - Parameter read: finds what was asked for; throws what is said of it when it is not there.
  package func page<Value>(
    _ query: String, _ variables: [(name: String, value: GraphQL.Variable)], size: Int,
    read: (GraphQL.Answer) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    var asked = PageSizing.Asked(size: size, failures: 0)
    return try await client.send { failures in
      asked = sizing.next(atMost: size, failures: failures)
      return GraphQL.request(query, variables + [("first", .number(asked.size))], url: url, headers: headers)
    } read: { response throws(APIError) in
      let isEnough = asked.failures >= Self.partialAnswersRefused
      let value = try read(try GraphQL.Answer(response, now: clock.now(), takesPartial: isEnough))
      sizing.note(asked)
      return value
    }
  }
}
