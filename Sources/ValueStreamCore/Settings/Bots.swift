/// Which accounts are programs: what they say of a change is no answer that somebody waited for.
///
/// The one rule for all that tells people from programs: metrics and reports.
public struct Bots: Sendable, Hashable {
  /// Accounts that nothing else shows to be programs.
  public var names: [NamePattern]

  public init(names: [NamePattern] = []) {
    self.names = names
  }

  /// - Parameters:
  ///   - name: of the account. GitHub ends those of apps in `[bot]`; GitLab makes accounts such as `project_12_bot_ab34` for tokens.
  ///   - type: of the account, as GitHub tells it: `Bot` for apps, `User` for accounts that anybody may use for a program.
  public func isBot(_ name: String?, type: String? = nil) -> Bool {
    if type?.lowercased() == "bot" { return true }
    guard let name else { return false }
    return name.hasSuffix("[bot]") || Self.isAccountOfToken(name) || names.match(name)
  }

  /// Source: GitLab Docs, "Bot users for projects" and "Bot users for groups".
  private static func isAccountOfToken(_ name: String) -> Bool {
    let parts = name.split(separator: "_", maxSplits: 3, omittingEmptySubsequences: false)
    return parts.count >= 3 && (parts[0] == "project" || parts[0] == "group") && parts[2] == "bot" && Int64(parts[1]) != nil
  }
}
