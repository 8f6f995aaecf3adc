package import PayloadReading
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

  /// Requests nodes by their ids, as many at a time as the server can answer.
  ///
  /// A node that the server cannot read even alone is left out. So are nodes that it answers with null.
  ///
  /// - Parameters:
  ///   - query: a query of the variable `ids`, with the member `nodes`. The nodes have their `id`.
  ///   - size: the greatest number of nodes in a request.
  /// - Returns: what `read` returns, by the id of the node.
  package func nodes<Value>(
    _ query: String, ids: [String], size: Int, read: (PayloadObject) throws(APIError) -> Value
  ) async throws(APIError) -> [String: Value] {
    var found: [String: Value] = [:]
    var rest = ids[...]
    while !rest.isEmpty {
      var asked = PageSizing.Asked(size: 1, failures: 0)
      do throws(APIError) {
        try await client.send { failures in
          asked = sizing.next(atMost: min(size, rest.count), failures: failures)
          let variable = GraphQL.Variable.texts(Array(rest.prefix(asked.size)))
          return GraphQL.request(query, [("ids", variable)], url: url, headers: headers)
        } read: { response throws(APIError) in
          let isEnough = asked.failures >= Self.partialAnswersRejected
          let answer = try GraphQL.Answer(response, now: clock.now(), takesPartial: isEnough)
          guard let nodes = answer.data?.listing("nodes").items else {
            throw answer.errors.first ?? APIError(.malformed, "the answer has no nodes")
          }
          for node in nodes {
            if let id = node.text("id") { found[id] = try read(node) }
          }
          sizing.note(asked)
        }
      } catch {
        // The server answers other requests, so it is this node that it cannot read.
        guard error.code == .unavailable, asked.size == 1 else { throw error }
      }
      rest = rest.dropFirst(asked.size)
    }
    return found
  }
}
