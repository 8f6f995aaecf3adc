import ValueStreamCore

/// The days, whole weeks and months of a window since history began.
struct ReleaseCalendar {
  /// The length of the window up to the present, in days.
  let days: Double
  private let zone: TimeZoneRules
  /// The local day of each number below.
  private let firstDay: Int64
  private let dayCount: Int
  /// The first local day of each whole ISO week.
  private let weeks: [Int64]
  /// The local days of each whole month, or of each part of a month if none is whole.
  private let months: [Range<Int64>]

  init(_ window: TimeWindow, _ frame: ReportFrame, _ historyBegan: Timestamp?) {
    zone = frame.zone
    let end = min(window.end, frame.now)
    days = max(0, end.seconds(since: window.start) / 86_400)
    let start = max(window.start, historyBegan ?? end)
    firstDay = zone.localDay(of: window.start)
    guard start < end else {
      (dayCount, weeks, months) = (0, [], [])
      return
    }
    dayCount = Int(zone.localDay(of: end) - firstDay) + 1
    // Whole days from the first midnight up to the last one.
    let day = zone.localDay(of: start)
    let from = zone.start(ofLocalDay: day) == start ? day : day + 1
    let to = zone.localDay(of: end)
    var monday = zone.firstDay(of: .week, containing: from + 6)
    var weeks: [Int64] = []
    while monday + 7 <= to {
      weeks.append(monday)
      monday += 7
    }
    self.weeks = weeks
    var whole: [Range<Int64>] = []
    var parts: [Range<Int64>] = []
    var month = zone.firstDay(of: .month, containing: day)
    while month < max(to, day + 1) {
      let next = zone.day(after: month, .month)
      if month >= from, next <= to { whole.append(month..<next) }
      parts.append(month..<next)
      month = next
    }
    months = whole.isEmpty ? parts : whole
  }

  func rhythm(of releases: [Timestamp]) -> (wholeWeeks: Int, median: Double?, rhythm: DeploymentFrequency.Rhythm?) {
    guard weeks.count >= 4 else { return (weeks.count, nil, nil) }
    var isReleased = [Bool](repeating: false, count: dayCount)
    for time in releases {
      let day = Int(zone.localDay(of: time) - firstDay)
      if isReleased.indices.contains(day) { isReleased[day] = true }
    }
    func count(_ range: Range<Int64>) -> Int {
      range.count { day in
        let index = Int(day - firstDay)
        return isReleased.indices.contains(index) && isReleased[index]
      }
    }
    guard let median = Statistics.median(of: weeks.map { Double(count($0..<$0 + 7)) }) else { return (weeks.count, nil, nil) }
    if median >= 3 { return (weeks.count, median, .onDemand) }
    if median >= 1 { return (weeks.count, median, .weekly) }
    let isMonthly = months.count { count($0) > 0 } * 2 >= months.count
    return (weeks.count, median, isMonthly ? .monthly : .rarer)
  }
}
