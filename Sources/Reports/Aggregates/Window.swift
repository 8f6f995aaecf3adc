import ValueStreamCore

/// The calendar period by which rows are grouped.
package enum Window: String, CaseIterable, Sendable {
  case day, week, month, quarter
}

/// Numbers the windows of a calendar consecutively.
package struct Calendar: Sendable {
  package var window: Window
  /// The first day of a week. Weeks have ISO 8601 numbers only if they start on Monday.
  package var weekStart: WeekStart = .monday

  package enum WeekStart: Sendable {
    case monday, sunday

    /// The number of days from the start of a week to 1970-01-01, which was a Thursday.
    fileprivate var daysBeforeEpoch: Int { self == .monday ? 3 : 4 }
  }

  /// Returns the number of the window that contains a day.
  ///
  /// - Parameter day: The number of days since 1970-01-01.
  func index(ofDay day: Int) -> Int {
    switch window {
    case .day: return day
    case .week: return Self.floor(day + weekStart.daysBeforeEpoch, by: 7)
    case .month, .quarter:
      let date = CivilDate(daysSinceEpoch: Int64(day))
      return window == .month ? date.year * 12 + date.month - 1 : date.year * 4 + (date.month - 1) / 3
    }
  }

  /// Returns the first day of a window, as days since 1970-01-01.
  package func firstDay(of index: Int) -> Int {
    switch window {
    case .day: index
    case .week: index * 7 - weekStart.daysBeforeEpoch
    case .month: Self.day(Self.floor(index, by: 12), index - Self.floor(index, by: 12) * 12 + 1, 1)
    case .quarter: Self.day(Self.floor(index, by: 4), (index - Self.floor(index, by: 4) * 4) * 3 + 1, 1)
    }
  }

  /// Returns the name of a window: `2020|3|5` for a day, `2020|3` for an ISO 8601 week or a month, `2020|Q1` for a
  /// quarter.
  package func name(of index: Int) -> String {
    let date = CivilDate(daysSinceEpoch: Int64(firstDay(of: index)))
    switch window {
    case .day: return "\(date.year)|\(date.month)|\(date.day)"
    case .week:
      // A week belongs to the year of its Thursday, which contains most of its days.
      let thursday = firstDay(of: index) + 3
      let year = CivilDate(daysSinceEpoch: Int64(thursday)).year
      return "\(year)|\((thursday - Self.day(year, 1, 1)) / 7 + 1)"
    case .month: return "\(date.year)|\(date.month)"
    case .quarter: return "\(date.year)|Q\((date.month - 1) / 3 + 1)"
    }
  }

  /// Returns the name of a window in charts: `2020-03-05` for a day, `2020-W03` for a week, `2020-03` for a month, `2020-Q1` for a
  /// quarter.
  package func label(of index: Int) -> String {
    let parts = name(of: index).split(separator: "|").map { $0.utf8.count == 1 ? "0\($0)" : String($0) }
    guard window == .week, parts.count == 2 else { return parts.joined(separator: "-") }
    return "\(parts[0])-W\(parts[1])"
  }

  /// Returns the first day of a window in the form `2020-01-05`.
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
