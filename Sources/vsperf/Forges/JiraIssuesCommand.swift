import APIClient
import JiraAPI
import ValueStreamCore

extension Command {
  static let jiraIssues = Command(
    words: ["jira", "issues"], summary: "write Jira Cloud issues as CSV, with the time in each status",
    description: """
      Searches issues, newest first, and reads their status changes. A row says when work on the issue began,
      when it was done, and how long it was in each status. In everything else it works like vsperf github
      pull-requests.
      """,
    declarations: JiraIssuesCommand.declarations,
    examples: [
      (
        "Two projects",
        "vsperf jira issues --url https://acme.atlassian.net --user tal@acme.example --project SHOP --project OPS --out issues.csv"
      ),
      ("A search", "vsperf jira issues --jql \"type = Bug AND labels = checkout\" --since 2026-01-01"),
    ],
    run: { try await JiraIssuesCommand.run($0) })
}

/// Implements `vsperf jira issues`.
enum JiraIssuesCommand {
  static let address = FetchSettings.address("JIRA", of: "the site: https://acme.atlassian.net", default: nil)

  private static let user = Setting<String?>.user(
    "user", environment: "VS_JIRA_USER", placeholder: "EMAIL",
    help: "User that the token belongs to. Without it, the token is sent as a bearer token.")

  private static let token = Setting<String?>.optionalText(
    "access-token", environment: "VS_JIRA_TOKEN", placeholder: "TOKEN",
    help: "API token. Prefer the variable: process lists show flags.")

  static let project = Setting<String?>.optionalText(
    "project", environment: "", placeholder: "KEY", help: "Project. Repeat for more.")

  private static let search = Setting<String?>.optionalText(
    "jql", environment: "", placeholder: "JQL", help: "JQL without ORDER BY, within the projects or over all of them.")

  private static let content =
    [address.declaration, project.declaration, search.declaration, FetchSettings.limit.declaration] + FetchSettings.selection
  /// The settings that authenticate the user.
  static let access = [user.declaration, token.declaration]
  static let declarations =
    content + access + [FetchSettings.pageSize.declaration] + FetchSettings.declarations
    + [FetchSettings.concurrency.declaration]

  static func run(_ settings: Settings) async throws {
    let words = Command.jiraIssues.words
    try requireAddress(settings, words: words)
    let projects = try settings.values(of: project).compactMap { $0 }
    let search = try settings.value(of: search)
    if projects.isEmpty, search == nil {
      throw UsageError("which issues? --project KEY, or --jql for a search", seeing: words)
    }
    let fetch = try Fetch(settings, words: words, content: content, pageSize: FetchSettings.pageSize)
    let api = try api(settings, words: words, client: fetch.client)
    let source = JiraIssues(
      api, projects: projects, search: search, period: try FetchSettings.period(settings),
      pageSize: try settings.value(of: FetchSettings.pageSize), now: fetch.began)
    try await fetch.run(source, limit: FetchSettings.limit, settings)
  }

  @discardableResult
  private static func requireAddress(_ settings: Settings, words: [String]) throws -> String {
    guard let address = try settings.value(of: address) else {
      throw UsageError("which site? --url https://acme.atlassian.net", seeing: words)
    }
    return address
  }

  /// Creates the API client for the site and the user of the settings.
  static func api(_ settings: Settings, words: [String], client: APIClient) throws -> JiraAPI {
    let address = try requireAddress(settings, words: words)
    guard let token = try FetchSettings.token(token, in: settings) else {
      throw UsageError(
        "Jira wants a token: make one at https://id.atlassian.com/manage-profile/security/api-tokens, and set VS_JIRA_TOKEN and "
          + "VS_JIRA_USER", seeing: words)
    }
    return JiraAPI(
      address, authorization: BasicAuthorization.header(user: try settings.value(of: user), token: token.bytes), client: client)
  }
}
