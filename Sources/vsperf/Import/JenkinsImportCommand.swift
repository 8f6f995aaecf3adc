import APIClient
import JenkinsAPI
import JenkinsImport
import ValueStreamCore

extension Command {
  static let importJenkins = Command(
    words: ["import", "jenkins"], summary: "import the history of Jenkins builds",
    description: """
      Reads the builds of jobs with their parameters, commits and stages, from the newest to the oldest. In
      everything else it works like vsperf import github.
      """,
    declarations: JenkinsImportCommand.declarations,
    examples: [
      (
        "Import all jobs into a vsd on this machine",
        "vsperf import jenkins --url https://ci.example.org --server http://127.0.0.1:5000"
      )
    ],
    run: { try await JenkinsImportCommand.run($0) })
}

/// Implements `vsperf import jenkins`.
enum JenkinsImportCommand {
  private static let kinds = ImportSettings.kinds(JenkinsImportKind.self)

  private static let content =
    [JenkinsBuildsCommand.address.declaration, JenkinsBuildsCommand.job.declaration, kinds.declaration]
    + ImportSettings.content
  static let declarations = content + JenkinsBuildsCommand.access + ImportSettings.access

  static func run(_ settings: Settings) async throws {
    let words = Command.importJenkins.words
    let history = try Import(settings, words: words, content: content)
    let server = try JenkinsBuildsCommand.server(settings, words: words, client: history.client)
    let jobs = try settings.values(of: JenkinsBuildsCommand.job).compactMap { $0 }
    let importer = JenkinsImporter(
      server, jobs: jobs, kinds: try settings.value(of: kinds), period: try ImportSettings.period(settings))
    try await history.run(importer, settings)
  }
}
