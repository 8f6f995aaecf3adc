import Testing

@testable import GitHubAPI

struct GitHubAddressTests {
  @Test(
    "GitHub's servers answer at other addresses than those of a company",
    arguments: [
      (nil, "https://api.github.com/graphql", "https://api.github.com", "https://github.com/settings/tokens"),
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
    ] as [(String?, String, String, String)])
  func addresses(domain: String?, graphQL: String, rest: String, tokens: String) {
    let address = GitHubAddress(enterpriseDomain: domain)
    #expect(address.graphQL == graphQL)
    #expect(address.rest == rest)
    #expect(address.tokens == tokens)
  }
}
