/// Something a user may set, declared once by the component that uses it.
///
/// A flag beats its environment variable, which beats the configuration file, which beats the default. All three are
/// derived from ``name`` unless said otherwise: `log-retention` is `--log-retention`, `VS_LOG_RETENTION` and the key
/// `log-retention` (or `retention` within an object `log`).
public struct Setting<Value: Sendable>: Sendable {
  public let declaration: SettingDeclaration
  package let defaultValue: Value
  let parse: @Sendable (String) throws(SettingError) -> Value

  /// - Parameters:
  ///   - environment: the variable; nil for the one derived from the name, empty for none.
  ///   - otherVariables: variables of other programs that count where its own is not set, the strongest first.
  ///   - defaultText: the default as help prints it; nil where there is none.
  ///   - impliedText: what the flag means without a value; nil when it needs one.
  ///   - parse: reads the text a user gave; the error says what was expected.
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

/// What help and documentation say of a setting.
public struct SettingDeclaration: Sendable, Hashable {
  public let name: String
  /// Other names of the flag.
  public let aliases: [String]
  /// Empty where no variable sets it.
  public let environment: String
  /// Variables of other programs that count where ``environment`` is not set, the strongest first.
  public let otherVariables: [String]
  public let placeholder: String
  public let defaultText: String?
  /// What the flag alone means. Such a flag takes a value after `=` only, never the next word.
  public let impliedText: String?
  /// Never a flag (process lists show those), never printed.
  public let isSecret: Bool
  public let help: String

  static func environmentName(of name: String) -> String {
    "VS_" + String(decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : upper($0) }, as: UTF8.self)
  }

  private static func upper(_ byte: UInt8) -> UInt8 {
    byte &- 97 < 26 ? byte & ~32 : byte
  }
}

/// A text that is not what a setting takes.
public struct SettingError: Error, Sendable, Hashable {
  /// What was expected: `a duration such as 500ms, 5s, 12h or 30d`.
  public var expected: String
  /// True where messages do not show the text, which may hold a secret.
  public var isTextHidden: Bool

  public init(expected: String, isTextHidden: Bool = false) {
    self.expected = expected
    self.isTextHidden = isTextHidden
  }
}

/// A mistake in a flag, a variable or the configuration file: one line for the user, exit code 64.
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
  /// A text without a default; set to nothing it counts as not set.
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
  /// A flag that is enough by itself; `=false` takes it back.
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
  /// One of a fixed set of words.
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

  /// Reads `25MiB`, `2GiB`, `512kB`, `1000`; without a unit bytes.
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
  /// Reads Go's durations (`500ms`, `5s`, `1h30m`, `1.5h`) and days (`30d`).
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
    self = .nanoseconds(Int64((seconds * 1e9).rounded()))
  }

  /// The whole duration in nanoseconds, saturating.
  package var nanoseconds: Int64 {
    let (seconds, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : seconds + components.attoseconds / 1_000_000_000
  }

  package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
