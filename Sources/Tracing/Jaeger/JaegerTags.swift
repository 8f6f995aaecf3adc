import ValueStreamCore

/// Parses process tags in the format of Jaeger's old client: `team=web, region=${REGION:eu}`.
enum JaegerTags {
  /// Returns the tags as attributes, in order.
  ///
  /// - Parameter environment: The environment variables for values of the form `${NAME:default}`.
  /// - Throws: ``SettingError`` if a tag has no name or no `=`.
  static func attributes(_ text: String, environment: [String: String]) throws(SettingError) -> [Attribute] {
    var attributes: [Attribute] = []
    for part in text.split(separator: ",") where !part.trimmed.isEmpty {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
      guard halves.count == 2, !halves[0].isEmpty else {
        throw SettingError(expected: "a list of tags such as team=web,region=${REGION:eu}")
      }
      attributes.append(Attribute(halves[0], .string(value(halves[1], environment))))
    }
    return attributes
  }

  private static func value(_ text: String, _ environment: [String: String]) -> String {
    guard text.hasPrefix("${"), text.hasSuffix("}") else { return text }
    let parts = text.dropFirst(2).dropLast().split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return environment[String(parts[0])] ?? (parts.count > 1 ? String(parts[1]) : "")
  }
}
