package import ValueStreamCore

/// Asks for incidents, their causes, and recovery.
package struct IncidentsQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  package var settings: ReportSettings

  package init(frame: ReportFrame, scope: ReportScope = ReportScope(), settings: ReportSettings = ReportSettings()) {
    self.frame = frame
    self.scope = scope
    self.settings = settings
  }
}

package struct IncidentsReport: Sendable {
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  /// The incidents that last at the end of the window, the oldest first.
  package var open: [IncidentRow]
  /// The incidents that were resolved in the window, the newest first.
  package var resolved: [IncidentRow]
  package var current: Value
  package var previous: Value?
  /// The failures of releases that ended in the window or last. Overlapping failures of a service are one.
  package var failures: [FailureRow]
  /// The recovery time of failed deploys, as in the report about the five metrics.
  package var recoveryTime: FailedDeploymentRecoveryTime

  package struct Value: Sendable, Hashable {
    /// The number of incidents that began in the window.
    package var began: Int
    /// From beginning to resolution, of the incidents resolved in the window.
    package var timeToResolve: DurationSummary
    /// From beginning to detection, of the same incidents.
    package var timeToDetect: DurationSummary
    /// Of the incidents that began in the window: by who or what names the cause.
    package var causes: [CauseCount]
  }

  package struct CauseCount: Sendable, Hashable {
    package var basis: IncidentCause.Basis
    package var count: Int
  }
}

/// The release that an incident is blamed on.
package struct IncidentCause: Sendable, Hashable {
  package var basis: Basis
  package var deploy: FactID?
  package var attempt: UInt16

  package enum Basis: String, Sendable, Hashable, CaseIterable {
    /// An event names the deploy.
    case stated
    /// The latest release of the service before the incident.
    case latestRelease = "latest_release"
    /// No release of the service ended shortly before.
    case none
  }
}

package struct IncidentRow: Sendable, Hashable {
  package var incident: FactID
  package var service: String?
  package var environment: String?
  package var repository: String?
  package var severity: String?
  package var began: Timestamp
  package var detected: Timestamp
  package var resolved: Timestamp?
  /// To the resolution, or to the end of the window while it lasts. Nil if negative, or if no delivery states the resolution.
  package var seconds: Double?
  package var cause: IncidentCause
  package var exclusion: String?
}

/// A failure of a service: one failed release, or several whose failures overlap.
package struct FailureRow: Sendable, Hashable {
  package var service: String?
  package var began: Timestamp
  /// Nil while it lasts.
  package var recovered: Timestamp?
  package var detected: Timestamp?
  /// Nil if it ended and no delivery states when.
  package var seconds: Double?
  package var deploys: [FactID]
  package var rules: [FailureRule]
  package var remediedBy: FactID?
  package var incidents: [FactID]
}

package struct IncidentsEvidence: Sendable, Hashable {
  package var period: Period
  package var part: Part

  package enum Part: Sendable, Hashable {
    case began
    case cause(IncidentCause.Basis)
    case timeToResolve(EvidencePart)
    case timeToDetect(EvidencePart)
    case open
  }

  package init(period: Period = .current, part: Part) {
    self.period = period
    self.part = part
  }
}
