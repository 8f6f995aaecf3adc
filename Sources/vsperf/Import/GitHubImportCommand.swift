import APIClient
import GitHubAPI
import GitHubImport
import ValueStreamCore

extension Command {
  static let importGitHub = Command(
    words: ["import", "github"], summary: "import the history of GitHub repositories",
    description: """
      Reads pull requests with reviews and commits, issues, pushes, workflow runs with all attempts and
      jobs, deployments and releases, from newest to oldest, and sends them to a vsd as deliveries in the
      shape of webhooks. They count in reports and pages, but not in Prometheus. Importing again or beside
      webhooks changes nothing. The command waits whenever GitHub's rate limits ask for it, and --resume
      continues an interrupted import.
      """,
    declarations: GitHubImportCommand.declarations,
    examples: [
      (
        "See what the import of an organization takes",
        "vsperf import github --org acme --repo '*' --since 2026-01-01 --dry-run"
      ),
      (
        "Import it into a vsd on this machine",
        "vsperf import github --org acme --repo '*' --since 2026-01-01 --server http://127.0.0.1:5000"
      ),
      (
        "Continue after an interrupt",
        "vsperf import github --org acme --repo '*' --since 2026-01-01 --server http://127.0.0.1:5000 --resume"
      ),
      ("Write it to a file for later", "vsperf import github --repo acme/site --out site.ndjson"),
    ],
    run: { try await GitHubImportCommand.run($0) })
}

/// Implements `vsperf import github`.
enum GitHubImportCommand {
  private static let kinds = ImportSettings.kinds(GitHubImportKind.self)
  private static let branch = ImportSettings.branch(ofEach: "repository")

  private static let content =
    GitHubSettings.content + [kinds.declaration, branch.declaration] + ImportSettings.content
  static let declarations = content + GitHubSettings.access + ImportSettings.access

  static func run(_ settings: Settings) async throws {
    let words = Command.importGitHub.words
    let repositories = try GitHubSettings.repositories(settings, words: words)
    let history = try Import(settings, words: words, content: content)
    let api = try GitHubSettings.api(settings, words: words, client: history.client)
    let importer = GitHubImporter(
      api,
      GitHubImporter.Selection(
        repositories: repositories, kinds: try settings.value(of: kinds), period: try ImportSettings.period(settings),
        branches: try settings.values(of: branch).compactMap { $0 }, began: history.began))
    try await history.run(importer, containerLimit: GitHubSettings.repositoryLimit, settings)
  }
}
