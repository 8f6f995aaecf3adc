import APIClient
import GitHubAPI
import ValueStreamCore

/// The settings that all commands that read from GitHub share.
enum GitHubSettings {
  static let organization = Setting<String?>.optionalText(
    "org", environment: "", placeholder: "NAME", help: "Organization or user that owns the repositories.")

  static let repository = Setting<String?>.optionalText(
    "repo", environment: "", placeholder: "NAME",
    help: "Repository, or '*' for all of --org. Repeat for more. An owner may come first: acme/site.")

  static let token = Setting<String?>.optionalText(
    "access-token", environment: "VS_PERF_REPORT_GITHUB_ACCESS_TOKEN", otherVariables: ["GH_TOKEN", "GITHUB_TOKEN"],
    placeholder: "TOKEN", help: "Access token. Prefer the variable: process lists show flags.")

  static let address = Setting<GitHubAddress>(
    "enterprise-domain", environment: "", placeholder: "DOMAIN", default: .gitHub, defaultText: nil,
    help: "Host of your own GitHub: github.example.org, or company.ghe.com.", parse: GitHubAddress.init(setting:))

  static let repositoriesPerPage = Setting<Int>.count(
    "repos-per-page", default: 100, in: 1...100, help: "Repositories per request.")

  static let repositoryLimit = Setting<Int>.count(
    "max-repos", default: 500, in: 1...Int.max, help: "Most repositories that '*' stands for, in order of their names.")

  /// The settings that decide on what is read.
  static let content = [organization.declaration, repository.declaration, address.declaration, repositoryLimit.declaration]
  static let access = [token.declaration, repositoriesPerPage.declaration]

  /// Creates the download, the API client and the selection of repositories for a command.
  ///
  /// - Parameters:
  ///   - words: The words of the command.
  ///   - content: The settings that decide on what is read.
  static func prepare(
    _ settings: Settings, words: [String], content: [SettingDeclaration], pageSize: Setting<Int>
  ) throws -> (Fetch, GitHubAPI, GitHubSelection) {
    let repositories = try repositories(settings, words: words)
    let fetch = try Fetch(settings, words: words, content: content, pageSize: pageSize)
    let api = try api(settings, words: words, client: fetch.client)
    let selection = GitHubSelection(
      repositories: repositories, period: try FetchSettings.period(settings), pageSize: try settings.value(of: pageSize),
      now: fetch.began)
    return (fetch, api, selection)
  }

  /// Creates the API client with the token of the settings.
  static func api(_ settings: Settings, words: [String], client: APIClient) throws -> GitHubAPI {
    let address = try settings.value(of: address)
    guard let token = try FetchSettings.token(token, in: settings) else {
      throw UsageError(
        "GitHub wants a token: make one at \(address.tokens) that may read the repositories, and set "
          + "VS_PERF_REPORT_GITHUB_ACCESS_TOKEN", seeing: words)
    }
    return GitHubAPI(address, token: token, client: client)
  }

  /// Returns the repositories that the settings name.
  static func repositories(_ settings: Settings, words: [String]) throws -> GitHubRepositories {
    let organization = try settings.value(of: organization)
    let names = try settings.values(of: repository).compactMap { $0 }
    guard !names.isEmpty else { throw UsageError("which repositories? --repo NAME, or --repo '*' for all", seeing: words) }
    if organization == nil, let name = names.first(where: { !$0.contains("/") }) {
      throw UsageError("whose \(name == "*" ? "repositories" : name)? --org NAME", seeing: words)
    }
    var repositories = GitHubRepositories(organization: organization, names: names)
    repositories.pageSize = try settings.value(of: repositoriesPerPage)
    repositories.limit = try settings.value(of: repositoryLimit)
    return repositories
  }
}
