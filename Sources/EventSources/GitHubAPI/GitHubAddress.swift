/// Where a GitHub answers: github.com, a GitHub Enterprise Server, or a GHE.com of a company.
package struct GitHubAddress: Sendable, Hashable {
  package let graphQL: String
  package let rest: String
  /// Where people make tokens.
  package let tokens: String

  /// - Parameter enterpriseDomain: `github.example.org`, `octocorp.ghe.com`, or one of these with `https://` or `http://` before it;
  ///   nil for github.com.
  package init(enterpriseDomain: String?) {
    let given = enterpriseDomain?.split(separator: "/").map(String.init) ?? []
    let scheme = given.first == "http:" ? "http" : "https"
    let host = (given.first?.hasPrefix("http") == true && given.count > 1 ? given[1] : given.first) ?? "github.com"
    if host == "github.com" || host == "api.github.com" {
      self.init(graphQL: "https://api.github.com/graphql", rest: "https://api.github.com", tokens: "github.com")
    } else if host.hasSuffix(".ghe.com") {
      let name = host.hasPrefix("api.") ? String(host.dropFirst(4)) : host
      self.init(graphQL: "https://api.\(name)/graphql", rest: "https://api.\(name)", tokens: name)
    } else {
      self.init(graphQL: "\(scheme)://\(host)/api/graphql", rest: "\(scheme)://\(host)/api/v3", tokens: host)
    }
  }

  private init(graphQL: String, rest: String, tokens host: String) {
    self.graphQL = graphQL
    self.rest = rest
    tokens = "https://\(host)/settings/tokens"
  }
}
