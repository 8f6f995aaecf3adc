package import APIClient
package import ValueStreamCore

/// A place whose webhooks vsd heals, and the address by which it knows its own webhooks there.
package struct HealTarget: Sendable {
  package var service: any HookService
  package var address: String

  package init(_ service: any HookService, address: String) {
    self.service = service
    self.address = address
  }
}

/// A secret for healing, as a variable or a file.
package struct HealSecret: Sendable {
  private let text: Setting<String?>
  private let file: Setting<String?>

  /// - Parameters:
  ///   - name: the name of the flag: `heal-token`.
  ///   - help: what the secret is, as a sentence.
  ///   - fileHelp: what the file holds, as a sentence.
  package init(_ name: String, help: String, fileHelp: String) {
    text = .optionalText(name, placeholder: "TOKEN", isSecret: true, help: help)
    file = .optionalText("\(name)-file", placeholder: "FILE", help: fileHelp)
  }

  package var declarations: [SettingDeclaration] { [text.declaration, file.declaration] }

  /// Reads the secret; nil if there is none.
  ///
  /// - Throws: a one-line message for the user.
  package func value(in settings: Settings, readFile: (String) -> [UInt8]?) throws(SettingsError) -> Secret? {
    var secret = try settings.value(of: text)
    if let path = try settings.value(of: file) {
      if secret != nil { throw SettingsError("\(settings.origin(of: text)) and \(settings.origin(of: file)) are both set") }
      guard let bytes = readFile(path) else {
        throw SettingsError("\(settings.origin(of: file)): \(UnreadableFile(path))")
      }
      var content = Substring(String(decoding: bytes, as: UTF8.self))
      while content.last?.isNewline == true { content.removeLast() }
      secret = String(content)
    }
    guard let secret else { return nil }
    guard let token = Secret(secret) else { throw SettingsError("\(text.declaration.name): the token is empty") }
    return token
  }
}

/// The settings with which vsd asks a vendor again for lost deliveries.
package protocol VendorHealing: Sendable {
  /// The settings, in the order of the help.
  static var declarations: [SettingDeclaration] { get }

  /// Reads the settings.
  ///
  /// - Returns: nil if nothing is to be healed at this vendor.
  /// - Throws: a one-line message for the user, also if something is missing.
  static func read(
    _ settings: Settings, publicURL: String?, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> Self?

  /// Returns the places whose webhooks to heal.
  func targets(client: APIClient) -> [HealTarget]
}
