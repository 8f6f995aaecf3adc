package import APIClient
package import Hooks
package import ValueStreamCore

/// The settings with which vsd asks GitLab again for lost deliveries.
package struct GitLabHealSettings: VendorHealing {
  private let owners: [GitLabHooks.Owner]
  private let token: Secret
  private let server: String
  private let address: String

  private static let places = Setting<[GitLabHooks.Owner]>(
    "heal-gitlab", placeholder: "NAMES", default: [], defaultText: nil,
    help:
      "Projects of GitLab whose webhooks to heal, and groups with group: before them: acme/site,group:acme. Needs a token."
  ) { text throws(SettingError) in
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part throws(SettingError) in
      let name = part.trimmed
      let group = name.hasPrefix("group:") ? String(name.dropFirst("group:".count)) : nil
      guard !name.isEmpty, group != "" else {
        throw SettingError(expected: "projects and groups, such as acme/site,group:acme")
      }
      return group.map { .group($0) } ?? .project(name)
    }
  }

  private static let tokens = HealSecret(
    "heal-gitlab-token", help: "Token for --heal-gitlab with the scope api, of a maintainer or of the group's owner.",
    fileHelp: "File that holds the token for --heal-gitlab.")

  private static let server = Setting<String?>(
    "heal-gitlab-server", placeholder: "URL", default: nil, defaultText: "https://gitlab.com",
    help: "Address of your own GitLab for --heal-gitlab."
  ) { text throws(SettingError) in
    try WebAddress.setting(text, example: "https://gitlab.example.org")
  }

  private static let url = Setting<String?>(
    "heal-gitlab-url", placeholder: "URL", default: nil, defaultText: "--public-url with /gitlab",
    help: "Address of the webhooks to heal, as GitLab has it."
  ) { text throws(SettingError) in
    try WebAddress.setting(text, example: "https://vs.example.org/gitlab")
  }

  package static let declarations =
    [places.declaration] + tokens.declarations + [url.declaration, server.declaration]

  /// Reads the settings.
  ///
  /// - Returns: nil if nothing is to be healed.
  /// - Throws: a one-line message for the user, also if the token or the address is missing.
  package static func read(
    _ settings: Settings, publicURL: String?, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> GitLabHealSettings? {
    let owners = try settings.value(of: places)
    guard !owners.isEmpty else { return nil }
    guard let token = try tokens.value(in: settings, readFile: readFile) else {
      throw SettingsError("\(settings.origin(of: places)): needs a token in VS_HEAL_GITLAB_TOKEN or --heal-gitlab-token-file")
    }
    guard let address = try settings.value(of: url) ?? publicURL.map({ "\($0)/gitlab" }) else {
      throw SettingsError(
        "\(settings.origin(of: places)): needs --public-url or --heal-gitlab-url, by which it knows the webhooks of vsd")
    }
    return GitLabHealSettings(
      owners: owners, token: token, server: try settings.value(of: server) ?? "https://gitlab.com", address: address)
  }

  /// Returns the webhooks to heal.
  package func targets(client: APIClient) -> [HealTarget] {
    owners.map { HealTarget(GitLabHooks($0, at: server, token: token, client: client), address: address) }
  }
}
