import APIClient
import ForgeFetch
import GitLabAPI
import ValueStreamCore

extension Command {
  static let gitLabMergeRequests = Command(
    words: ["gitlab", "merge-requests"], summary: "write GitLab merge requests as CSV",
    description: """
      Reads merge requests over GraphQL, last updated first, and writes the columns of vsperf github
      pull-requests. In everything else it works like that command. Needs GitLab 17.4 or later.
      """,
    declarations: GitLabMergeRequestsCommand.declarations,
    examples: [
      ("Merged merge requests of a project", "vsperf gitlab merge-requests --project acme/site --out mrs.csv"),
      (
        "All projects of a group on your own server",
        "vsperf gitlab merge-requests --url https://git.example.org --group acme --since 2026-06-01 --out mrs.csv"
      ),
    ],
    run: { try await GitLabMergeRequestsCommand.run($0) })
}

/// Implements `vsperf gitlab merge-requests`.
enum GitLabMergeRequestsCommand {
  private static let address = FetchSettings.address("GITLAB", of: "GitLab", default: "https://gitlab.com")

  private static let group = Setting<String?>.optionalText(
    "group", environment: "", placeholder: "PATH",
    help: "Group whose projects to read, subgroups included. Repeat for more.")

  private static let project = Setting<String?>.optionalText(
    "project", environment: "", placeholder: "PATH", help: "Project, such as acme/site. Repeat for more.")

  static let token = Setting<String?>.optionalText(
    "access-token", environment: "VS_GITLAB_TOKEN", otherVariables: ["GITLAB_TOKEN"], placeholder: "TOKEN",
    help: "Access token with the scope read_api. Prefer the variable: process lists show flags.")

  private static let state = Setting<GitLabMergeRequests.State>.choice(
    "mr-state", environment: "", default: .merged, help: "State of the merge requests to read.")

  /// The settings that name the projects.
  static let projects = [address.declaration, group.declaration, project.declaration]
  private static let content =
    projects + [state.declaration, FetchSettings.limit.declaration]
    + FetchSettings.selection
  static let declarations =
    content + [token.declaration, FetchSettings.pageSize.declaration] + FetchSettings.declarations
    + [FetchSettings.concurrency.declaration]

  static func run(_ settings: Settings) async throws {
    let words = Command.gitLabMergeRequests.words
    let (groups, projects) = try projects(settings, words: words)
    let fetch = try Fetch(settings, words: words, content: content, pageSize: FetchSettings.pageSize)
    let (address, token) = try access(settings, words: words)
    let source = GitLabMergeRequests(
      of: address, token: token, client: fetch.client, groups: groups, projects: projects,
      state: try settings.value(of: state), period: try FetchSettings.period(settings),
      pageSize: try settings.value(of: FetchSettings.pageSize), columns: try settings.value(of: FetchSettings.columns).ofChanges,
      now: fetch.began)
    try await fetch.run(source, limit: FetchSettings.limit, settings)
  }

  /// Returns the groups and projects that the settings name.
  static func projects(_ settings: Settings, words: [String]) throws -> (groups: [String], projects: [String]) {
    let groups = try settings.values(of: group).compactMap { $0 }
    let projects = try settings.values(of: project).compactMap { $0 }
    if groups.isEmpty, projects.isEmpty {
      throw UsageError("which projects? --project PATH, or --group PATH for all of a group", seeing: words)
    }
    return (groups, projects)
  }

  /// Returns the address of the server and the token.
  static func access(_ settings: Settings, words: [String]) throws -> (address: String, token: Secret) {
    let address = try settings.value(of: address) ?? ""
    guard let token = try FetchSettings.token(token, in: settings) else {
      throw UsageError(
        "GitLab wants a token: make one with the scope read_api at \(address)/-/user_settings/personal_access_tokens, and set "
          + "VS_GITLAB_TOKEN", seeing: words)
    }
    return (address, token)
  }
}
