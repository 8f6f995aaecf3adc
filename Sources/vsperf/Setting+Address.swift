import ValueStreamCore

extension Setting where Value == String? {
  /// Declares a setting for the address of a vsd. The value has no trailing slash.
  static func address(_ name: String, environment: String, help: String) -> Setting {
    Setting(
      name, environment: environment, placeholder: "URL", default: nil, defaultText: nil, help: help
    ) { text throws(SettingError) in
      try WebAddress.server(text, example: "http://127.0.0.1:5000")
    }
  }
}
