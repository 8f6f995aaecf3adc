import APIClient
import GitLabAPI
import GitLabImport
import ValueStreamCore

extension Command {
  static let importGitLab = Command(
    words: ["import", "gitlab"], summary: "import the history of GitLab projects",
    description: """
      Reads merge requests with notes, approvals and commits, issues, pushes, pipelines with all jobs,
      deployments and releases, from newest to oldest. In everything else it works like vsperf import github.
      """,
    declarations: GitLabImportCommand.declarations,
    examples: [
      ("See what the import of a group takes", "vsperf import gitlab --group acme --since 2026-01-01 --dry-run"),
      (
        "Import it into a vsd on this machine",
        "vsperf import gitlab --group acme --since 2026-01-01 --server http://127.0.0.1:5000"
      ),
    ],
    run: { try await GitLabImportCommand.run($0) })
}

/// Implements `vsperf import gitlab`.
enum GitLabImportCommand {
  private static let kinds = ImportSettings.kinds(GitLabImportKind.self)
  private static let branch = ImportSettings.branch(ofEach: "project")

  private static let content =
    GitLabMergeRequestsCommand.projects + [kinds.declaration, branch.declaration] + ImportSettings.content
  static let declarations = content + [GitLabMergeRequestsCommand.token.declaration] + ImportSettings.access

  static func run(_ settings: Settings) async throws {
    let words = Command.importGitLab.words
    let (groups, projects) = try GitLabMergeRequestsCommand.projects(settings, words: words)
    let history = try Import(settings, words: words, content: content)
    let (address, token) = try GitLabMergeRequestsCommand.access(settings, words: words)
    let importer = GitLabImporter(
      GitLabREST(of: address, token: token, client: history.client),
      GitLabImporter.Selection(
        groups: groups, projects: projects, kinds: try settings.value(of: kinds), period: try ImportSettings.period(settings),
        branches: try settings.values(of: branch).compactMap { $0 }, began: history.began))
    try await history.run(importer, settings)
  }
}
