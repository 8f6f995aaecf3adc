import APIClient
import JenkinsAPI
import ValueStreamCore

extension Command {
  static let jenkinsBuilds = Command(
    words: ["jenkins", "builds"], summary: "write Jenkins builds as CSV",
    description: "Reads the builds of jobs, newest first. In everything else it works like vsperf github pull-requests.",
    declarations: JenkinsBuildsCommand.declarations,
    examples: [
      ("A job in a folder", "vsperf jenkins builds --url https://ci.example.org --job shop/build --out builds.csv"),
      ("All jobs", "vsperf jenkins builds --url https://ci.example.org --since 2026-11-01 --out builds.csv"),
    ],
    run: { try await JenkinsBuildsCommand.run($0) })
}

/// Implements `vsperf jenkins builds`.
enum JenkinsBuildsCommand {
  static let address = FetchSettings.address("JENKINS", of: "Jenkins", default: nil)

  static let job = Setting<String?>.optionalText(
    "job", environment: "", placeholder: "NAME",
    help: "Job with its folders, such as shop/build. Repeat for more. Without it, all jobs are read, six folders deep.")

  private static let user = Setting<String?>.user(
    "user", environment: "VS_JENKINS_USER", placeholder: "NAME", help: "User that the token belongs to.")

  private static let token = Setting<String?>.optionalText(
    "access-token", environment: "VS_JENKINS_TOKEN", placeholder: "TOKEN",
    help: "API token, unless everybody may read. Prefer the variable: process lists show flags.")

  private static let content =
    [address.declaration, job.declaration, FetchSettings.limit.declaration] + FetchSettings.selection
  /// The settings that authenticate the user.
  static let access = [user.declaration, token.declaration]
  static let declarations =
    content + access + [FetchSettings.pageSize.declaration] + FetchSettings.declarations
    + [FetchSettings.concurrency.declaration]

  static func run(_ settings: Settings) async throws {
    let words = Command.jenkinsBuilds.words
    guard let address = try settings.value(of: address) else {
      throw UsageError("which Jenkins? --url https://ci.example.org", seeing: words)
    }
    let fetch = try Fetch(settings, words: words, content: content, pageSize: FetchSettings.pageSize)
    let user = try settings.value(of: user)
    let token = try FetchSettings.token(token, in: settings)
    let source = JenkinsBuilds(
      address, authorization: token.map { BasicAuthorization.header(user: user, token: $0.bytes) }, client: fetch.client,
      jobs: try settings.values(of: job).compactMap { $0 }, period: try FetchSettings.period(settings),
      pageSize: try settings.value(of: FetchSettings.pageSize))
    try await fetch.run(source, limit: FetchSettings.limit, settings)
  }

  /// Creates the client of the server and the user of the settings.
  static func server(_ settings: Settings, words: [String], client: APIClient) throws -> JenkinsServer {
    guard let address = try settings.value(of: address) else {
      throw UsageError("which Jenkins? --url https://ci.example.org", seeing: words)
    }
    let user = try settings.value(of: user)
    let token = try FetchSettings.token(token, in: settings)
    return JenkinsServer(
      address, authorization: token.map { BasicAuthorization.header(user: user, token: $0.bytes) }, client: client)
  }
}
