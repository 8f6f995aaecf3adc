extension ReplayComparison {
  /// The comparison as text for people: the numbers first, then examples.
  package var text: String {
    var lines = [
      "things       \(subjectsBefore) before, \(subjectsNow) now", "spans        \(spansBefore) before, \(spansNow) now",
      "changed      \(changedSubjects)",
    ]
    for aspect in Aspect.allCases {
      guard let finding = findings[aspect] else { continue }
      lines.append("\(aspect.rawValue.padded(to: 12)) \(finding.count)")
      for example in finding.examples {
        lines.append("  \(example.key)")
        if let before = example.before { lines.append("    before  \(Self.short(before))") }
        if let now = example.now { lines.append("    now     \(Self.short(now))") }
      }
    }
    if isEmpty { lines.append("nothing differs") }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func short(_ text: String) -> String {
    text.count > 200 ? "\(text.prefix(200))…" : text
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
