import ValueStreamCore

/// A stretch of the calendar, by which things are put together.
package enum Window: String, CaseIterable, Sendable {
  case day, week, month, quarter
}

/// Calendars number their windows; the numbers follow one another without a gap.
package struct Calendar: Sendable {
  package var window: Window
  /// The first day of a week. Only weeks that start on Monday have the numbers of ISO 8601.
  package var weekStart: WeekStart = .monday

  package enum WeekStart: Sendable {
    case monday, sunday

    /// How many days before 1970-01-01, a Thursday, a week started.
    fileprivate var daysBeforeEpoch: Int { self == .monday ? 3 : 4 }
  }

  /// The number of the window that a day is in.
  ///
  /// - Parameter day: days since 1970-01-01.
  func index(ofDay day: Int) -> Int {
    switch window {
    case .day: return day
    case .week: return Self.floor(day + weekStart.daysBeforeEpoch, by: 7)
    case .month, .quarter:
      let date = CivilDate(daysSinceEpoch: Int64(day))
      return window == .month ? date.year * 12 + date.month - 1 : date.year * 4 + (date.month - 1) / 3
    }
  }

  /// The first day of a window, as days since 1970-01-01.
  package func firstDay(of index: Int) -> Int {
    switch window {
    case .day: index
    case .week: index * 7 - weekStart.daysBeforeEpoch
    case .month: Self.day(Self.floor(index, by: 12), index - Self.floor(index, by: 12) * 12 + 1, 1)
    case .quarter: Self.day(Self.floor(index, by: 4), (index - Self.floor(index, by: 4) * 4) * 3 + 1, 1)
    }
  }

  /// `2020|3|5`, a day; `2020|3`, a week of ISO 8601 or a month; `2020|Q1`.
  package func name(of index: Int) -> String {
    let date = CivilDate(daysSinceEpoch: Int64(firstDay(of: index)))
    switch window {
    case .day: return "\(date.year)|\(date.month)|\(date.day)"
    case .week:
      // A week is of the year that most of its days are in, which is that of its Thursday.
      let thursday = firstDay(of: index) + 3
      let year = CivilDate(daysSinceEpoch: Int64(thursday)).year
      return "\(year)|\((thursday - Self.day(year, 1, 1)) / 7 + 1)"
    case .month: return "\(date.year)|\(date.month)"
    case .quarter: return "\(date.year)|Q\((date.month - 1) / 3 + 1)"
    }
  }

  /// `2020-01-05`.
  package func firstDate(of index: Int) -> String {
    let date = CivilDate(daysSinceEpoch: Int64(firstDay(of: index)))
    func digits(_ number: Int, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2))"
  }

  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    Int(CivilDate(year: year, month: month, day: day).daysSinceEpoch)
  }

  private static func floor(_ number: Int, by divisor: Int) -> Int {
    let quotient = number / divisor
    return number % divisor < 0 ? quotient - 1 : quotient
  }
}
