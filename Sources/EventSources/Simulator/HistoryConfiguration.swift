package import ValueStreamCore

/// The parameters of a generated history. The same values give the same bytes.
package struct HistoryConfiguration: Sendable, Hashable {
  package var seed: UInt64
  /// The length of the history in days. All of its issues and changes begin within it.
  package var days: Int
  /// The amount of activity; 1 is a team of eight with four repositories. Greater values add teams, smaller ones make
  /// one team slower.
  package var scale: Double
  /// The end of the history. Nothing happens later, and what is unfinished by then stays open.
  package var until: Timestamp

  /// The allowed values of ``days`` and ``scale``; the initializer clamps others.
  package static let dayRange = 1...400
  package static let scaleRange = 0.01...1000.0

  package init(seed: UInt64 = 1, days: Int = 14, scale: Double = 1, until: Timestamp) {
    self.seed = seed
    self.days = min(max(days, Self.dayRange.lowerBound), Self.dayRange.upperBound)
    self.scale = min(max(scale, Self.scaleRange.lowerBound), Self.scaleRange.upperBound)
    self.until = until
  }

  var start: Timestamp { until.after(-Double(days) * 86_400) }
  var teamCount: Int { max(1, Int(saturating: scale.rounded(.up))) }
  /// The activity of each team; 1 is normal.
  var activity: Double { scale / Double(teamCount) }
}
