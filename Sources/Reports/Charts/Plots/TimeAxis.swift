package import ValueStreamCore

/// The horizontal axis of a period, with labels at days, weeks, months or years. All times are UTC.
package struct TimeAxis: Sendable {
  package let from: Timestamp
  package let to: Timestamp
  private let length: Double

  /// - Parameter to: The end of the period. An axis covers at least one second.
  package init(from: Timestamp, to: Timestamp) {
    self.from = from
    self.to = max(to, from.advanced(bySeconds: 1))
    length = self.to.seconds(since: from)
  }

  /// The share of the width at which a time is. Times outside are at the ends.
  package func place(of time: Timestamp) -> Double {
    min(1, max(0, time.seconds(since: from) / length))
  }

  package func contains(_ time: Timestamp) -> Bool { from <= time && time <= to }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let day: Int64 = 86_400
  private static let mostLabels = 9

  /// The day and month of a time, such as `3 Nov`.
  package static func dayText(_ time: Timestamp) -> String {
    let date = CivilDate(daysSinceEpoch: time.seconds / day)
    return "\(date.day) \(month(date))"
  }

  /// The day, month and year of a time, such as `3 Nov 2025`.
  package static func dateText(_ time: Timestamp) -> String {
    "\(dayText(time)) \(CivilDate(daysSinceEpoch: time.seconds / day).year)"
  }

  private static func month(_ date: CivilDate) -> String { months[min(max(date.month, 1), 12) - 1] }

  /// Labels at beginnings of days, weeks, months or years, at most nine. Every other one is minor.
  package var labels: [Plot.Label] {
    let days = length / Double(Self.day)
    var found: [(time: Timestamp, text: String)]
    switch days {
    case ...9: found = dayStarts(every: 1)
    case ...18: found = dayStarts(every: 2)
    case ...62: found = dayStarts(every: 7)
    case ...125: found = dayStarts(every: 14)
    default: found = monthStarts(every: days <= 400 ? 1 : days <= 1200 ? 3 : 12)
    }
    if found.count > Self.mostLabels {
      let step = (found.count + Self.mostLabels - 1) / Self.mostLabels
      found = found.enumerated().filter { $0.offset % step == 0 }.map(\.element)
    }
    return found.enumerated().map { index, label in
      Plot.Label(place(of: label.time), label.text, isMinor: found.count > 4 && index % 2 == 1)
    }
  }

  /// Beginnings of days; with a step of weeks, Mondays.
  private func dayStarts(every step: Int64) -> [(time: Timestamp, text: String)] {
    var day = (from.seconds + Self.day - 1) / Self.day
    // 1970-01-01 was a Thursday.
    if step % 7 == 0 { while (day + 3) % 7 != 0 { day += 1 } }
    var found: [(Timestamp, String)] = []
    while day * Self.day <= to.seconds, found.count < 400 {
      let time = Timestamp(seconds: day * Self.day)
      found.append((time, Self.dayText(time)))
      day += step
    }
    return found
  }

  private func monthStarts(every step: Int) -> [(time: Timestamp, text: String)] {
    var found: [(Timestamp, String)] = []
    var day = (from.seconds + Self.day - 1) / Self.day
    while day * Self.day <= to.seconds, found.count < 400 {
      let date = CivilDate(daysSinceEpoch: day)
      guard date.day == 1 else {
        day += date.day > 27 ? 1 : 28 - Int64(date.day)
        continue
      }
      if (date.month - 1) % step == 0 {
        let isFirst = date.month == 1 || found.isEmpty
        found.append(
          (
            Timestamp(seconds: day * Self.day),
            step == 12 ? "\(date.year)" : isFirst ? "\(Self.month(date)) \(date.year)" : Self.month(date)
          ))
      }
      day += 28
    }
    return found
  }
}

/// Deploys and incidents, which every time axis shows as small marks.
package struct TimelineEvents: Sendable {
  package enum Kind: Sendable {
    case deploy, failedDeploy
  }

  package var deploys: [(time: Timestamp, kind: Kind)] = []
  package var incidents: [(began: Timestamp, ended: Timestamp)] = []

  package init(deploys: [(time: Timestamp, kind: Kind)] = [], incidents: [(began: Timestamp, ended: Timestamp)] = []) {
    self.deploys = deploys
    self.incidents = incidents
  }

  package var isEmpty: Bool { deploys.isEmpty && incidents.isEmpty }

  /// The pixels that the marks take at the foot of a chart.
  package static let height = 14.0
}

extension TimelineEvents {
  /// Marks closer than this share of the width look like one.
  package static let nearness = 0.001
  /// Signs closer than this share hide each other.
  package static let signWidth = 0.006
  /// The narrowest bar of an incident.
  private static let narrowest = 0.002

  /// The places of deploys of a kind on an axis, in order and without those that no eye can tell apart.
  ///
  /// A page stays small however many deploys there are.
  ///
  /// - Parameter distance: The least one between two places.
  package func places(of kind: Kind, on axis: TimeAxis, distance: Double = nearness) -> [Double] {
    let places = deploys.lazy.filter { $0.kind == kind && axis.contains($0.time) }.map { axis.place(of: $0.time) }
    var distinct: [Double] = []
    for place in places.sorted() where distinct.last.map({ place - $0 >= distance }) ?? true { distinct.append(place) }
    return distinct
  }

  /// The shares of the width in which an incident was open, in order. Those that touch are one.
  package func incidentSpans(on axis: TimeAxis) -> [(start: Double, end: Double)] {
    let all = incidents.lazy.filter { $0.ended >= axis.from && $0.began <= axis.to }.map { incident in
      let start = axis.place(of: incident.began)
      return (start: start, end: max(axis.place(of: incident.ended), min(start + Self.narrowest, 1)))
    }
    var spans: [(start: Double, end: Double)] = []
    for span in all.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      if let last = spans.last, span.start - last.end < Self.nearness {
        spans[spans.count - 1].end = max(last.end, span.end)
      } else {
        spans.append(span)
      }
    }
    return spans
  }
}

extension Plot {
  /// Draws deploys as ticks, failed ones as ◆, and incidents as bars, right above the axis.
  package mutating func draw(_ events: TimelineEvents, on axis: TimeAxis) {
    for span in events.incidentSpans(on: axis) {
      add(.box(from: Point(span.start, height - 3), to: Point(span.end, height)), .incident)
    }
    let (deploys, failed) = (events.places(of: .deploy, on: axis), events.places(of: .failedDeploy, on: axis))
    if !deploys.isEmpty { add(.ticks(deploys, from: height - 8, to: height - 3), .deploy) }
    if !failed.isEmpty { add(.ticks(failed, from: height - 12, to: height - 3), .failure) }
    for place in events.places(of: .failedDeploy, on: axis, distance: TimelineEvents.signWidth) {
      add(.sign(Point(place, height - 12), "◆"), .failure)
    }
  }
}
