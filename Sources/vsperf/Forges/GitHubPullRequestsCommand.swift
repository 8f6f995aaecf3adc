import GitHubAPI
import ValueStreamCore
import VendorAPI

extension Command {
  static let gitHubPullRequests = Command(
    words: ["github", "pull-requests"], summary: "write pull requests of GitHub as CSV",
    description: """
      Asks GraphQL for pull requests, the last updated first, and writes a row for each: how long it took, how
      large it was, who reviewed it. vsperf agg makes reports of that. Limits of GitHub are kept: what it wants
      to be waited for is waited for. What is written is whole rows at any time; a run that was ended goes on
      with --resume.
      """,
    declarations: GitHubPullRequestsCommand.declarations,
    examples: [
      ("What was merged in two repositories", "vsperf github pull-requests --org acme --repo site --repo app --out prs.csv"),
      (
        "Everything since summer, in all repositories, with all columns",
        "vsperf github pull-requests --org acme --repo '*' --since 2026-06-01 --columns all --out prs.csv"
      ),
      ("Go on after an interrupt", "vsperf github pull-requests --org acme --repo '*' --out prs.csv --resume"),
    ],
    run: { try await GitHubPullRequestsCommand.run($0) })
}

/// `vsperf github pull-requests`.
enum GitHubPullRequestsCommand {
  private static let state = Setting<GitHubPullRequests.State>.choice(
    "pr-state", environment: "", default: .merged, help: "Which ones.")

  private static let pageSize = Setting<Int>.count(
    "prs-per-page", default: 100, in: 1...100, help: "Pull requests in one answer; fewer where GitHub takes too long.")

  private static let limit = Setting<Int>.count(
    "max-prs", default: 100, in: 1...Int.max,
    help: "Pull requests of one repository; with --since there is no limit, unless it is given.")

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
