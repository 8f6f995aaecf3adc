import GitHubAPI
import ValueStreamCore
import VendorAPI

extension Command {
  static let gitHubIssues: Command = Command(
    words: ["github", "issues"], summary: "write GitHub issues as CSV",
    description: """
      Reads issues over GraphQL, last updated first. In everything else it works like vsperf github
      pull-requests.
      """,
    declarations: GitHubWorkCommands.issueDeclarations,
    examples: [
      (
        "Issues closed this year",
        "vsperf github issues --org acme --repo '*' --issue-state CLOSED --since 2026-01-01 --out issues.csv"
      )
    ],
    run: { settings in
      try await GitHubWorkCommands.run(settings, .gitHubIssues, content: GitHubWorkCommands.issueContent) { api, selection in
        GitHubIssues.source(api, selection, state: try settings.value(of: GitHubWorkCommands.issueState))
      }
    })

  static let gitHubDeployments: Command = Command(
    words: ["github", "deployments"], summary: "write GitHub deployments as CSV",
    description: """
      Reads deployments with their statuses over GraphQL, newest first: when each began and ended, and how.
      In everything else it works like vsperf github pull-requests.
      """,
    declarations: GitHubWorkCommands.declarations,
    examples: [("Latest deployments of a repository", "vsperf github deployments --repo acme/site --max-rows 50")],
    run: { settings in
      try await GitHubWorkCommands.run(settings, .gitHubDeployments, content: GitHubWorkCommands.content) { api, selection in
        GitHubDeployments.source(api, selection)
      }
    })

  static let gitHubWorkflowRuns: Command = Command(
    words: ["github", "workflow-runs"], summary: "write GitHub Actions runs as CSV",
    description: """
      Reads workflow runs, newest first, each in its last attempt. In everything else it works like vsperf
      github pull-requests.
      """,
    declarations: GitHubWorkCommands.declarations,
    examples: [("Runs since a date", "vsperf github workflow-runs --org acme --repo '*' --since 2026-11-17 --out runs.csv")],
    run: { settings in
      try await GitHubWorkCommands.run(settings, .gitHubWorkflowRuns, content: GitHubWorkCommands.content) { api, selection in
        GitHubWorkflowRuns(api, selection)
      }
    })
}

/// `vsperf github issues`, `deployments` and `workflow-runs`.
enum GitHubWorkCommands {
  static let issueState = Setting<GitHubIssues.State>.choice(
    "issue-state", environment: "", default: .all, help: "State of the issues to read.")

  static let content = GitHubSettings.content + [FetchSettings.limit.declaration] + FetchSettings.selection
  static let issueContent = content + [issueState.declaration]

  private static let manner =
    GitHubSettings.access + [FetchSettings.pageSize.declaration] + FetchSettings.declarations
    + [FetchSettings.concurrency.declaration]
  static let declarations = content + manner
  static let issueDeclarations = issueContent + manner

  static func run(
    _ settings: Settings, _ command: Command, content: [SettingDeclaration],
    source: (GitHubAPI, GitHubSelection) throws -> any RecordSource
  ) async throws {
    let (fetch, api, selection) = try GitHubSettings.prepare(
      settings, words: command.words, content: content, pageSize: FetchSettings.pageSize)
    try await fetch.run(
      try source(api, selection), limit: FetchSettings.limit, containerLimit: GitHubSettings.repositoryLimit, settings)
  }
}
