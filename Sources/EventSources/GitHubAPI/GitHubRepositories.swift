import Payloads
import VendorAPI

/// Whose records are wanted: repositories by name, or all of an organisation.
package struct GitHubRepositories: Sendable {
  package let organization: String?
  package let names: [String]
  package var pageSize = 100
  /// Of an organisation.
  package var limit = 500

  /// - Parameter names: `site`, `acme/site`, or `*` for every repository of the organisation.
  package init(organization: String?, names: [String]) {
    self.organization = organization
    self.names = names
  }

  /// Full names, each once.
  func list(_ api: GitHubAPI) async throws(APIError) -> [String] {
    var found: [String] = []
    for name in names {
      let next = name == "*" ? try await all(api) : [name.contains("/") ? name : "\(organization ?? "")/\(name)"]
      found += next.filter { !found.contains($0) }
    }
    return found
  }

  /// By name, which is the same order at any time.
  private func all(_ api: GitHubAPI) async throws(APIError) -> [String] {
    let owner = organization ?? ""
    do throws(APIError) {
      return try await all(api, of: owner, in: "organization")
    } catch {
      guard error.code == .notFound else { throw error }
      // People have repositories too.
      do throws(APIError) {
        return try await all(api, of: owner, in: "user")
      } catch {
        guard error.code == .notFound else { throw error }
        throw APIError(.notFound, "there is no organisation or user \(owner), or the token may not see it")
      }
    }
  }

  private func all(_ api: GitHubAPI, of owner: String, in kind: StaticString) async throws(APIError) -> [String] {
    let query = """
      query($login:String!,$first:Int!,$after:String){\(kind)(login:$login){repositories(first:$first,after:$after,\
      orderBy:{field:NAME,direction:ASC}){totalCount pageInfo{hasNextPage endCursor} nodes{name}}}}
      """
    var names: [String] = []
    var cursor: String?
    repeat {
      let page = try await api.graphQL.page(
        query, [("login", .text(owner)), ("after", cursor.map(GraphQL.Variable.text) ?? .null)],
        size: min(pageSize, limit - names.count)
      ) { answer throws(APIError) in
        try GraphQLConnection(answer.data?.object(kind)?.object("repositories"), of: answer, what: "\(kind) \(owner)")
      }
      names += page.nodes.compactMap { $0.text("name") }
      cursor = page.next
    } while cursor != nil && names.count < limit
    return names.prefix(limit).map { "\(owner)/\($0)" }
  }
}
