import ValueStreamCore

extension Setting where Value == String? {
  /// The address of a vsd, without a slash at its end.
  static func address(_ name: String, environment: String, help: String) -> Setting {
    Setting(
      name, environment: environment, placeholder: "URL", default: nil, defaultText: nil, help: help
    ) { text throws(SettingError) in
      guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
        throw SettingError(expected: "an address such as http://127.0.0.1:5000")
      }
      return String(text.reversed().drop { $0 == "/" }.reversed())
    }
  }
}
