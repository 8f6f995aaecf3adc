import APIClient
import ForgeFetch
import GitHubAPI
import ValueStreamCore

extension Command {
  static let gitHubPullRequests = Command(
    words: ["github", "pull-requests"], summary: "write GitHub pull requests as CSV",
    description: """
      Reads pull requests over GraphQL, last updated first, and writes one row for each: how long it took,
      how large it was, who reviewed it. vsperf agg turns these rows into reports. The command waits whenever
      GitHub's rate limits ask for it. The file always ends with a whole row, and --resume continues an
      interrupted run.
      """,
    declarations: GitHubPullRequestsCommand.declarations,
    examples: [
      ("Merged pull requests of two repositories", "vsperf github pull-requests --org acme --repo site --repo app --out prs.csv"),
      (
        "All repositories since a date, with all columns",
        "vsperf github pull-requests --org acme --repo '*' --since 2026-06-01 --columns all --out prs.csv"
      ),
      ("Continue after an interrupt", "vsperf github pull-requests --org acme --repo '*' --out prs.csv --resume"),
    ],
    run: { try await GitHubPullRequestsCommand.run($0) })
}

/// Implements `vsperf github pull-requests`.
enum GitHubPullRequestsCommand {
  private static let state = Setting<GitHubPullRequests.State>.choice(
    "pr-state", environment: "", default: .merged, help: "State of the pull requests to read.")

  private static let pageSize = Setting<Int>.count(
    "prs-per-page", default: 100, in: 1...100, help: "Pull requests per request. Lower it if GitHub takes too long.")

  private static let limit = Setting<Int>.count(
    "max-prs", default: 100, in: 1...Int.max,
    help: "Limit per repository. With --since there is no limit unless you set one.")

  private static let content =
    GitHubSettings.content + [state.declaration, limit.declaration] + FetchSettings.selection
    + [ClassificationSettings.bots.declaration]
  static let declarations =
    content + GitHubSettings.access + [pageSize.declaration] + FetchSettings.declarations
    + [FetchSettings.concurrency.declaration]

  static func run(_ settings: Settings) async throws {
    let words = Command.gitHubPullRequests.words
    let (fetch, api, selection) = try GitHubSettings.prepare(settings, words: words, content: content, pageSize: pageSize)
    let source = GitHubPullRequests.source(
      api, selection, state: try settings.value(of: state), columns: try settings.value(of: FetchSettings.columns).ofChanges,
      bots: Bots(names: try settings.value(of: ClassificationSettings.bots)))
    try await fetch.run(source, limit: limit, containerLimit: GitHubSettings.repositoryLimit, settings)
  }
}
