/// Decides which accounts are bots. What a bot says about a change does not count as a person's response.
///
/// Metrics and reports share this rule.
public struct Bots: Sendable, Hashable {
  /// Accounts that are bots although neither their name nor their type shows it.
  public var names: [NamePattern]

  public init(names: [NamePattern] = []) {
    self.names = names
  }

  /// True if the account is a bot.
  ///
  /// - Parameters:
  ///   - name: The name of the account. The names of GitHub Apps end in `[bot]`. GitLab creates accounts such as
  ///     `project_12_bot_ab34` for access tokens.
  ///   - type: The type of the account on GitHub: `Bot` for apps, `User` for all others, which people may also use for
  ///     programs.
  public func isBot(_ name: String?, type: String? = nil) -> Bool {
    if type?.lowercased() == "bot" { return true }
    guard let name else { return false }
    return name.hasSuffix("[bot]") || Self.isAccountOfToken(name) || names.match(name)
  }

  /// True for the account of a GitLab access token.
  ///
  /// Source: GitLab Docs, "Bot users for projects" and "Bot users for groups".
  private static func isAccountOfToken(_ name: String) -> Bool {
    let parts = name.split(separator: "_", maxSplits: 3, omittingEmptySubsequences: false)
    return parts.count >= 3 && (parts[0] == "project" || parts[0] == "group") && parts[2] == "bot" && Int64(parts[1]) != nil
  }
}
