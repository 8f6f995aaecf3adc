/// A setting, declared once by the component that uses it.
///
/// A flag overrides its environment variable, which overrides the configuration file, which overrides the default. Unless
/// declared otherwise, all three names come from the setting's name: `log-retention` is the flag `--log-retention`, the
/// variable `VS_LOG_RETENTION` and the key `log-retention` (or `retention` in an object `log`).
public struct Setting<Value: Sendable>: Sendable {
  public let declaration: SettingDeclaration
  package let defaultValue: Value
  let parse: @Sendable (String) throws(SettingError) -> Value

  /// - Parameters:
  ///   - environment: The environment variable; nil for the one derived from the name, empty for none.
  ///   - otherVariables: Variables of other programs to use if its own is not set, in order of precedence.
  ///   - defaultText: The default as help shows it; nil to show none.
  ///   - impliedText: The value if the flag is given without one; nil if a value is required.
  ///   - parse: Converts the given text. The error names what the setting expects.
  public init(
    _ name: String, aliases: [String] = [], environment: String? = nil, otherVariables: [String] = [], placeholder: String,
    default defaultValue: Value, defaultText: String?, impliedText: String? = nil, isSecret: Bool = false, help: String,
    parse: @escaping @Sendable (String) throws(SettingError) -> Value
  ) {
    declaration = SettingDeclaration(
      name: name, aliases: aliases, environment: environment ?? SettingDeclaration.environmentName(of: name),
      otherVariables: otherVariables, placeholder: placeholder, defaultText: defaultText, impliedText: impliedText,
      isSecret: isSecret, help: help)
    self.defaultValue = defaultValue
    self.parse = parse
  }
}

/// The description of a setting for help, documentation and the parser.
public struct SettingDeclaration: Sendable, Hashable {
  public let name: String
  /// Other names for the flag.
  public let aliases: [String]
  /// The environment variable; empty if there is none.
  public let environment: String
  /// Variables of other programs to use if ``environment`` is not set, in order of precedence.
  public let otherVariables: [String]
  public let placeholder: String
  public let defaultText: String?
  /// The value of the flag without one. Such a flag takes a value only after `=`, never from the next argument.
  public let impliedText: String?
  /// True if the setting is never printed and has no flag, because process lists show flags.
  public let isSecret: Bool
  public let help: String

  static func environmentName(of name: String) -> String {
    "VS_" + String(decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : upper($0) }, as: UTF8.self)
  }

  private static func upper(_ byte: UInt8) -> UInt8 {
    byte &- 97 < 26 ? byte & ~32 : byte
  }
}

/// A text that a setting does not accept.
public struct SettingError: Error, Sendable, Hashable {
  /// What the setting expects, such as `a duration such as 500ms, 5s, 12h or 30d`.
  public var expected: String
  /// True if messages must not show the text, because it may contain a secret.
  public var isTextHidden: Bool

  public init(expected: String, isTextHidden: Bool = false) {
    self.expected = expected
    self.isTextHidden = isTextHidden
  }
}

/// An error in a flag, a variable or the configuration file: one line for the user, and exit code 64.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}

extension Setting where Value == String {
  public static func text(
    _ name: String, aliases: [String] = [], environment: String? = nil, placeholder: String, default value: String, help: String
  ) -> Setting {
    Setting(
      name, aliases: aliases, environment: environment, placeholder: placeholder, default: value,
      defaultText: value.isEmpty ? nil : value, help: help
    ) { $0 }
  }
}

extension Setting where Value == String? {
  /// A text without a default. An empty variable counts as not set, except for secrets.
  public static func optionalText(
    _ name: String, environment: String? = nil, otherVariables: [String] = [], placeholder: String, isSecret: Bool = false,
    help: String
  ) -> Setting {
    Setting(
      name, environment: environment, otherVariables: otherVariables, placeholder: placeholder, default: nil, defaultText: nil,
      isSecret: isSecret, help: help
    ) { $0 }
  }
}

extension Setting where Value == Bool {
  /// A flag that needs no value; `=false` turns it off.
  public static func toggle(_ name: String, environment: String? = nil, help: String) -> Setting {
    Setting(
      name, environment: environment, placeholder: "", default: false, defaultText: nil, impliedText: "true", help: help
    ) { text throws(SettingError) in
      guard let value = Bool(text) else { throw SettingError(expected: "true or false") }
      return value
    }
  }
}

extension Setting where Value == Duration {
  public static func duration(
    _ name: String, environment: String? = nil, default value: Duration, text: String, help: String
  ) -> Setting {
    Setting(
      name, environment: environment, placeholder: "DURATION", default: value, defaultText: text, help: help,
      parse: Duration.init(setting:))
  }
}

extension Setting where Value == ByteCount {
  public static func byteCount(_ name: String, default value: ByteCount, text: String, help: String) -> Setting {
    Setting(name, placeholder: "SIZE", default: value, defaultText: text, help: help, parse: ByteCount.init(setting:))
  }
}

extension Setting where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// A setting that accepts one of a fixed set of words.
  public static func choice(
    _ name: String, environment: String? = nil, otherVariables: [String] = [], default value: Value, help: String
  ) -> Setting {
    let words = Value.allCases.map(\.rawValue)
    return Setting(
      name, environment: environment, otherVariables: otherVariables, placeholder: words.joined(separator: "|"), default: value,
      defaultText: value.rawValue, help: help
    ) { text throws(SettingError) in
      guard let value = Value(rawValue: text) else { throw SettingError(expected: "one of \(words.joined(separator: ", "))") }
      return value
    }
  }
}

/// A number of bytes.
public struct ByteCount: Sendable, Hashable {
  public var bytes: Int64

  public init(bytes: Int64) {
    self.bytes = bytes
  }

  /// Parses sizes such as `25MiB`, `2GiB`, `512kB` and `1000`. A number without a unit is in bytes.
  package init(setting text: String) throws(SettingError) {
    let units: [(String, Int64)] = [
      ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000),
      ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ]
    for (unit, factor) in units where text.hasSuffix(unit) {
      guard let number = Int64(text.dropLast(unit.count)), number >= 0 else { continue }
      let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
      if !overflow {
        self.bytes = bytes
        return
      }
    }
    throw SettingError(expected: "a size such as 512KiB, 25MiB or 2GiB")
  }
}

extension Duration {
  /// Parses Go durations (`500ms`, `5s`, `1h30m`, `1.5h`) and days (`30d`).
  package init(setting text: String) throws(SettingError) {
    let failure = SettingError(expected: "a duration such as 500ms, 5s, 12h or 30d")
    if text == "0" {
      self = .zero
      return
    }
    let units: [(String, Double)] = [
      ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
    ]
    var seconds = 0.0
    var rest = Substring(text)
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      let unit = rest.dropFirst(digits.count).prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
      guard let number = Double(digits), let factor = units.first(where: { $0.0 == unit })?.1 else { throw failure }
      seconds += number * factor
      rest = rest.dropFirst(digits.count + unit.count)
    }
    guard !text.isEmpty, seconds < 9e9 else { throw failure }
    self = .nanoseconds(Int64(saturating: seconds * 1e9))
  }

  /// The duration in nanoseconds, saturating.
  package var nanoseconds: Int64 {
    let (seconds, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : seconds + components.attoseconds / 1_000_000_000
  }

  package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
