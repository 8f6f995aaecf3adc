import FoundationEssentials

/// Builds the value of an `Authorization` header for clients that have a token or password, and possibly a user.
package enum BasicAuthorization {
  /// Returns a Basic value (RFC 7617) if there is a user, otherwise a Bearer value.
  ///
  /// - Parameter user: a name without a colon, as ``Setting/user(_:environment:otherVariables:placeholder:help:)`` accepts it.
  package static func header(user: String?, token: [UInt8]) -> String {
    guard let user else { return "Bearer \(String(decoding: token, as: UTF8.self))" }
    return "Basic \(Data(Array("\(user):".utf8) + token).base64EncodedString())"
  }
}

extension Setting where Value == String? {
  /// A setting for the user of Basic authentication. An empty value counts as not set.
  package static func user(
    _ name: String, environment: String? = nil, otherVariables: [String] = [], placeholder: String, help: String
  ) -> Setting {
    Setting(
      name, environment: environment, otherVariables: otherVariables, placeholder: placeholder, default: nil, defaultText: nil,
      help: help
    ) { text throws(SettingError) in
      // In Basic authentication, everything behind the first colon is the password.
      if text.contains(":") { throw SettingError(expected: "a user's name, which holds no colon", isTextHidden: true) }
      return text.isEmpty ? nil : text
    }
  }
}
