package import APIClient
import GitHubAPI
package import Hooks
package import ValueStreamCore

/// The settings with which vsd asks GitHub again for lost deliveries.
package struct HealSettings: Sendable {
  private let owners: [GitHubHooks.Owner]
  package let token: Secret
  private let server: GitHubAddress
  /// The address of the webhooks.
  package let address: String
  package let interval: Duration

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

  private static let tokenText = Setting<String?>.optionalText(
    "heal-token", placeholder: "TOKEN", isSecret: true,
    help: "Token for --heal that may read and write webhooks: scope admin:org_hook or admin:repo_hook.")

  private static let tokenFile = Setting<String?>.optionalText(
    "heal-token-file", placeholder: "FILE", help: "File that holds the token for --heal.")

  private static let pause = Setting<Duration>.duration(
    "heal-interval", default: .seconds(300), text: "5m", help: "Time between two looks for lost deliveries.")

  private static let url = Setting<String?>(
    "heal-url", placeholder: "URL", default: nil, defaultText: "--public-url with /github",
    help: "Address of the webhooks to heal, as GitHub has it."
  ) { text throws(SettingError) in
    try WebAddress.setting(text, example: "https://vs.example.org/github")
  }

  private static let domain = Setting<GitHubAddress>(
    "heal-domain", placeholder: "DOMAIN", default: .gitHub, defaultText: "github.com",
    help: "Host of your own GitHub for --heal: github.example.org, or company.ghe.com.", parse: GitHubAddress.init(setting:))

  package static let declarations = [
    places.declaration, tokenText.declaration, tokenFile.declaration, pause.declaration, url.declaration, domain.declaration,
  ]

  /// Reads the settings.
  ///
  /// - Returns: nil if nothing is to be healed.
  /// - Throws: a one-line message for the user, also if the token or the address is missing.
  package static func read(
    _ settings: Settings, publicURL: String?, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> HealSettings? {
    let owners = try settings.value(of: places)
    guard !owners.isEmpty else { return nil }
    guard let token = try token(settings, readFile) else {
      throw SettingsError("\(settings.origin(of: places)): needs a token in VS_HEAL_TOKEN or --heal-token-file")
    }
    guard let address = try settings.value(of: url) ?? publicURL.map({ "\($0)/github" }) else {
      throw SettingsError(
        "\(settings.origin(of: places)): needs --public-url or --heal-url, by which it knows the webhooks of vsd")
    }
    let interval = try settings.value(of: pause)
    guard interval >= .seconds(1) else { throw SettingsError("\(settings.origin(of: pause)): at least 1s") }
    return HealSettings(
      owners: owners, token: token, server: try settings.value(of: domain), address: address, interval: interval)
  }

  private static func token(_ settings: Settings, _ readFile: (String) -> [UInt8]?) throws(SettingsError) -> Secret? {
    var text = try settings.value(of: tokenText)
    if let path = try settings.value(of: tokenFile) {
      if text != nil {
        throw SettingsError("\(settings.origin(of: tokenText)) and \(settings.origin(of: tokenFile)) are both set")
      }
      guard let bytes = readFile(path) else {
        throw SettingsError("\(settings.origin(of: tokenFile)): cannot read the file \(path)")
      }
      var content = Substring(String(decoding: bytes, as: UTF8.self))
      while content.last?.isNewline == true { content.removeLast() }
      text = String(content)
    }
    guard let text else { return nil }
    guard let token = Secret(text) else { throw SettingsError("heal-token: the token is empty") }
    return token
  }

  /// Returns the webhooks to heal.
  ///
  /// - Parameter token: the token to use, which may be replaced.
  package func services(client: APIClient, token: CurrentSecret) -> [any HookService] {
    let requests = GitHubHookRequests(server, token: token, client: client)
    return owners.map { GitHubHooks($0, requests) }
  }
}
