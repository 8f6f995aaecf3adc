package import ValueStreamCore

/// Asks for the changes of a window: those that were merged or closed in it, and those that are open.
package struct ChangesQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  /// Nil for all states.
  package var state: ChangeState?
  package var cursor: String?
  package var limit: Int
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), state: ChangeState? = nil, cursor: String? = nil,
    limit: Int = 100, settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.state = state
    self.cursor = cursor
    self.limit = limit
    self.settings = settings
  }
}

package struct ChangesReport: Sendable {
  package var window: TimeWindow
  package var counts: Counts
  package var previous: Counts?
  /// The newest first.
  package var rows: [ChangeRow]
  package var total: Int
  package var next: String?

  /// How many changes were merged or closed in the window, or are open at its end. Open ones count in no previous window.
  package struct Counts: Sendable, Hashable {
    package var merged = 0
    package var abandoned = 0
    package var open = 0
    /// Of the merged changes: those with the trait.
    package var byBots = 0
    package var direct = 0
    package var reverts = 0
    package var cherryPicks = 0
    package var backMerges = 0
    package var hotfixes = 0
    package var forIncidents = 0
  }
}

package struct ChangeRow: Sendable, Hashable {
  package var change: FactID
  package var state: ChangeState
  package var repository: String?
  package var workType: String?
  package var times: ChangeMilestones
  package var abandoned: Timestamp?
  package var traits: ChangeLabels.Traits
  package var reverts: FactID?
  package var size: UInt32?
  package var sizeClass: SizeClass?
  package var reviewRounds: Int
  package var exclusion: String?
  /// The first release of the change to production. Nil if none is known.
  package var released: Timestamp?
  package var releasedBy: FactID?
  package var leadTimeSeconds: Double?
}

/// Classes by the number of added plus removed lines.
package enum SizeClass: String, Sendable, Hashable, CaseIterable {
  case upTo10 = "1-10"
  case upTo100 = "11-100"
  case upTo500 = "101-500"
  case upTo1000 = "501-1000"
  case over1000 = ">1000"

  package init(lines: UInt32) {
    self = lines <= 10 ? .upTo10 : lines <= 100 ? .upTo100 : lines <= 500 ? .upTo500 : lines <= 1000 ? .upTo1000 : .over1000
  }
}
