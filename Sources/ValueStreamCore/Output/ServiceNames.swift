/// What spans of each source are called as a service: `--service-names`.
package struct ServiceNames: Sendable, Hashable {
  /// Of every source that has no name below; nil for the source's own.
  package var common: String?
  package var ofSource: [String: String]

  package init(common: String? = nil, ofSource: [String: String] = [:]) {
    self.common = common
    self.ofSource = ofSource
  }

  /// Reads `delivery`, or `github=code,jenkins=ci`.
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
