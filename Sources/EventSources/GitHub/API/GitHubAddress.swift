package import ValueStreamCore

/// Where a GitHub answers: github.com, a GitHub Enterprise Server, or a GHE.com of a company.
package struct GitHubAddress: Sendable, Hashable {
  package let graphQL: String
  package let rest: String
  /// Where people make tokens.
  package let tokens: String

  package static let gitHub = GitHubAddress(
    graphQL: "https://api.github.com/graphql", rest: "https://api.github.com", tokens: "github.com")

  /// - Parameter text: `github.example.org`, `octocorp.ghe.com`, or one of these with `https://` or `http://` before it.
  package init(setting text: String) throws(SettingError) {
    // A user in it would be shown wherever the address is.
    let expected = "a domain such as github.example.org, without a user and without a path"
    if text.contains("@") { throw SettingError(expected: expected, isTextHidden: true) }
    let address = text.contains("://") ? text : "https://\(text)"
    let example = "https://github.example.org"
    guard let server = try? WebAddress.server(address, example: example), let (host, path) = WebAddress.split(server),
      path.isEmpty
    else { throw SettingError(expected: expected) }
    let scheme = server.prefix { $0 != ":" }.lowercased()
    if host == "github.com" || host == "api.github.com" {
      self = .gitHub
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
