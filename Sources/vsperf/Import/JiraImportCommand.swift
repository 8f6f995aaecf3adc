import APIClient
import JiraAPI
import JiraImport
import ValueStreamCore

extension Command {
  static let importJira = Command(
    words: ["import", "jira"], summary: "import the history of Jira Cloud projects",
    description: """
      Reads issues with all of their changes, comments and logged work, sprints and released versions, from
      the newest to the oldest. In everything else it works like vsperf import github.
      """,
    declarations: JiraImportCommand.declarations,
    examples: [
      (
        "Import two projects into a vsd on this machine",
        "vsperf import jira --url https://acme.atlassian.net --project SHOP --project WEB --server http://127.0.0.1:5000"
      )
    ],
    run: { try await JiraImportCommand.run($0) })
}

/// Implements `vsperf import jira`.
enum JiraImportCommand {
  private static let kinds = ImportSettings.kinds(JiraImportKind.self)

  private static let content =
    [JiraIssuesCommand.address.declaration, JiraIssuesCommand.project.declaration, kinds.declaration]
    + ImportSettings.content
  static let declarations = content + JiraIssuesCommand.access + ImportSettings.access

  static func run(_ settings: Settings) async throws {
    let words = Command.importJira.words
    let projects = try settings.values(of: JiraIssuesCommand.project).compactMap { $0 }
    guard !projects.isEmpty else { throw UsageError("which projects? --project KEY", seeing: words) }
    let history = try Import(settings, words: words, content: content)
    let api = try JiraIssuesCommand.api(settings, words: words, client: history.client)
    let importer = JiraImporter(
      api,
      JiraImporter.Selection(
        projects: projects, kinds: try settings.value(of: kinds), period: try ImportSettings.period(settings)))
    try await history.run(importer, settings)
  }
}
