import ValueStreamCore

/// Asks about runs of CI and their jobs.
package struct PipelinesQuery: Sendable {
  /// Covers whole days of the zone of the store. Others are rounded (see ``ReportFrame/wholeDays``).
  package var frame: ReportFrame
  package var scope: ReportScope
  /// How many repositories, workflows, jobs and runners to list.
  package var limit: Int
  package var settings: ReportSettings

  /// - Parameter frame: in the zone of the store, in which its roll-ups count days.
  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), limit: Int = 50, settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.limit = limit
    self.settings = settings
  }
}

/// Covers all runs and jobs of whole days, from daily roll-ups. Percentiles of times are exact to 1 %.
///
/// Flaky attempts, and which runs belong to changes, come from the rows of runs and jobs that failed, were run again, or belong
/// to a change.
package struct PipelinesReport: Sendable {
  /// The whole days that count.
  package var window: TimeWindow
  package var comparedWindow: TimeWindow?
  package var current: Value
  package var previous: Value?
  /// By the cost of failures, the most expensive first.
  package var repositories: [Row]
  package var workflows: [Row]
  package var jobs: [Row]
  /// By the 95th percentile of the run time, the slowest first.
  package var slowestJobs: [Row]
  /// By the 95th percentile of the time in the queue, the longest first.
  package var runners: [RunnerRow]

  package struct Value: Sendable, Hashable {
    /// Attempts. In the value of a whole report and of repositories and workflows, those of whole runs without their jobs.
    package var runs = 0
    package var failed = 0
    /// Attempts that neither passed nor failed: cancelled, skipped, stale, or waiting for an action.
    package var undecided = 0
    /// Attempts after the first.
    package var rerun = 0
    /// Runs that belong to a change.
    package var ofChanges = 0
    /// Failed attempts of jobs that passed later with the same commit, or of runs whose jobs are unknown.
    package var flaky = 0
    /// Run time of all attempts, of failed ones, and of the flaky ones among them, in minutes.
    package var minutes = 0.0
    package var failureMinutes = 0.0
    package var flakyMinutes = 0.0
    /// Of attempts that passed or failed.
    package var runTime = DurationSummary()
    package var queueTime = DurationSummary()

    /// The share of failed attempts of those that passed or failed. Nil without them.
    package var failureShare: Double? { runs > undecided ? Double(failed) / Double(runs - undecided) : nil }
  }

  package struct Row: Sendable, Hashable {
    package var repository: String?
    /// Nil for a repository.
    package var workflow: String?
    /// Nil for whole runs.
    package var job: String?
    package var value: Value
  }

  /// Jobs, and runs that name what ran them, by runner label, group of workers or worker.
  package struct RunnerRow: Sendable, Hashable {
    package var runner: String?
    package var value: Value
  }
}

package struct PipelinesEvidence: Sendable, Hashable {
  package var period: Period
  package var part: Part

  /// Roll-ups keep no rows, so the numbers of all runs have no evidence.
  package enum Part: Sendable, Hashable {
    case failed
    case rerun
    case ofChanges
    case flaky
  }

  package init(period: Period = .current, part: Part) {
    self.period = period
    self.part = part
  }
}

extension ReportFrame {
  /// The days of a window as those of roll-ups.
  func factDays(of window: TimeWindow) -> ClosedRange<FactDay> {
    let days = days(of: window)
    return FactDay(rawValue: Int32(clamping: days.lowerBound))...FactDay(rawValue: Int32(clamping: days.upperBound))
  }

  /// The same frame with whole days: those that begin in a window, or the day of a shorter window.
  ///
  /// So windows that follow each other have no day in common.
  package var wholeDays: ReportFrame {
    var frame = self
    let days = days(of: window)
    frame.window = window(of: days)
    switch comparison {
    case .none: break
    case .previousPeriod:
      let count = days.upperBound - days.lowerBound + 1
      frame.comparison = .window(window(of: days.lowerBound - count...days.lowerBound - 1))
    case .window(let other): frame.comparison = .window(window(of: self.days(of: other)))
    }
    return frame
  }

  /// The local days that begin in a window, or the day of a shorter window.
  func days(of window: TimeWindow) -> ClosedRange<Int64> {
    func firstDay(from time: Timestamp) -> Int64 {
      let day = zone.localDay(of: time)
      return zone.start(ofLocalDay: day) < time ? day + 1 : day
    }
    let (first, end) = (firstDay(from: window.start), firstDay(from: window.end))
    return first < end ? first...end - 1 : zone.localDay(of: window.start)...zone.localDay(of: window.start)
  }

  private func window(of days: ClosedRange<Int64>) -> TimeWindow {
    TimeWindow(start: zone.start(ofLocalDay: days.lowerBound), end: zone.start(ofLocalDay: days.upperBound + 1))
  }
}
