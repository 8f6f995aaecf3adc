package import ValueStreamCore

/// The API addresses of github.com, of a GitHub Enterprise Server, or of a company's GHE.com subdomain.
package struct GitHubAddress: Sendable, Hashable {
  package let graphQL: String
  package let rest: String
  /// The page on which users create tokens.
  package let tokens: String

  package static let gitHub = GitHubAddress(
    graphQL: "https://api.github.com/graphql", rest: "https://api.github.com", tokens: "github.com")

  /// Parses the address of a GitHub server.
  ///
  /// - Parameter text: `github.example.org` or `octocorp.ghe.com`, optionally with `https://` or `http://`.
  package init(setting text: String) throws(SettingError) {
    // A user in the address would show wherever the address is printed.
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
