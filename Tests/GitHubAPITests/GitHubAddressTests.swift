import Testing
import ValueStreamCore

@testable import GitHubAPI

struct GitHubAddressTests {
  @Test(
    "GitHub's servers answer at other addresses than those of a company",
    arguments: [
      ("github.com", "https://api.github.com/graphql", "https://api.github.com", "https://github.com/settings/tokens"),
      (
        "git.acme.example", "https://git.acme.example/api/graphql", "https://git.acme.example/api/v3",
        "https://git.acme.example/settings/tokens"
      ),
      (
        "https://git.acme.example/", "https://git.acme.example/api/graphql", "https://git.acme.example/api/v3",
        "https://git.acme.example/settings/tokens"
      ),
      (
        "http://127.0.0.1:8080", "http://127.0.0.1:8080/api/graphql", "http://127.0.0.1:8080/api/v3",
        "https://127.0.0.1:8080/settings/tokens"
      ),
      (
        "octocorp.ghe.com", "https://api.octocorp.ghe.com/graphql", "https://api.octocorp.ghe.com",
        "https://octocorp.ghe.com/settings/tokens"
      ),
      (
        "api.octocorp.ghe.com", "https://api.octocorp.ghe.com/graphql", "https://api.octocorp.ghe.com",
        "https://octocorp.ghe.com/settings/tokens"
      ),
      (
        "httpd.example", "https://httpd.example/api/graphql", "https://httpd.example/api/v3",
        "https://httpd.example/settings/tokens"
      ),
    ])
  func addresses(domain: String, graphQL: String, rest: String, tokens: String) throws {
    let address = try GitHubAddress(setting: domain)
    #expect(address.graphQL == graphQL)
    #expect(address.rest == rest)
    #expect(address.tokens == tokens)
  }

  @Test(
    "What is no address of a server is told so",
    arguments: [
      "", "https://", "git.acme.example/api/v3", "https://git.acme.example/api/graphql", "httpd.example/x",
      "ssh://git.acme.example",
      "git.acme.example?x", "tal:secret@git.acme.example",
    ])
  func mistakes(domain: String) {
    #expect(throws: SettingError.self) { try GitHubAddress(setting: domain) }
  }
}
