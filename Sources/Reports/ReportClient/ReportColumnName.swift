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

  /// True if the column holds scores from 0 to 10.
  package var isScore: Bool { currentName.hasSuffix("quick_check_2025") }

  /// True if the column holds codes such as `still_broken`, several of them with spaces between.
  package var hasCodes: Bool { Self.codeColumns.contains(name) || name.hasSuffix("_rhythm") }

  private static let codeColumns: Set<String> = [
    "changes_basis", "left_out", "outcome", "reasons", "rework", "rules", "step", "traits", "verdict",
  ]

  /// The name for people without the unit: `Lead time median`.
  package var title: String {
    if let title = Self.titles[currentName] { return title }
    var words = currentName.split(separator: "_").map(String.init)
    if unit != .other, words.count > 1 { words.removeLast() }
    let text = words.map { Self.abbreviations[$0] ?? $0 }.joined(separator: " ")
    return text.prefix(1).uppercased() + text.dropFirst()
  }

  /// The title in a table with a column for each metric, where durations are medians: `Lead time`.
  package var shortTitle: String {
    if let title = Self.shortTitles[currentName] { return title }
    let ending = [" median", " count", " average"].first { title.hasSuffix($0) && title.count > $0.count }
    return String(title.dropLast(ending?.count ?? 0))
  }

  /// The five delivery metrics count releases, although the column's name says deploys.
  private static let titles = ["deployment_frequency_deploys": "Deployment frequency releases"]

  private static let shortTitles = [
    "deployment_frequency_deploys": "Releases", "failed_deployment_recovery_time_median_seconds": "Recovery time",
  ]

  private static let abbreviations = [
    "p50": "median", "ci": "CI", "id": "ID", "url": "URL", "wip": "work in progress", "mttr": "MTTR",
  ]
}
