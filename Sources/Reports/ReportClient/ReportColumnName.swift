import ValueStreamCore

/// The name of a column of a report, taken apart: `lead_time_previous_median_seconds` is the previous median of the lead
/// time, in seconds.
///
/// Everything about a column follows from its name, so that a column that vsd adds later needs no change here.
package struct ReportColumnName: Sendable, Hashable {
  package enum Unit: Sendable, Hashable {
    case seconds
    /// A share of 1.
    case ratio
    /// The number of items behind the numbers of a metric.
    case counted
    /// The share of items that could be counted.
    case coverage
    /// Any other number, or a text.
    case other
  }

  package let name: String
  package let unit: Unit
  /// The name without the mark of the previous period.
  package let currentName: String
  package var isPrevious: Bool { currentName != name }

  package init(_ name: String) {
    self.name = name
    let words = name.split(separator: "_")
    let current = words.filter { $0 != "previous" }
    currentName = current.isEmpty ? name : current.joined(separator: "_")
    unit =
      switch current.last {
      case "seconds": .seconds
      case "ratio", "share": .ratio
      case "coverage": .coverage
      case "n": .counted
      default: .other
      }
  }

  /// True if the unit in the name says that the column holds numbers.
  var isNumeric: Bool { unit != .other }

  /// The name for people without the unit: `Lead time median`.
  package var title: String {
    var words = currentName.split(separator: "_").map(String.init)
    if unit != .other, words.count > 1 { words.removeLast() }
    let text = words.map { Self.abbreviations[$0] ?? $0 }.joined(separator: " ")
    return text.prefix(1).uppercased() + text.dropFirst()
  }

  private static let abbreviations = [
    "p50": "median", "ci": "CI", "id": "ID", "url": "URL", "wip": "work in progress", "mttr": "MTTR",
  ]
}
