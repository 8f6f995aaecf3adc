package import PayloadReading

/// A page of a list in GraphQL (a connection of the Relay specification).
package struct GraphQLConnection {
  package let nodes: [PayloadObject]
  package let next: String?
  package let total: Int?
  /// The number of null nodes in the page, which the server could not read.
  package let missing: Int
  /// Notes for the user about missing data.
  package let notes: [String]

  /// Reads a page.
  ///
  /// - Parameters:
  ///   - connection: the connection object in the response; nil if it is absent.
  ///   - what: the owner of the list, for messages.
  /// - Throws: the reason why the connection is absent.
  package init(_ connection: PayloadObject?, of answer: GraphQL.Answer, what: String) throws(APIError) {
    guard let connection else {
      throw answer.errors.first ?? APIError(.notFound, "there is no \(what), or the token may not see it")
    }
    let listing = connection.listing("nodes")
    nodes = listing.items
    missing = listing.missing
    let page = connection.object("pageInfo")
    next = page?.bool("hasNextPage") == true ? page?.text("endCursor") : nil
    total = (connection.int("totalCount") ?? connection.int("count")).map { Int(clamping: $0) }
    let errors = Set(answer.errors.map(\.description)).sorted().map { "something is missing: \($0)" }
    notes = errors + listing.notes
  }
}

extension PayloadObject {
  /// Returns the nodes of a connection.
  package func nodes(_ name: StaticString) -> [PayloadObject] { object(name)?.objects("nodes") ?? [] }
}
