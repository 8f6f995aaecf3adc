package import APIClient
import PayloadReading

/// The repositories to read: named ones, or all of an organization or user.
package struct GitHubRepositories: Sendable {
  package let organization: String?
  package let names: [String]
  package var pageSize = 100
  /// The most repositories to read of an organization.
  package var limit = 500

  /// Creates a list.
  ///
  /// - Parameter names: `site`, `acme/site`, or `*` for all repositories of the organization.
  package init(organization: String?, names: [String]) {
    self.organization = organization
    self.names = names
  }

  /// Returns the full names of the repositories, without duplicates.
  package func list(_ api: GitHubAPI) async throws(APIError) -> RecordContainers {
    var found = RecordContainers([])
    for name in names {
      let next =
        name == "*" ? try await all(api) : RecordContainers([name.contains("/") ? name : "\(organization ?? "")/\(name)"])
      found.names += next.names.filter { !found.names.contains($0) }
      found.cut = found.cut ?? next.cut
    }
    return found
  }

  /// Lists all repositories by name, an order that does not change between runs.
  private func all(_ api: GitHubAPI) async throws(APIError) -> RecordContainers {
    let owner = organization ?? ""
    do throws(APIError) {
      return try await all(api, of: owner, in: "organization")
    } catch {
      guard error.code == .notFound else { throw error }
      // The owner may be a user instead of an organization.
      do throws(APIError) {
        return try await all(api, of: owner, in: "user")
      } catch {
        guard error.code == .notFound else { throw error }
        throw APIError(.notFound, "there is no organisation or user \(owner), or the token may not see it")
      }
    }
  }

  private func all(_ api: GitHubAPI, of owner: String, in kind: StaticString) async throws(APIError) -> RecordContainers {
    let query = """
      query($login:String!,$first:Int!,$after:String){\(kind)(login:$login){repositories(first:$first,after:$after,\
      orderBy:{field:NAME,direction:ASC}){totalCount pageInfo{hasNextPage endCursor} nodes{name}}}}
      """
    var names: [String] = []
    var trail = CursorTrail(of: "the repositories of \(owner)")
    var total: Int?
    var cursor: String?
    repeat {
      let page = try await api.graphQL.page(
        query, [("login", .text(owner)), ("after", cursor.map(GraphQL.Variable.text) ?? .null)],
        size: min(pageSize, limit - names.count)
      ) { answer throws(APIError) in
        try GraphQLConnection(answer.data?.object(kind)?.object("repositories"), of: answer, what: "\(kind) \(owner)")
      }
      names += page.nodes.compactMap { $0.text("name") }
      total = page.total
      cursor = page.next
      if names.count < limit { try trail.follow(cursor) }
    } while cursor != nil && names.count < limit
    let isCut = cursor != nil || names.count > limit
    let count = total.map { "\($0)" } ?? "more"
    return RecordContainers(
      names.prefix(limit).map { "\(owner)/\($0)" },
      cut: isCut ? "\(owner) has \(count) repositories, of which the first \(limit) by name are read" : nil)
  }
}
