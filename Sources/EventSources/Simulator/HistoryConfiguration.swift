package import ValueStreamCore

/// Which history is made. The same values give the same bytes.
package struct HistoryConfiguration: Sendable, Hashable {
  package var seed: UInt64
  /// How long the history is; what it is about begins with it.
  package var days: Int
  /// How much happens: 1 is a team of eight with four repositories. More adds teams, less makes one team slower.
  package var scale: Double
  /// When it ends. Nothing in it is later, and what is not over by then stays open.
  package var until: Timestamp

  /// The sizes that can be asked for.
  package static let dayRange = 1...400
  package static let scaleRange = 0.01...1000.0

  package init(seed: UInt64 = 1, days: Int = 14, scale: Double = 1, until: Timestamp) {
    self.seed = seed
    self.days = min(max(days, Self.dayRange.lowerBound), Self.dayRange.upperBound)
    self.scale = min(max(scale, Self.scaleRange.lowerBound), Self.scaleRange.upperBound)
    self.until = until
  }

  var start: Timestamp { until.after(-Double(days) * 86_400) }
  var teamCount: Int { max(1, Int(scale.rounded(.up))) }
  /// How busy each team is; 1 is ordinary.
  var activity: Double { scale / Double(teamCount) }
}
