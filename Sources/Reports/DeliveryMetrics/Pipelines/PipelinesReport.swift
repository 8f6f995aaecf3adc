/// Asks about runs of CI that failed, were run again, or belong to a change.
package struct PipelinesQuery: Sendable {
  package var frame: ReportFrame
  package var scope: ReportScope
  /// How many workflows and jobs to list.
  package var limit: Int
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), limit: Int = 50, settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.limit = limit
    self.settings = settings
  }
}

/// Covers only runs and jobs that failed, were run again, or belong to a change. Other successful runs are not in it, so it
/// tells no share of all runs.
package struct PipelinesReport: Sendable {
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  package var current: Value
  package var previous: Value?
  /// By the cost of failures, the most expensive first.
  package var workflows: [Row]
  package var jobs: [Row]

  package struct Value: Sendable, Hashable {
    /// Whole runs, without their jobs. Each attempt counts.
    package var runs = 0
    package var failed = 0
    /// Attempts after the first.
    package var rerun = 0
    /// Runs that belong to a change.
    package var ofChanges = 0
    /// Failed attempts of jobs that passed later with the same commit, or of runs whose jobs are unknown.
    package var flaky = 0
    /// Run time of failed attempts, and of the flaky ones among them, in minutes.
    package var failureMinutes = 0.0
    package var flakyMinutes = 0.0
    /// Of runs that belong to a change.
    package var runTime = DurationSummary()
    package var queueTime = DurationSummary()
  }

  package struct Row: Sendable, Hashable {
    package var repository: String?
    package var workflow: String?
    /// Nil for whole runs.
    package var job: String?
    package var value: Value
  }
}

package struct PipelinesEvidence: Sendable, Hashable {
  package var period: Period
  package var part: Part

  package enum Part: Sendable, Hashable {
    case runs
    case failed
    case rerun
    case ofChanges
    case flaky
    case runTime(EvidencePart)
    case queueTime(EvidencePart)
  }

  package init(period: Period = .current, part: Part) {
    self.period = period
    self.part = part
  }
}
