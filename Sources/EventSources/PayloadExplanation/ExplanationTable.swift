import ValueStreamCore

/// The number of payloads that gave events, were ignored or were unreadable, by source and type.
package struct ExplanationTable {
  private struct Row {
    var events = 0
    var ignored = 0
    var refused = 0
  }

  private var rows: [String: Row] = [:]

  package init() {}

  package var total: Int { rows.values.reduce(0) { $0 + $1.events + $1.ignored + $1.refused } }
  package var refused: Int { rows.values.reduce(0) { $0 + $1.refused } }

  package mutating func count(_ payload: ExplainedPayload) {
    let name = [payload.source ?? "unknown", payload.type].compactMap { $0 }.joined(separator: " ")
    switch payload.meaning {
    case .success(.events): rows[name, default: Row()].events += 1
    case .success(.ignored), .success(.exclusion): rows[name, default: Row()].ignored += 1
    case .failure: rows[name, default: Row()].refused += 1
    }
  }

  /// The table as text, with a line of totals.
  package var text: String {
    let width = (rows.keys.map(\.count).max() ?? 0) + 2
    func line(_ name: String, _ numbers: [String]) -> String {
      name + String(repeating: " ", count: max(1, width - name.count))
        + numbers.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }.joined()
    }
    func line(_ name: String, _ row: Row) -> String { line(name, ["\(row.events)", "\(row.ignored)", "\(row.refused)"]) }
    var sum = Row()
    for row in rows.values {
      sum.events += row.events
      sum.ignored += row.ignored
      sum.refused += row.refused
    }
    let body = rows.sorted { $0.key < $1.key }.map { line($0.key, $0.value) }
    return (["", line("", ["events", "ignored", "refused"])] + body + [line("all", sum)]).joined(separator: "\n")
  }
}
