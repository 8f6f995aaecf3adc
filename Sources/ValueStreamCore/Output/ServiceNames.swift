/// The service names under which spans are exported, as set by `--service-names`.
package struct ServiceNames: Sendable, Hashable {
  /// The name for sources without an entry in ``ofSource``; nil to use the source's own name.
  package var common: String?
  package var ofSource: [String: String]

  package init(common: String? = nil, ofSource: [String: String] = [:]) {
    self.common = common
    self.ofSource = ofSource
  }

  /// Parses one name for all sources, `delivery`, or a name for each, `github=code,jenkins=ci`.
  package init(setting text: String) throws(SettingError) {
    self.init()
    for part in text.split(separator: ",") where !part.trimmed.isEmpty {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
      guard halves.count <= 2, halves.allSatisfy({ !$0.isEmpty }), halves.count == 2 || common == nil else {
        throw SettingError(expected: "a name such as delivery, or names of sources such as github=code,jenkins=ci")
      }
      if halves.count == 2 { ofSource[halves[0]] = halves[1] } else { common = halves[0] }
    }
  }

  package func name(of source: String) -> String { ofSource[source] ?? common ?? source }
}
