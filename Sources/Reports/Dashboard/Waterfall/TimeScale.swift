import ValueStreamCore

/// Maps times to places along a chart, and shortens long stretches without work.
///
/// All times that are not shortened share one scale: an hour is as long in one place as in another. Each shortened stretch
/// has the same small length, whatever its duration.
struct TimeScale {
  struct Segment: Hashable {
    var from: Timestamp
    var to: Timestamp
    /// True for a shortened stretch.
    var isGap: Bool
    /// The places of both ends, as shares from 0 to 1.
    var start: Double
    var end: Double
  }

  /// A label at a place.
  struct Tick: Hashable {
    var place: Double
    var label: String
    /// True if the label has no room on a phone.
    var needsRoom = false
    /// True for the label of a stretch, false for that of a time.
    var isOfStretch = false

    /// The style of a label that would reach over the end of the scale if its middle stood at its place.
    var side: String {
      let share = length / 2 / TimeScale.nominalWidth
      return place < share ? " first" : place > 1 - share ? " last" : ""
    }

    /// Where the label stands: beside the line of a time, or at the end of the scale if it belongs to a stretch there.
    var labelPlace: Double {
      switch side {
      case " first": isOfStretch ? 0 : place
      case " last": isOfStretch ? 1 : place
      default: place
      }
    }

    /// In pixels.
    private var length: Double { Double(label.count) * 6.6 }

    /// The pixels that the label covers.
    fileprivate func extent(_ width: Double) -> ClosedRange<Double> {
      let at = labelPlace * width
      return switch side {
      case " first": at...at + length
      case " last": at - length...at
      default: at - length / 2...at + length / 2
      }
    }

    /// True if no part of the label is outside of a scale of this width.
    fileprivate func fits(_ width: Double) -> Bool {
      let extent = extent(width)
      return extent.lowerBound >= 0 && extent.upperBound <= width
    }
  }

  private(set) var segments: [Segment] = []
  var from: Timestamp { segments.first?.from ?? .epoch }
  var to: Timestamp { segments.last?.to ?? .epoch }
  var gaps: [Segment] { segments.filter(\.isGap) }

  /// The width, in pixels, for which ticks and labels are chosen: that of a waterfall beside its detail at 1280. A wider chart only has
  /// more room.
  static let nominalWidth = 520.0
  private static let gapShare = 30 / nominalWidth
  private static let mostGaps = 9
  private static let hour: Int64 = 3600 * 1_000_000_000
  private static let day = 24 * hour

  /// Durations from which a stretch may count as long.
  private static let thresholds: [Int64] = [
    hour / 60, hour / 12, hour / 4, hour, 3 * hour, 12 * hour, day, 2 * day, 4 * day, 7 * day, 14 * day, 28 * day, 91 * day,
    365 * day,
  ]

  /// Creates a scale.
  ///
  /// - Parameters:
  ///   - from: The first time shown.
  ///   - to: The last time shown. The scale covers at least one second.
  ///   - busy: Stretches that must not be shortened, and single times, as stretches of no length. In any order.
  init(from: Timestamp, to: Timestamp, busy: [(from: Timestamp, to: Timestamp)]) {
    let to = max(to, from.advanced(bySeconds: 1))
    let stretches = Self.merged(busy, from, to)
    var gaps = Self.gaps(between: stretches, over: to.nanoseconds(since: from))
    // Shortening little is not worth the harder reading.
    let total = to.nanoseconds(since: from)
    let gapTotal = gaps.reduce(0) { $0 + $1.to.nanoseconds(since: $1.from) }
    if gapTotal < total / 3 { gaps = [] }
    segments = Self.segments(from, to, gaps)
  }

  /// Returns the busy stretches within the period, in order, joined where they touch.
  private static func merged(
    _ busy: [(from: Timestamp, to: Timestamp)], _ from: Timestamp, _ to: Timestamp
  ) -> [(from: Timestamp, to: Timestamp)] {
    var merged = [(from: from, to: from)]
    let inside = busy.filter { $0.from <= to && $0.to >= from && $0.from <= $0.to }
    for stretch in inside.sorted(by: { $0.from < $1.from }) {
      let last = merged[merged.count - 1]
      let end = min(stretch.to, to)
      if stretch.from <= last.to { merged[merged.count - 1].to = max(last.to, end) } else { merged.append((stretch.from, end)) }
    }
    if merged[merged.count - 1].to < to { merged.append((to, to)) }
    return merged
  }

  private static func gaps(
    between stretches: [(from: Timestamp, to: Timestamp)], over total: Int64
  ) -> [(from: Timestamp, to: Timestamp)] {
    let between = zip(stretches, stretches.dropFirst()).map { (from: $0.to, to: $1.from) }
    // In a long period, only nights and more are worth shortening.
    let least = total > 3 * day ? 12 * hour : total / 6
    for threshold in thresholds where threshold >= least {
      let long = between.filter { $0.to.nanoseconds(since: $0.from) > threshold }
      if long.count <= mostGaps { return long }
    }
    return []
  }

  private static func segments(_ from: Timestamp, _ to: Timestamp, _ gaps: [(from: Timestamp, to: Timestamp)]) -> [Segment] {
    guard !gaps.isEmpty else { return [Segment(from: from, to: to, isGap: false, start: 0, end: 1)] }
    let total = to.nanoseconds(since: from)
    let inGaps = gaps.reduce(0) { $0 + $1.to.nanoseconds(since: $1.from) }
    // A margin at both ends of a gap keeps marks apart that stand at its ends.
    let wanted = max((total - inGaps) / 50, total / 20_000, 1)
    var stretches: [(from: Timestamp, to: Timestamp, isGap: Bool)] = []
    var last = from
    for gap in gaps {
      let margin = min(wanted, gap.to.nanoseconds(since: gap.from) / 4)
      let start = gap.from.advanced(byNanoseconds: margin)
      let end = gap.to.advanced(byNanoseconds: -margin)
      if start > last { stretches.append((last, start, false)) }
      stretches.append((start, end, true))
      last = end
    }
    if to > last { stretches.append((last, to, false)) }
    let shown = stretches.reduce(Int64(0)) { $0 + ($1.isGap ? 0 : $1.to.nanoseconds(since: $1.from)) }
    let room = 1 - gapShare * Double(gaps.count)
    var place = 0.0
    return stretches.map { stretch in
      let length = stretch.isGap ? gapShare : Double(stretch.to.nanoseconds(since: stretch.from)) / Double(max(shown, 1)) * room
      defer { place += length }
      return Segment(from: stretch.from, to: stretch.to, isGap: stretch.isGap, start: place, end: min(place + length, 1))
    }
  }

  /// Returns the place of a time, from 0 to 1. Times outside the scale are at its ends.
  func place(of time: Timestamp) -> Double {
    var (low, high) = (0, segments.count)
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].to < time { low = middle + 1 } else { high = middle }
    }
    guard low < segments.count else { return 1 }
    let segment = segments[low]
    let length = Double(segment.to.nanoseconds(since: segment.from))
    let share = length > 0 ? Double(time.nanoseconds(since: segment.from)) / length : 0
    return segment.start + min(max(share, 0), 1) * (segment.end - segment.start)
  }

  // MARK: Ticks

  private static let steps: [Int64] = [
    1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200, 7_257_600,
    31_536_000,
  ].map { $0 * 1_000_000_000 }

  /// The pixels of one nanosecond that is not shortened.
  private var density: Double {
    let shown = segments.first { !$0.isGap && $0.to > $0.from }
    return shown.map { ($0.end - $0.start) * Self.nominalWidth / Double($0.to.nanoseconds(since: $0.from)) } ?? 0
  }

  /// The labels of the axis: days above; hours and the durations of gaps below. Labels do not overlap.
  var ticks: (days: [Tick], hours: [Tick], gaps: [Tick]) {
    let density = density
    let step = Self.steps.first { Double($0) * density >= ($0 < Self.day ? 40 : 64) } ?? Self.steps[Self.steps.count - 1]
    let gapTicks = gaps.map {
      Tick(place: ($0.start + $0.end) / 2, label: Wording.duration(from: $0.from, to: $0.to), isOfStretch: true)
    }
    var days: [Tick] = []
    var hours: [Tick] = []
    let spansYears = to.nanoseconds(since: from) > 300 * Self.day
    func dayLabel(_ time: Timestamp) -> String {
      spansYears
        ? Wording.monthAndYear(time) : step > Self.day ? String(Wording.weekday(time).dropFirst(4)) : Wording.weekday(time)
    }
    for segment in segments where !segment.isGap {
      // The first day of a segment is named at its start, because the segments before it may be days earlier.
      let first = dayLabel(segment.from)
      if days.last?.label != first { days.append(Tick(place: segment.start, label: first)) }
      let alignment = step >= 7 * Self.day ? 4 * Self.day : 0
      var tick = ((segment.from.nanoseconds - alignment) / step + 1) * step + alignment
      while tick < segment.to.nanoseconds, days.count + hours.count < 400 {
        let time = Timestamp(nanoseconds: tick)
        if tick % Self.day == 0 {
          days.append(Tick(place: place(of: time), label: dayLabel(time)))
        } else {
          let clock = Wording.clock(time)
          let label = step < 60 * 1_000_000_000 ? "\(clock):\(time.seconds % 60 < 10 ? "0" : "")\(time.seconds % 60)" : clock
          hours.append(Tick(place: place(of: time), label: label))
        }
        tick += step
      }
    }
    return (
      Self.apart(longest(days), keeping: []), Self.apart(hours, keeping: gapTicks), Self.apart(gapTicks, keeping: [])
    )
  }

  /// Leaves out the day of a short stretch before a shortened one if its label leaves no room for that of a longer stretch behind
  /// it, whose hours would seem to be those of the earlier day.
  private func longest(_ days: [Tick]) -> [Tick] {
    let days = days.sorted { $0.place < $1.place }
    func length(_ index: Int) -> Double { (index + 1 < days.count ? days[index + 1].place : 1) - days[index].place }
    func isGapBetween(_ first: Int, _ second: Int) -> Bool {
      segments.contains { $0.isGap && $0.start >= days[first].place && $0.end <= days[second].place }
    }
    var kept: [Int] = []
    for index in days.indices {
      while let last = kept.last, Self.clashes(days[last], days[index], Self.nominalWidth), length(last) < length(index),
        isGapBetween(last, index)
      {
        kept.removeLast()
      }
      kept.append(index)
    }
    return kept.map { days[$0] }
  }

  /// The labels of an axis with a single line: days, and hours between them if there are few days.
  var ticksOnOneLine: [Tick] {
    let (days, hours, _) = ticks
    return days.count < 3 ? days + Self.apart(hours, keeping: days) : days
  }

  /// Returns the ticks that have room, from left to right, and marks those that have none on a phone.
  ///
  /// - Parameter fixed: Ticks of the same line that stay.
  private static func apart(_ ticks: [Tick], keeping fixed: [Tick]) -> [Tick] {
    let kept = apart(ticks, keeping: fixed, width: nominalWidth)
    let narrow = Set(apart(kept.filter { $0.fits(phoneWidth) }, keeping: fixed, width: phoneWidth))
    return kept.map { tick in
      var tick = tick
      tick.needsRoom = !narrow.contains(tick)
      return tick
    }
  }

  private static let phoneWidth = 340.0

  private static func clashes(_ left: Tick, _ right: Tick, _ width: Double) -> Bool {
    let (left, right) = (left.extent(width), right.extent(width))
    return left.lowerBound < right.upperBound + 8 && right.lowerBound < left.upperBound + 8
  }

  private static func apart(_ ticks: [Tick], keeping fixed: [Tick], width: Double) -> [Tick] {
    var kept: [Tick] = []
    for tick in ticks.sorted(by: { $0.place < $1.place }) {
      if let last = kept.last, clashes(last, tick, width) { continue }
      if fixed.contains(where: { clashes($0, tick, width) }) { continue }
      kept.append(tick)
    }
    return kept
  }
}
