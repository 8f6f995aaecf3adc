package import ValueStreamCore

/// Asks when items will be done, or how many by a date.
package struct ForecastQuery: Sendable {
  /// Only the present and the zone count: the throughput is that of the last ``historyDays`` days.
  package var frame: ReportFrame
  package var scope: ReportScope
  /// The number of items for *when*.
  package var items: Int?
  /// The last day for *how many*, as a time on it.
  package var by: Timestamp?
  /// Days on which nothing is done, as times on them.
  package var blackoutDays: [Timestamp]
  package var historyDays: Int
  package var trials: Int
  package var seed: UInt64
  package var settings: ReportSettings

  package init(
    frame: ReportFrame, scope: ReportScope = ReportScope(), items: Int? = nil, by: Timestamp? = nil,
    blackoutDays: [Timestamp] = [], historyDays: Int = 90, trials: Int = 10_000, seed: UInt64 = 1,
    settings: ReportSettings = ReportSettings()
  ) {
    self.frame = frame
    self.scope = scope
    self.items = items
    self.by = by
    self.blackoutDays = blackoutDays
    self.historyDays = historyDays
    self.trials = trials
    self.seed = seed
    self.settings = settings
  }
}

package struct ForecastReport: Sendable {
  /// The days whose throughput is sampled.
  package var history: TimeWindow
  package var timeZone: String
  /// Items done on each day of the history, zeros included.
  package var throughput: [Int]
  package var seed: UInt64
  package var trials: Int
  /// Nil if `items` is not asked, or if there are too few days with a completion.
  package var when: When?
  package var howMany: HowMany?
  /// Why there is no number.
  package var refusal: Refusal?
  package var population: Population

  package enum Refusal: String, Sendable, Hashable {
    /// Fewer than five days with a completion.
    case tooFewDays = "too_few_days"
  }

  package struct When: Sendable, Hashable {
    package var items: Int
    /// For 50, 70, 85 and 95 %.
    package var days: [Day]
    /// For the date of `by`: the share of trials that are done by then.
    package var chanceByDate: Chance?
  }

  package struct Day: Sendable, Hashable {
    package var percent: Int
    /// Tomorrow is day 1. Nil if it takes longer than trials look ahead.
    package var day: Int?
    /// The beginning of that day.
    package var date: Timestamp?
  }

  package struct HowMany: Sendable, Hashable {
    package var days: Int
    /// At least so many, for 50, 70, 85 and 95 %.
    package var counts: [Count]
    /// For `items`: the share of trials that reach them.
    package var chanceOfItems: Chance?
  }

  package struct Count: Sendable, Hashable {
    package var percent: Int
    package var items: Int
  }

  package struct Chance: Sendable, Hashable {
    /// Capped at 0.95.
    package var share: Double
    /// True for more than 95 %, which no forecast can promise: show ">95 %".
    package var isAbove95: Bool
  }
}
