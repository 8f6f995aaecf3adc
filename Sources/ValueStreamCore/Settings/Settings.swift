import FoundationEssentials

/// The settings that a user gave as flags, environment variables and in a configuration file, checked against the
/// declarations.
public struct Settings: Sendable {
  /// Where a setting was given, in order of precedence from low to high.
  package enum Place: Int, Comparable, Sendable {
    case file, otherVariable, variable, flag

    package static func < (left: Place, right: Place) -> Bool { left.rawValue < right.rawValue }
  }

  private struct Given: Sendable {
    /// All texts given in this place, in order. A setting with one value uses the last.
    var texts: [String]
    var place: Place
    /// The place as errors name it: `flag --addr`, `VS_ADDR`, `vsd.json5, line 3: key "addr"`.
    var origin: String

    init(texts: [String] = [], place: Place, origin: String) {
      self.texts = texts
      self.place = place
      self.origin = origin
    }

    var text: String { texts.last ?? "" }
  }

  private var given: [String: Given] = [:]

  /// Arguments that are not flags, in order.
  public private(set) var operands: [String] = []

  /// Reads arguments, environment variables and the configuration file. Values are parsed later, by ``value(of:)``.
  ///
  /// - Parameters:
  ///   - arguments: Arguments without the program's name. Flags start with one dash or two: `-flag=value`, `--flag value`.
  ///   - fileSetting: The name of the setting that holds the path of the configuration file.
  ///   - readFile: Reads a file; returns nil if it cannot.
  /// - Throws: For an unknown flag or key, a flag without a value, or a file that cannot be read or parsed.
  public init(
    declared: [SettingDeclaration], arguments: [String], environment: [String: String], fileSetting: String? = nil,
    readFile: (String) -> [UInt8]? = { _ in nil }
  ) throws(SettingsError) {
    let flags = try Self.parse(arguments, declared: declared, operands: &operands)
    let variables = declared.compactMap { declaration -> (String, Given)? in
      // An empty variable counts as not set. An empty secret is kept, so that the component can report the error.
      if !declaration.environment.isEmpty, let text = environment[declaration.environment],
        declaration.isSecret || !text.isEmpty
      {
        return (declaration.name, Given(texts: [text], place: .variable, origin: declaration.environment))
      }
      for name in declaration.otherVariables {
        guard let text = environment[name], !text.isEmpty else { continue }
        return (declaration.name, Given(texts: [text], place: .otherVariable, origin: name))
      }
      return nil
    }
    given.merge(variables) { _, new in new }
    given.merge(flags) { _, new in new }
    guard let fileSetting, let file = given[fileSetting] else { return }
    guard let bytes = readFile(file.text) else { throw SettingsError("\(file.origin): \(UnreadableFile(file.text))") }
    let keys = try Self.parse(file: bytes, path: file.text, declared: declared)
    given.merge(keys) { strong, _ in strong }
  }

  /// The given settings among the declarations, as `name=text`, sorted.
  package func given(for declarations: [SettingDeclaration]) -> [String] {
    declarations.compactMap { declaration in given[declaration.name].map { "\(declaration.name)=\($0.text)" } }.sorted()
  }

  /// The value of a setting, or its default if it was not given.
  ///
  /// - Throws: If the setting does not accept the given text. The error names its place and never shows a secret.
  public func value<Value>(of setting: Setting<Value>) throws(SettingsError) -> Value {
    guard let given = given[setting.declaration.name] else { return setting.defaultValue }
    return try Self.parse(given.text, of: given, as: setting)
  }

  /// The values of a setting that may be repeated, in order; empty if it was not given.
  ///
  /// - Throws: As ``value(of:)`` does.
  package func values<Value>(of setting: Setting<Value>) throws(SettingsError) -> [Value] {
    guard let given = given[setting.declaration.name] else { return [] }
    var values: [Value] = []
    for text in given.texts { values.append(try Self.parse(text, of: given, as: setting)) }
    return values
  }

  private static func parse<Value>(_ text: String, of given: Given, as setting: Setting<Value>) throws(SettingsError) -> Value {
    do throws(SettingError) {
      return try setting.parse(text)
    } catch {
      let shown = setting.declaration.isSecret || error.isTextHidden ? "the value" : "\"\(WebAddress.withoutSecrets(text))\""
      throw SettingsError("\(given.origin): \(shown) is not \(error.expected)")
    }
  }

  /// The texts as the user wrote them, in order; empty if the setting was not given.
  package func texts(of declaration: SettingDeclaration) -> [String] {
    given[declaration.name]?.texts ?? []
  }

  /// True if the user gave the setting in any place.
  public func isGiven<Value>(_ setting: Setting<Value>) -> Bool {
    given[setting.declaration.name] != nil
  }

  /// The place where the user gave the setting; nil if it was not given.
  package func place<Value>(of setting: Setting<Value>) -> Place? {
    given[setting.declaration.name]?.place
  }

  /// True if the first setting was given in a place with higher precedence than the second.
  ///
  /// For example, a flag has precedence over any variable. Also true if only the first was given.
  package func isGiven<First, Second>(_ first: Setting<First>, strongerThan second: Setting<Second>) -> Bool {
    guard let place = place(of: first) else { return false }
    return self.place(of: second).map { place > $0 } ?? true
  }

  /// The place of the setting as errors name it: `flag --addr`, `VS_ADDR`.
  package func origin<Value>(of setting: Setting<Value>) -> String {
    given[setting.declaration.name]?.origin ?? "--\(setting.declaration.name)"
  }

  // MARK: Flags

  private static func parse(
    _ arguments: [String], declared: [SettingDeclaration], operands: inout [String]
  ) throws(SettingsError) -> [String: Given] {
    let flags = declared.filter { !$0.isSecret }
    var result: [String: Given] = [:]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-"), argument != "-" else {
        operands.append(argument)
        continue
      }
      if argument == "--" {
        operands += rest
        break
      }
      let body = argument.drop { $0 == "-" }
      let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first.map(String.init) ?? ""
      guard argument.count - body.count <= 2, let flag = flags.first(where: { $0.name == name || $0.aliases.contains(name) })
      else {
        let shown = argument.prefix { $0 != "=" }
        throw SettingsError("unknown flag \(shown)" + suggestion(for: name, among: flags.map(\.name), prefix: "--"))
      }
      guard let text = parts.count > 1 ? String(parts[1]) : flag.impliedText ?? rest.popFirst() else {
        throw SettingsError("flag --\(flag.name) needs a value: --\(flag.name)=\(flag.placeholder)")
      }
      result[flag.name, default: Given(place: .flag, origin: "flag --\(flag.name)")].texts.append(text)
    }
    return result
  }

  // MARK: Configuration file

  /// Parses a JSON5 file, that is, JSON with comments, trailing commas and bare keys.
  ///
  /// The key of a nested object becomes a prefix of the keys in it.
  private static func parse(
    file bytes: [UInt8], path: String, declared: [SettingDeclaration]
  ) throws(SettingsError) -> [String: Given] {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    let lines = ConfigurationLines(bytes)
    let root: [String: ConfigurationValue]
    do {
      root = try decoder.decode([String: ConfigurationValue].self, from: Data(bytes))
    } catch {
      if let mistake = lines.mistake { throw SettingsError("\(path), line \(mistake.line): \(mistake.reason)") }
      throw SettingsError("\(path): not a JSON object: \(Self.explain(error))")
    }
    var result: [String: Given] = [:]
    for (name, text) in try flatten(root, prefix: "", path: path, lines) {
      let place = lines.place(of: name, in: path)
      guard declared.contains(where: { $0.name == name }) else {
        throw SettingsError("\(place): unknown key \"\(name)\"" + suggestion(for: name, among: declared.map(\.name), prefix: ""))
      }
      result[name] = Given(texts: [text], place: .file, origin: "\(place): key \"\(name)\"")
    }
    return result
  }

  private static func explain(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    switch error {
    case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
      let underlying = (context.underlyingError as? CocoaError)?.userInfo["NSDebugDescription"] as? String
      return underlying ?? context.debugDescription
    @unknown default: return "\(error)"
    }
  }

  private static func flatten(
    _ object: [String: ConfigurationValue], prefix: String, path: String, _ lines: ConfigurationLines
  ) throws(SettingsError) -> [(String, String)] {
    var result: [(String, String)] = []
    for (key, value) in object.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .text(let text): result.append((prefix + key, text))
      case .object(let object): result += try flatten(object, prefix: prefix + key + "-", path: path, lines)
      case .unusable:
        let expected = "a text, a number, true, false, a list of texts or an object"
        throw SettingsError("\(lines.place(of: prefix + key, in: path)): key \"\(prefix + key)\" does not hold \(expected)")
      }
    }
    return result
  }

  private enum ConfigurationValue: Decodable {
    case text(String)
    case object([String: ConfigurationValue])
    case unusable

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let flag = try? container.decode(Bool.self) {
        self = .text(flag ? "true" : "false")
      } else if let number = try? container.decode(Int64.self) {
        self = .text(String(number))
      } else if let number = try? container.decode(Double.self) {
        self = .text(String(number))
      } else if let list = try? container.decode([String].self) {
        self = .text(list.joined(separator: ","))
      } else if let object = try? container.decode([String: ConfigurationValue].self) {
        self = .object(object)
      } else {
        self = .unusable
      }
    }
  }

  // MARK: Nearest match

  private static func suggestion(for name: String, among names: [String], prefix: String) -> String {
    guard let nearest = Spelling.nearest(to: name, among: names) else { return "" }
    return " (did you mean \(prefix)\(nearest)?)"
  }
}

/// Suggests corrections for misspelled words.
public enum Spelling {
  /// The word with the fewest edits; nil if it needs more edits than a third of its letters.
  ///
  /// At least one edit is always allowed.
  public static func nearest(to word: String, among words: [String]) -> String? {
    let ranked = words.map { (word: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
    guard let ranked, ranked.distance <= max(1, ranked.word.count / 3) else { return nil }
    return ranked.word
  }

  /// The Levenshtein distance.
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let substitution = diagonal + (character == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(substitution, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}
