import GitHubAPI
import GitHubHooks
import GitHubWebhooks
import ValueStreamCore

extension HookVendor {
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

  static let gitHub = HookVendor(
    name: "github", title: "GitHub",
    access: [
      repository.declaration, organization.declaration, app.declaration, appKey.declaration, GitHubSettings.token.declaration,
      GitHubSettings.address.declaration,
    ], creation: [], secret: GitHubFactory().secret, example: "--repository acme/site",
    remark: "\nThe events of a GitHub App stand in its settings, where only a person can change them.", redeliveryDays: 3
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
}
