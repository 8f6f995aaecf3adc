package import APIClient
import GitHubAPI
package import Hooks
package import ValueStreamCore

/// The settings with which vsd asks GitHub again for lost deliveries.
package struct GitHubHealSettings: VendorHealing {
  private let owners: [GitHubHooks.Owner]
  private let token: Secret?
  private let app: GitHubAppToken?
  private let server: GitHubAddress
  private let address: String

  private static let places = Setting<[GitHubHooks.Owner]>(
    "heal", placeholder: "NAMES", default: [], defaultText: nil,
    help:
      "Organizations and repositories of GitHub whose webhooks to heal: acme,acme/site. vsd asks GitHub every few minutes to send again what failed, because GitHub never does so by itself. Needs a token."
  ) { text throws(SettingError) in
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part throws(SettingError) in
      let names = part.split(separator: "/", omittingEmptySubsequences: false).map(\.trimmed)
      guard names.count < 3, !names.contains("") else {
        throw SettingError(expected: "organizations and repositories, such as acme,acme/site")
      }
      return names.count == 1 ? .organization(names[0]) : .repository(names.joined(separator: "/"))
    }
  }

  private static let tokens = HealSecret(
    "heal-token", help: "Token for --heal that may read and write webhooks: scope admin:org_hook or admin:repo_hook.",
    fileHelp: "File that holds the token for --heal.")

  private static let appID = Setting<String?>.optionalText(
    "heal-app", placeholder: "ID",
    help: "GitHub App, by its id or client id, whose webhook to heal. Needs --heal-app-key-file.")

  private static let appKey = Setting<String?>.optionalText(
    "heal-app-key-file", placeholder: "FILE", help: "File with the private key of the App for --heal-app, in PEM.")

  private static let url = Setting<String?>(
    "heal-url", placeholder: "URL", default: nil, defaultText: "--public-url with /github",
    help: "Address of the webhooks to heal, as GitHub has it."
  ) { text throws(SettingError) in
    try WebAddress.setting(text, example: "https://vs.example.org/github")
  }

  private static let domain = Setting<GitHubAddress>(
    "heal-domain", placeholder: "DOMAIN", default: .gitHub, defaultText: "github.com",
    help: "Host of your own GitHub for --heal: github.example.org, or company.ghe.com.", parse: GitHubAddress.init(setting:))

  package static let declarations =
    [places.declaration] + tokens.declarations
    + [appID.declaration, appKey.declaration, url.declaration, domain.declaration]

  /// Reads the settings.
  ///
  /// - Returns: nil if nothing is to be healed.
  /// - Throws: a one-line message for the user, also if the token, the key or the address is missing.
  package static func read(
    _ settings: Settings, publicURL: String?, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> GitHubHealSettings? {
    let owners = try settings.value(of: places)
    let app = try app(settings, readFile)
    guard !owners.isEmpty || app != nil else { return nil }
    let origin = owners.isEmpty ? settings.origin(of: appID) : settings.origin(of: places)
    let token = try tokens.value(in: settings, readFile: readFile)
    guard owners.isEmpty || token != nil else {
      throw SettingsError("\(origin): needs a token in VS_HEAL_TOKEN or --heal-token-file")
    }
    guard let address = try settings.value(of: url) ?? publicURL.map({ "\($0)/github" }) else {
      throw SettingsError("\(origin): needs --public-url or --heal-url, by which it knows the webhooks of vsd")
    }
    return GitHubHealSettings(
      owners: owners, token: token, app: app, server: try settings.value(of: domain), address: address)
  }

  private static func app(_ settings: Settings, _ readFile: (String) -> [UInt8]?) throws(SettingsError) -> GitHubAppToken? {
    guard let id = try settings.value(of: appID) else { return nil }
    guard let path = try settings.value(of: appKey) else {
      throw SettingsError("\(settings.origin(of: appID)): needs the key of the App in --heal-app-key-file")
    }
    guard let key = readFile(path) else {
      throw SettingsError("\(settings.origin(of: appKey)): \(UnreadableFile(path))")
    }
    return try GitHubAppToken(app: id, key: key)
  }

  /// Returns the webhooks to heal.
  package func targets(client: APIClient) -> [HealTarget] {
    var services: [any HookService] = []
    if let token {
      let requests = GitHubHookRequests(server, token: token, client: client)
      services += owners.map { GitHubHooks($0, requests) }
    }
    if let app { services.append(GitHubAppHook(app, server, client: client)) }
    return services.map { HealTarget($0, address: address) }
  }
}
