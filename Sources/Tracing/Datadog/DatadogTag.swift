import ValueStreamCore

/// A tag that every span gets.
package struct DatadogTag: Sendable, Hashable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// Parses the format of `DD_TAGS`: `team:web,layer:delivery`. Spaces separate the tags if the text has no comma.
  ///
  /// - Throws: ``SettingError`` if a tag has no name.
  static func list(setting text: String) throws(SettingError) -> [DatadogTag] {
    var tags: [DatadogTag] = []
    for part in text.split(separator: text.contains(",") ? "," : " ") where !part.trimmed.isEmpty {
      let halves = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
      guard !halves[0].isEmpty else { throw SettingError(expected: "a list of tags such as team:web,layer:delivery") }
      tags.append(DatadogTag(halves[0], halves.count > 1 ? halves[1] : ""))
    }
    return tags
  }
}
