import FoundationEssentials

/// The header `Authorization` of those who have a user and a token, or a password.
package enum BasicAuthorization {
  /// With a user Basic (RFC 7617), else Bearer.
  ///
  /// - Parameter user: as ``Setting/user(_:environment:otherVariables:placeholder:help:)`` takes it: without a colon.
  package static func header(user: String?, token: [UInt8]) -> String {
    guard let user else { return "Bearer \(String(decoding: token, as: UTF8.self))" }
    return "Basic \(Data(Array("\(user):".utf8) + token).base64EncodedString())"
  }
}

extension Setting where Value == String? {
  /// The user of Basic authentication; set to nothing it counts as not set.
  package static func user(
    _ name: String, environment: String? = nil, otherVariables: [String] = [], placeholder: String, help: String
  ) -> Setting {
    Setting(
      name, environment: environment, otherVariables: otherVariables, placeholder: placeholder, default: nil, defaultText: nil,
      help: help
    ) { text throws(SettingError) in
      // A password would stand behind the colon.
      if text.contains(":") { throw SettingError(expected: "a user's name, which holds no colon", isTextHidden: true) }
      return text.isEmpty ? nil : text
    }
  }
}
