/// The secrets of a source, given in `<name>` or in a file whose path is in `<name>-file`.
///
/// For rotation, separate several secrets with commas. Secrets are never printed, and `<name>` is not available as a flag,
/// because process lists show flags.
public struct SecretSetting: Sendable {
  private let text: Setting<String?>
  private let file: Setting<String?>

  /// - Parameters:
  ///   - name: The name of the setting. For example, `github-secret` declares the variables `VS_GITHUB_SECRET` and
  ///     `VS_GITHUB_SECRET_FILE`.
  ///   - what: What the secret signs, for help: `GitHub webhooks`.
  public init(_ name: String, of what: String) {
    text = .optionalText(
      name, placeholder: "SECRET", isSecret: true, help: "Secret of \(what). For rotation, separate several with commas.")
    file = .optionalText("\(name)-file", placeholder: "FILE", help: "File that holds the secret of \(what).")
  }

  public var declarations: [SettingDeclaration] { [text.declaration, file.declaration] }

  /// The environment variable that holds the secrets.
  package var variable: String { text.declaration.environment }

  /// The configured secrets; empty if none are set.
  ///
  /// - Throws: If both settings are given, the file cannot be read or a secret is empty.
  public func secrets(in settings: Settings, readFile: (String) -> [UInt8]?) throws(SettingsError) -> [Secret] {
    let path = try settings.value(of: file)
    if let given = try settings.value(of: text) {
      if path != nil { throw SettingsError("\(settings.origin(of: text)) and \(settings.origin(of: file)) are both set") }
      return try Self.split(given, origin: settings.origin(of: text))
    }
    guard let path else { return [] }
    guard let bytes = readFile(path) else {
      throw SettingsError("\(settings.origin(of: file)): \(UnreadableFile(path))")
    }
    var content = Substring(String(decoding: bytes, as: UTF8.self))
    while content.last?.isNewline == true { content.removeLast() }
    return try Self.split(String(content), origin: "the file \(path)")
  }

  private static func split(_ text: String, origin: String) throws(SettingsError) -> [Secret] {
    var secrets: [Secret] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let secret = Secret(String(part)) else {
        throw SettingsError("\(origin): a secret is empty, which would accept everything; unset it to accept unsigned deliveries")
      }
      secrets.append(secret)
    }
    return secrets
  }
}
