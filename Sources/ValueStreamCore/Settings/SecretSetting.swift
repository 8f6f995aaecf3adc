/// The secrets of a source: `<name>` holds them, or `<name>-file` the path of a file that does.
///
/// Several are separated by commas, for rotation. Neither is ever printed, and the secrets themselves are no flag, because
/// lists of processes show those.
public struct SecretSetting: Sendable {
  private let text: Setting<String?>
  private let file: Setting<String?>

  /// - Parameters:
  ///   - name: `github-secret`: variables `VS_GITHUB_SECRET` and `VS_GITHUB_SECRET_FILE`.
  ///   - what: what is signed with it: `GitHub webhooks`.
  public init(_ name: String, of what: String) {
    text = .optionalText(
      name, placeholder: "SECRET", isSecret: true, help: "Secret of \(what). For rotation, separate several with commas.")
    file = .optionalText("\(name)-file", placeholder: "FILE", help: "File that holds the secret of \(what).")
  }

  public var declarations: [SettingDeclaration] { [text.declaration, file.declaration] }

  /// The secrets that were set; empty when none were.
  ///
  /// - Throws: when both are set, the file cannot be read, or a secret is empty.
  public func secrets(in settings: Settings, readFile: (String) -> [UInt8]?) throws(SettingsError) -> [Secret] {
    let path = try settings.value(of: file)
    if let given = try settings.value(of: text) {
      if path != nil { throw SettingsError("\(settings.origin(of: text)) and \(settings.origin(of: file)) are both set") }
      return try Self.split(given, origin: settings.origin(of: text))
    }
    guard let path else { return [] }
    guard let bytes = readFile(path) else {
      throw SettingsError("\(settings.origin(of: file)): cannot read the file \(path)")
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
