package import ValueStreamCore

/// Asks for open items by age.
package struct AgeingQuery: Sendable {
  /// The window gives the finished items with which open ones are compared.
  package var frame: ReportFrame
  package var scope: ReportScope
  package var settings: ReportSettings

  package init(frame: ReportFrame, scope: ReportScope = ReportScope(), settings: ReportSettings = ReportSettings()) {
    self.frame = frame
    self.scope = scope
    self.settings = settings
  }
}

package struct AgeingReport: Sendable {
  package var now: Timestamp
  package var window: TimeWindow
  /// Issues in progress, the oldest first.
  package var items: [Item]
  /// In the order in which finished items last left the statuses.
  package var statuses: [Pace]
  /// Open changes that are ready for review, the oldest first.
  package var reviews: [OpenReview]
  package var population: Population

  package struct Item: Sendable, Hashable {
    package var issue: FactID
    package var project: String?
    package var type: String?
    package var status: String?
    package var started: Timestamp
    package var statusSince: Timestamp?
    package var ageSeconds: Double
    package var isBlocked: Bool
    /// Which band of its status the age has reached. Nil without bands.
    package var band: Band?
  }

  /// The percentiles of the age of finished items that an item has passed.
  package enum Band: String, Sendable, Hashable, CaseIterable {
    case belowP50 = "<p50"
    case p50
    case p70
    case p85
    case p95
  }

  /// Ages at which finished items last left a status. Nil for fewer than ten items.
  package struct Pace: Sendable, Hashable {
    package var status: String
    package var n: Int
    package var p50: Double?
    package var p70: Double?
    package var p85: Double?
    package var p95: Double?
    /// How many open items are in the status.
    package var open: Int

    package init(
      status: String, n: Int = 0, p50: Double? = nil, p70: Double? = nil, p85: Double? = nil, p95: Double? = nil, open: Int
    ) {
      self.status = status
      self.n = n
      self.p50 = p50
      self.p70 = p70
      self.p85 = p85
      self.p95 = p95
      self.open = open
    }
  }

  package struct OpenReview: Sendable, Hashable {
    package var change: FactID
    package var repository: String?
    package var ready: Timestamp
    package var ageSeconds: Double
    package var firstResponse: Timestamp?
    package var reviewRounds: Int
    package var sizeClass: SizeClass?
  }
}
