package import ValueStreamCore

/// A period from `start` up to, but not including, `end`.
package struct TimeWindow: Sendable, Hashable {
  package var start: Timestamp
  package var end: Timestamp

  package init(start: Timestamp, end: Timestamp) {
    self.start = start
    self.end = end
  }

  package var seconds: Double { end.seconds(since: start) }

  package func contains(_ time: Timestamp) -> Bool { start <= time && time < end }

  /// The period of the same length right before this one.
  package var previous: TimeWindow {
    TimeWindow(start: start.advanced(byNanoseconds: -end.nanoseconds(since: start)), end: start)
  }

  /// The same days and times one calendar year before, by UTC. 29 February becomes 1 March.
  package var yearBefore: TimeWindow { TimeWindow(start: start.yearBefore, end: end.yearBefore) }
}

/// When a report looks, with what it compares, and in which time zone days begin.
package struct ReportFrame: Sendable {
  package var window: TimeWindow
  package var comparison: Comparison
  package var zone: TimeZoneRules
  /// The present. Verdicts are pending, and open items age, as seen from here.
  package var now: Timestamp

  package enum Comparison: Sendable, Hashable {
    case none
    /// The period of the same length right before the window.
    case previousPeriod
    case window(TimeWindow)
  }

  package init(
    window: TimeWindow, comparison: Comparison = .previousPeriod, zone: TimeZoneRules = .utc, now: Timestamp
  ) {
    self.window = window
    self.comparison = comparison
    self.zone = zone
    self.now = now
  }

  /// The last days up to now: by default the 90 days that all reports cover unless told otherwise.
  package init(lastDays days: Int = 90, zone: TimeZoneRules = .utc, now: Timestamp) {
    let start = now.advanced(bySeconds: -Double(days) * 86_400)
    self.init(window: TimeWindow(start: start, end: now), zone: zone, now: now)
  }

  package var comparedWindow: TimeWindow? {
    switch comparison {
    case .none: nil
    case .previousPeriod: window.previous
    case .window(let other): other
    }
  }

  /// The frame for the rows behind a number of one period. Nothing is compared if those of the window are asked for.
  func forEvidence(of period: Period) -> ReportFrame {
    var frame = self
    if period == .current { frame.comparison = .none }
    return frame
  }

  /// The window for one of the two periods. Nil if the report compares with nothing.
  package func window(of period: Period) -> TimeWindow? {
    period == .current ? window : comparedWindow
  }
}

/// The window of a report, or the one that it is compared with.
package enum Period: String, Sendable, Hashable, CaseIterable {
  case current
  case previous
}

/// A question that a report cannot answer. The text says what to change.
package struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    case unknownTeam
    case unknownTimeZone
    case badWindow
    case badCursor
    case badQuestion
  }

  package var code: Code
  package var description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

extension Timestamp {
  fileprivate var yearBefore: Timestamp {
    let day = Int64((Double(seconds) / 86_400).rounded(.down))
    let date = CivilDate(daysSinceEpoch: day)
    let before = CivilDate(year: date.year - 1, month: date.month, day: date.day).daysSinceEpoch
    return advanced(bySeconds: Double((before - day) * 86_400))
  }
}
