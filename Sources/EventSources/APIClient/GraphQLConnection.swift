package import PayloadReading

/// A page of a list, as GraphQL servers have them (connections of the Relay specification).
package struct GraphQLConnection {
  package let nodes: [PayloadObject]
  package let next: String?
  package let total: Int?
  /// How many of the page's nodes are null: the server could not read them.
  package let missing: Int
  /// What is missing, for people.
  package let notes: [String]

  /// - Parameters:
  ///   - connection: as it was found in the answer.
  ///   - what: of whom it was asked, for messages.
  /// - Throws: why it is not there.
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
  /// The nodes of a connection.
  package func nodes(_ name: StaticString) -> [PayloadObject] { object(name)?.objects("nodes") ?? [] }
}
