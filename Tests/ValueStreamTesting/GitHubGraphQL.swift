import Foundation
package import ValueStreamCore

/// A fake of GitHub's GraphQL API for one organization, with its repositories and their connections in pages.
///
/// It reads from a query only which connection is meant. Nodes always have all their fields.
package struct GitHubGraphQL: Sendable {
  /// Nodes as JSON, by connection (such as `pullRequests`) and repository.
  package var connections: [String: [String: [String]]]
  package var organization: String
  /// The repositories of the organization, sorted by name.
  package var repositories: [String]

  package init(organization: String, repositories: [String], connections: [String: [String: [String]]]) {
    self.organization = organization
    self.repositories = repositories
    self.connections = connections
  }

  package func answer(_ request: LoopbackReceiver.Request) -> HTTPResponse {
    guard request.method == "POST", request.target.hasSuffix("/graphql") else { return .json(Array("{}".utf8), status: 404) }
    guard request.headers["Authorization"]?.hasPrefix("Bearer ") == true else {
      return .json(Array(#"{"message":"Bad credentials"}"#.utf8), status: 401)
    }
    guard let body = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any],
      let query = body["query"] as? String,
      let variables = body["variables"] as? [String: Any]
    else { return .json(Array(#"{"message":"Problems parsing JSON"}"#.utf8), status: 400) }
    let first = variables["first"] as? Int ?? 0
    let after = (variables["after"] as? String).flatMap { Int($0.dropFirst("cursor:".count)) } ?? 0
    guard (1...100).contains(first) else { return error("first must be from 1 to 100", type: "BAD_REQUEST") }
    if let login = variables["login"] as? String {
      let kind = query.contains("organization(") ? "organization" : "user"
      guard kind == "organization", login == organization else {
        return error(
          "Could not resolve to an Organization with the login of '\(login)'.", type: "NOT_FOUND", data: "{\"\(kind)\":null}")
      }
      let nodes = repositories.map { #"{"name":"\#($0)"}"# }
      return .json(Array(#"{"data":{"organization":{"repositories":\#(page(nodes, first, after))}}}"#.utf8))
    }
    let name = variables["name"] as? String ?? ""
    guard variables["owner"] as? String == organization,
      let found = connections.first(where: { query.contains("\($0.key)(") && $0.value[name] != nil }),
      let nodes = found.value[name]
    else {
      return error(
        "Could not resolve to a Repository with the name '\(name)'.", type: "NOT_FOUND", data: #"{"repository":null}"#)
    }
    return .json(Array(#"{"data":{"repository":{"\#(found.key)":\#(page(nodes, first, after))}}}"#.utf8))
  }

  private func page(_ nodes: [String], _ first: Int, _ after: Int) -> String {
    let end = min(nodes.count, after + first)
    let some = after < end ? nodes[after..<end].joined(separator: ",") : ""
    return
      #"{"totalCount":\#(nodes.count),"pageInfo":{"hasNextPage":\#(end < nodes.count),"endCursor":"cursor:\#(end)"},"nodes":[\#(some)]}"#
  }

  private func error(_ message: String, type: String, data: String = "null") -> HTTPResponse {
    .json(Array(#"{"data":\#(data),"errors":[{"type":"\#(type)","message":"\#(message)"}]}"#.utf8))
  }
}

extension GitHubGraphQL {
  /// Makes an organization `acme` with merged pull requests, the most recently updated first.
  ///
  /// - Parameter counts: the number of pull requests by repository.
  package static func pullRequests(_ counts: [String: Int]) -> GitHubGraphQL {
    let nodes = counts.mapValues { count in (0..<count).map(pullRequest) }
    return GitHubGraphQL(
      organization: "acme", repositories: counts.keys.sorted(), connections: ["pullRequests": nodes])
  }

  /// Returns pull request n, counted from the newest.
  private static func pullRequest(_ number: Int) -> String {
    let merged = Timestamp(seconds: 1_796_000_000 - Int64(number) * 7200)
    let created = merged.advanced(bySeconds: -Double(3600 * (number % 5) + 1800))
    let author = number % 6 == 5 ? "null" : #"{"login":"dev\#(number % 3)"}"#
    let reviews = (0..<number % 4).map { index in
      #"""
      {"author":{"login":"dev\#((number + index) % 3)"},"state":"\#(index == 2 ? "APPROVED" : "COMMENTED")",
      "submittedAt":"\#(created.advanced(bySeconds: Double(index * 300 + 600)))"}
      """#
    }
    return #"""
      {"id":"PR_\#(number)","number":\#(1000 - number),"title":"Change \#(number), \"quoted\"","state":"MERGED","merged":true,
      "url":"https://github.com/acme/site/pull/\#(1000 - number)","createdAt":"\#(created)","mergedAt":"\#(merged)",
      "closedAt":"\#(merged)","updatedAt":"\#(merged)","additions":\#(number % 7 * 10),"deletions":\#(number % 3),
      "comments":{"totalCount":\#(number % 4)},"author":\#(author),
      "reviews":{"totalCount":\#(reviews.count),"nodes":[\#(reviews.joined(separator: ","))]},"isDraft":false,"changedFiles":\#(number % 9 + 1),
      "headRefName":"feature/\#(number)","baseRefName":"main","labels":{"nodes":[{"name":"a"},{"name":"b"}]},
      "commits":{"totalCount":2,"nodes":[{"commit":{"authoredDate":"\#(created.advanced(bySeconds: -900))"}}]},
      "timelineItems":{"nodes":[{"__typename":"ReadyForReviewEvent","createdAt":"\#(created.advanced(bySeconds: 300))"}]}}
      """#
  }
}
