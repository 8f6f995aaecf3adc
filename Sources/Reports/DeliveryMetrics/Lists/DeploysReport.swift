package import ValueStreamCore

/// Asks for the deploys of a window.
package struct DeploysQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  /// True to list deploys to all environments instead of those of production.
  package var includesAllEnvironments: Bool
  package var cursor: String?
  package var limit: Int
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), includesAllEnvironments: Bool = false, cursor: String? = nil,
    limit: Int = 100, settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.includesAllEnvironments = includesAllEnvironments
    self.cursor = cursor
    self.limit = limit
    self.settings = settings
  }
}

package struct DeploysReport: Sendable {
  package var window: TimeWindow
  /// The newest first.
  package var rows: [DeployRow]
  package var total: Int
  package var next: String?
}

package struct DeployRow: Sendable, Hashable {
  package var deploy: FactID
  package var attempt: UInt16
  package var service: String?
  package var environment: String?
  package var repository: String?
  package var commit: CommitPrefix
  package var created: Timestamp
  package var started: Timestamp?
  package var ended: Timestamp?
  package var outcome: DeployOutcome
  package var step: DeployFactStep
  package var isProduction: Bool
  package var changeCount: Int
  package var basis: ChangesFactBasis
  package var previous: FactID?
  package var exclusion: String?
  /// Nil if the deploy is in no release.
  package var release: Release?

  package struct Release: Sendable, Hashable {
    /// The deploy whose success ended the release. Deploys of one release share it.
    package var deploy: FactID
    package var ended: Timestamp
    package var verdict: Verdict
    package var rules: [FailureRule]
    package var rework: [ReworkReason]
    package var recovered: Timestamp?
    package var remediedBy: FactID?
    package var incidents: [FactID]
  }
}
