import Foundation
import Testing
import ValueStreamCore

@testable import Aggregates

@Suite("Windows of the calendar")
struct CalendarTests {
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    Int(CivilDate(year: year, month: month, day: day).daysSinceEpoch)
  }

  @Test(
    "weeks of ISO 8601, those of a 53rd week among them",
    arguments: [
      (2020, 1, 15, "2020|3"), (2020, 1, 1, "2020|1"), (2019, 12, 30, "2020|1"), (2019, 12, 29, "2019|52"),
      (2020, 12, 31, "2020|53"),
      (2021, 1, 3, "2020|53"), (2021, 1, 4, "2021|1"), (2016, 1, 3, "2015|53"), (2005, 1, 1, "2004|53"), (2024, 12, 30, "2025|1"),
      (1969, 12, 28, "1969|52"), (1969, 12, 29, "1970|1"),
    ])
  func weeks(year: Int, month: Int, day: Int, name: String) {
    let calendar = Aggregates.Calendar(window: .week)
    #expect(calendar.name(of: calendar.index(ofDay: Self.day(year, month, day))) == name)
  }

  @Test("weeks agree with the system's calendar on every day of a century")
  func everyWeek() {
    var system = Foundation.Calendar(identifier: .iso8601)
    system.timeZone = .gmt
    let calendar = Aggregates.Calendar(window: .week)
    for day in stride(from: Self.day(1950, 1, 1), to: Self.day(2050, 1, 1), by: 1) {
      let parts = system.dateComponents(
        [.weekOfYear, .yearForWeekOfYear], from: Date(timeIntervalSince1970: Double(day) * 86_400))
      #expect(calendar.name(of: calendar.index(ofDay: day)) == "\(parts.yearForWeekOfYear ?? 0)|\(parts.weekOfYear ?? 0)")
    }
  }

  @Test("days, months and quarters")
  func others() {
    let day = Self.day(2020, 3, 5)
    for (window, name) in [(Window.day, "2020|3|5"), (.month, "2020|3"), (.quarter, "2020|Q1")] {
      let calendar = Aggregates.Calendar(window: window)
      #expect(calendar.name(of: calendar.index(ofDay: day)) == name)
    }
    let quarter = Aggregates.Calendar(window: .quarter)
    #expect(quarter.firstDate(of: quarter.index(ofDay: Self.day(2020, 12, 31))) == "2020-10-01")
    let month = Aggregates.Calendar(window: .month)
    #expect(month.firstDate(of: month.index(ofDay: Self.day(1969, 12, 31))) == "1969-12-01")
  }

  @Test("weeks from Sunday", arguments: [(2020, 1, 5, "2020-01-05"), (2020, 1, 11, "2020-01-05"), (2020, 1, 4, "2019-12-29")])
  func sundays(year: Int, month: Int, day: Int, first: String) {
    let calendar = Aggregates.Calendar(window: .week, weekStart: .sunday)
    #expect(calendar.firstDate(of: calendar.index(ofDay: Self.day(year, month, day))) == first)
  }

  @Test(
    "percentiles by the rule of the program of 2019",
    arguments: [
      ([7], 50, 7), ([7], 99, 7), ([1, 3], 50, 1), ([1, 3], 95, 2), ([1, 2, 3], 50, 1.5), ([1, 2, 3, 4], 50, 2),
      (Array(stride(from: 1.0, through: 20, by: 1)), 95, 19), (Array(stride(from: 1.0, through: 100, by: 1)), 99, 99),
      (Array(stride(from: 1.0, through: 10, by: 1)), 99, 9.5), (Array(stride(from: 1.0, through: 60, by: 1)), 95, 57),
    ] as [([Double], Int, Double)])
  func percentiles(sorted: [Double], percent: Int, value: Double) {
    #expect(Percentile.value(percent, ofSorted: sorted) == value)
  }

  @Test("samples come back, whatever else is kept")
  func samples() {
    var arena = SampleArena()
    var lists = [SampleArena.List](repeating: SampleArena.List(), count: 7)
    for number in 0..<100_000 { arena.append(Double(number), to: &lists[number % 10 % 7]) }
    for (index, list) in lists.enumerated() {
      var values: [Double] = []
      arena.collect(list, into: &values)
      #expect(values.sorted() == (0..<100_000).filter { $0 % 10 % 7 == index }.map(Double.init))
    }
  }
}
