import APIClient
import CurlTransport
import GitHubAPI
import GitHubHooks
import GitHubWebhooks
import GitLabHooks
import GitLabWebhooks
import Hooks
import JiraHooks
import JiraWebhooks
import TrelloHooks
import ValueStreamCore

/// The settings that the commands about webhooks share.
enum HookSettings {
  static let address = Setting<String?>(
    "url", environment: "", placeholder: "URL", default: nil, defaultText: nil,
    help: "Address of vsd's route as the vendor reaches it, such as https://vs.example.org/github."
  ) { text throws(SettingError) in
    try WebAddress.setting(text, example: "https://vs.example.org/github")
  }

  static let update = Setting<Bool>.toggle(
    "update", environment: "", help: "Change a webhook with this address that is there already, its secret included.")

  static let dryRun = Setting<Bool>.toggle(
    "dry-run", environment: "", help: "Only say what would be asked for.")

  static let connection = [FetchSettings.authority.declaration, FetchSettings.proxy.declaration]

  /// Returns the client for a vendor's API, which reports long waits.
  static func client(_ settings: Settings) throws(SettingsError) -> APIClient {
    let progress = FetchProgress(isAlone: false)
    return APIClient(transport: try FetchSettings.transport(settings), report: { progress.note($0) })
  }

  /// Reads a file that must be there.
  static func content(of setting: Setting<String?>, _ settings: Settings) throws -> [UInt8]? {
    guard let path = try settings.value(of: setting) else { return nil }
    guard let bytes = Environment.readFile(path) else {
      throw CommandError("\(settings.origin(of: setting)): \(UnreadableFile(path))", ExitCode.noInput)
    }
    return bytes
  }
}

/// A vendor whose webhooks `vsperf webhooks` can set up.
struct HookVendor: Sendable {
  /// The name of the source in vsd.
  var name: String
  var title: String
  /// The settings that say whose webhooks, and with which token.
  var access: [SettingDeclaration]
  /// The settings of `create` alone.
  var creation: [SettingDeclaration]
  /// The secret of vsd that the webhook gets. Nil if the vendor signs with another.
  var secret: SecretSetting?
  /// The flags of an example that say whose webhooks.
  var example: String
  /// What `create` adds to its description.
  var remark: String
  /// Returns the places, each with the scopes of the webhooks to make there.
  var places: @Sendable (Settings, _ words: [String]) async throws -> [Place]

  struct Place: Sendable {
    var service: any HookService
    /// What each webhook is limited to; nil for nothing.
    var scopes: [String?] = [nil]
  }

  static let all = [gitHub, gitLab, jira, trello]

  // MARK: GitHub

  private static let repository = Setting<String?>(
    "repository", aliases: ["repo"], environment: "", placeholder: "NAME", default: nil, defaultText: nil,
    help: "Repository with its owner, such as acme/site. Repeat for more."
  ) { text throws(SettingError) in
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts.contains("") else {
      throw SettingError(expected: "a repository with its owner, such as acme/site")
    }
    return text
  }

  private static let organization = Setting<String?>(
    "organization", aliases: ["org"], environment: "", placeholder: "NAME", default: nil, defaultText: nil,
    help: "Organization, for a webhook of all its repositories. Repeat for more."
  ) { $0 }

  private static let app = Setting<String?>.optionalText(
    "app", environment: "", placeholder: "ID", help: "GitHub App, by its id or client id. Needs --app-key-file.")

  private static let appKey = Setting<String?>.optionalText(
    "app-key-file", environment: "VS_GITHUB_APP_KEY_FILE", placeholder: "FILE",
    help: "File with the private key of the App, in PEM.")

  private static let gitHub = HookVendor(
    name: "github", title: "GitHub",
    access: [
      repository.declaration, organization.declaration, app.declaration, appKey.declaration, GitHubSettings.token.declaration,
      GitHubSettings.address.declaration,
    ], creation: [], secret: GitHubSource.secretSetting, example: "--repository acme/site",
    remark: "\nThe events of a GitHub App stand in its settings, where only a person can change them."
  ) { settings, words in
    let repositories = try settings.values(of: repository).compactMap { $0 }
    let organizations = try settings.values(of: organization).compactMap { $0 }
    let address = try settings.value(of: GitHubSettings.address)
    let client = try HookSettings.client(settings)
    var places: [Place] = []
    if let app = try settings.value(of: app) {
      guard let key = try HookSettings.content(of: appKey, settings) else {
        throw UsageError("which key has the App? --app-key-file FILE", seeing: words)
      }
      places.append(Place(service: GitHubAppHook(try GitHubAppToken(app: app, key: key), address, client: client)))
    }
    guard !repositories.isEmpty || !organizations.isEmpty else {
      guard places.isEmpty else { return places }
      throw UsageError("whose webhooks? --repository OWNER/NAME, --organization NAME or --app ID", seeing: words)
    }
    guard let token = try FetchSettings.token(GitHubSettings.token, in: settings) else {
      throw UsageError(
        "GitHub wants a token: make one at \(address.tokens) that may administer webhooks, and set GITHUB_TOKEN", seeing: words)
    }
    let requests = GitHubHookRequests(address, token: token, client: client)
    places += organizations.map { Place(service: GitHubHooks(.organization($0), requests)) }
    places += repositories.map { Place(service: GitHubHooks(.repository($0), requests)) }
    return places
  }

  // MARK: GitLab

  private static let gitLabAddress = FetchSettings.address(
    "GITLAB", flag: "gitlab-url", of: "GitLab", default: "https://gitlab.com")

  private static let project = Setting<String?>.optionalText(
    "project", environment: "", placeholder: "PATH", help: "Project, such as acme/site. Repeat for more.")

  private static let group = Setting<String?>.optionalText(
    "group", environment: "", placeholder: "PATH",
    help: "Group, for a webhook of all its projects (paid plans). Repeat for more.")

  private static let gitLabToken = Setting<String?>.optionalText(
    "access-token", environment: "VS_GITLAB_TOKEN", otherVariables: ["GITLAB_TOKEN"], placeholder: "TOKEN",
    help: "Access token with the scope api. Prefer the variable: process lists show flags.")

  private static let gitLab = HookVendor(
    name: "gitlab", title: "GitLab",
    access: [project.declaration, group.declaration, gitLabToken.declaration, gitLabAddress.declaration], creation: [],
    secret: GitLabSource.secretSetting, example: "--project acme/site",
    remark: "\nA secret that begins with whsec_ becomes the signing token, which GitLab has from 19.0 on."
  ) { settings, words in
    let projects = try settings.values(of: project).compactMap { $0 }
    let groups = try settings.values(of: group).compactMap { $0 }
    guard !projects.isEmpty || !groups.isEmpty else {
      throw UsageError("whose webhooks? --project PATH or --group PATH", seeing: words)
    }
    let address = try settings.value(of: gitLabAddress) ?? ""
    guard let token = try FetchSettings.token(gitLabToken, in: settings) else {
      throw UsageError(
        "GitLab wants a token: make one with the scope api at \(address)/-/user_settings/personal_access_tokens, and set "
          + "VS_GITLAB_TOKEN", seeing: words)
    }
    let client = try HookSettings.client(settings)
    let owners = groups.map(GitLabHooks.Owner.group) + projects.map(GitLabHooks.Owner.project)
    return owners.map { Place(service: GitLabHooks($0, at: address, token: token, client: client)) }
  }

  // MARK: Jira

  private static let jiraAddress = FetchSettings.address(
    "JIRA", flag: "jira-url", of: "the site: https://acme.atlassian.net", default: nil)

  private static let jiraUser = Setting<String?>.user(
    "user", environment: "VS_JIRA_USER", placeholder: "EMAIL",
    help: "User that the token belongs to. Without it, the token is sent as a bearer token.")

  private static let jiraToken = Setting<String?>.optionalText(
    "access-token", environment: "VS_JIRA_TOKEN", placeholder: "TOKEN",
    help: "API token. Prefer the variable: process lists show flags.")

  private static let jql = Setting<String?>.optionalText(
    "jql", environment: "", placeholder: "JQL",
    help: "Issues that the webhook is for, such as \"project in (TP, OPS)\". All without it.")

  private static let jira = HookVendor(
    name: "jira", title: "Jira",
    access: [jiraAddress.declaration, jiraUser.declaration, jiraToken.declaration], creation: [jql.declaration],
    secret: JiraSource.secretSetting, example: "--jira-url https://acme.atlassian.net --user tal@acme.example", remark: ""
  ) { settings, words in
    guard let address = try settings.value(of: jiraAddress) else {
      throw UsageError("which site? --jira-url https://acme.atlassian.net", seeing: words)
    }
    guard let token = try FetchSettings.token(jiraToken, in: settings) else {
      throw UsageError(
        "Jira wants a token of an administrator: make one at https://id.atlassian.com/manage-profile/security/api-tokens, and set "
          + "VS_JIRA_TOKEN and VS_JIRA_USER", seeing: words)
    }
    let authorization = BasicAuthorization.header(user: try settings.value(of: jiraUser), token: token.bytes)
    return [
      Place(
        service: JiraHooks(address, authorization: authorization, client: try HookSettings.client(settings)),
        scopes: [try settings.value(of: jql)])
    ]
  }

  // MARK: Trello

  private static let trelloAddress = FetchSettings.address(
    "TRELLO", flag: "trello-url", of: "Trello's API", default: "https://api.trello.com")

  private static let board = Setting<String?>.optionalText(
    "board", environment: "", placeholder: "BOARD",
    help: "Board, by the short link in its address (HbrS1te0) or its id. Repeat for more.")

  private static let trelloKey = Setting<String?>.optionalText(
    "key", environment: "VS_TRELLO_KEY", placeholder: "KEY", help: "Key of the Power-Up that the token belongs to. No secret.")

  private static let trelloToken = Setting<String?>.optionalText(
    "access-token", environment: "VS_TRELLO_TOKEN", placeholder: "TOKEN",
    help: "Token of a user who sees the boards. Prefer the variable: process lists show flags.")

  static let webhook = Setting<String?>.optionalText(
    "id", environment: "", placeholder: "ID", help: "Webhook to delete.")

  static let trelloAccess = [trelloKey.declaration, trelloToken.declaration, trelloAddress.declaration]

  private static let trello = HookVendor(
    name: "trello", title: "Trello", access: [board.declaration] + trelloAccess, creation: [], secret: nil,
    example: "--board HbrS1te0",
    remark:
      "\nvsd must run: Trello asks the address before it makes a webhook. It signs with the secret of the Power-Up."
  ) { settings, words in
    let service = try trelloService(settings, words)
    let boards = try settings.values(of: board).compactMap { $0 }
    if words.contains("create"), boards.isEmpty { throw UsageError("which boards? --board SHORTLINK", seeing: words) }
    var scopes: [String?] = []
    for board in boards { scopes.append(try await service.board(board)) }
    return [Place(service: service, scopes: scopes.isEmpty ? [nil] : scopes)]
  }

  static func trelloService(_ settings: Settings, _ words: [String]) throws -> TrelloHooks {
    guard let key = try settings.value(of: trelloKey) else {
      throw UsageError("which key has the Power-Up? --key KEY or VS_TRELLO_KEY", seeing: words)
    }
    guard let token = try FetchSettings.token(trelloToken, in: settings) else {
      throw UsageError("Trello wants a token of somebody who sees the boards: set VS_TRELLO_TOKEN", seeing: words)
    }
    return TrelloHooks(
      try settings.value(of: trelloAddress) ?? "", key: key, token: token, client: try HookSettings.client(settings))
  }
}
