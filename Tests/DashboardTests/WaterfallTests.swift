import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("Waterfall")
struct WaterfallTests {
  private static let hour: Int64 = 3600
  private static let day: Int64 = 86_400

  private func scale(_ to: Int64, _ busy: [(Int64, Int64)]) -> TimeScale {
    TimeScale(
      from: StoreSamples.time(0), to: StoreSamples.time(to),
      busy: busy.map { (from: StoreSamples.time($0.0), to: StoreSamples.time($0.1)) })
  }

  @Test("long stretches without work are short and of one length; the rest has one scale")
  func gaps() throws {
    let scale = scale(
      60 * Self.day, [(0, Self.hour), (30 * Self.day, 30 * Self.day + Self.hour), (60 * Self.day - Self.hour, 60 * Self.day)])
    #expect(scale.gaps.count == 2)
    let lengths = scale.gaps.map { $0.end - $0.start }
    #expect((lengths[0] - lengths[1]).magnitude < 1e-9)
    // An hour is as long at the start as in the middle.
    func length(_ start: Int64) -> Double {
      scale.place(of: StoreSamples.time(start + Self.hour)) - scale.place(of: StoreSamples.time(start))
    }
    #expect((length(0) - length(30 * Self.day)).magnitude < 1e-9)
    #expect(length(0) > 0.1, "minutes in months can be read")
    #expect(scale.ticks.gaps.count == 2)
  }

  @Test("a busy period is not shortened")
  func noGaps() {
    let scale = scale(Self.day, [(0, Self.day)])
    #expect(scale.gaps.isEmpty)
    #expect(scale.place(of: StoreSamples.time(Self.day / 2)) == 0.5)
  }

  @Test("places never fall, stay from 0 to 1, and labels do not overlap", arguments: 0..<60)
  func random(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    let total = Int64(random.next() % 4) == 0 ? Int64(random.next() % 300) : Int64(random.next() % UInt64(900 * Self.day))
    let busy = (0..<Int(random.next() % 40)).map { _ -> (Int64, Int64) in
      let start = Int64(random.next() % UInt64(max(total, 1) * 2)) - total / 2
      return (start, start + Int64(random.next() % 50_000))
    }
    let scale = scale(total, busy)
    var last = -1.0
    for step in -5...105 {
      let place = scale.place(of: StoreSamples.time(total * Int64(step) / 100))
      #expect(place >= last && place >= 0 && place <= 1)
      last = place
    }
    #expect(scale.gaps.count <= 9)
    let ticks = scale.ticks
    for line in [ticks.days, ticks.hours, ticks.gaps] {
      for (left, right) in zip(line, line.dropFirst()) { #expect(left.place < right.place) }
    }
    for line in [ticks.days, ticks.hours + ticks.gaps, scale.ticksOnOneLine] {
      expectRoom(line, TimeScale.nominalWidth)
      expectRoom(line.filter { !$0.needsRoom }, 340)
    }
  }

  @Test("hours after a shortened stretch stand under their own day")
  func dayAfterGap() {
    // Some work on Monday at noon, then an hour of it on Tuesday.
    let monday = Self.day * 4 + Self.day / 2
    let scale = TimeScale(
      from: StoreSamples.time(monday), to: StoreSamples.time(monday + Self.day + 3600),
      busy: [
        (StoreSamples.time(monday), StoreSamples.time(monday + 60)),
        (StoreSamples.time(monday + Self.day), StoreSamples.time(monday + Self.day + 3600)),
      ])
    let later = Wording.weekday(StoreSamples.time(monday + Self.day))
    #expect(scale.ticks.days.map(\.label) == [later])
    #expect((scale.ticks.days.first?.place ?? 0) < (scale.ticks.hours.first?.place ?? 0))
  }

  /// Expects that labels of six pixels a character, where the page draws them, neither overlap nor reach over the ends.
  private func expectRoom(_ ticks: [TimeScale.Tick], _ width: Double) {
    let drawn = ticks.map { tick -> (label: String, from: Double, to: Double) in
      let (place, length) = (tick.labelPlace * width, Double(tick.label.count) * 6)
      let before = tick.side == " first" ? 0 : tick.side == " last" ? length : length / 2
      return (tick.label, place - before, place - before + length)
    }.sorted { $0.from < $1.from }
    for label in drawn { #expect(label.from >= 0 && label.to <= width, "\(label) of \(width)") }
    for (left, right) in zip(drawn, drawn.dropFirst()) { #expect(left.to < right.from, "\(left), \(right) of \(width)") }
  }

  @Test("times at the ends of what a time can be")
  func extremes() {
    let scale = TimeScale(from: .epoch, to: .latest, busy: [(.epoch, .epoch), (.latest, .latest)])
    #expect(scale.place(of: .epoch) == 0)
    #expect(scale.place(of: .latest) == 1)
    #expect(TimeScale(from: .latest, to: .epoch, busy: []).segments.count == 1)
    _ = TimeScale(from: .latest, to: .latest, busy: [(.epoch, .latest)]).ticks
  }

  private func path(_ items: [(start: Int64, end: Int64, parent: Int?, isCheck: Bool)]) -> [String] {
    CriticalPath(
      of: items.map {
        CriticalPath.Item(
          start: StoreSamples.time($0.start), end: StoreSamples.time($0.end), parent: $0.parent, isCheck: $0.isCheck)
      }
    ).steps.map { step in
      "\(step.span): \(step.from.seconds - StoreSamples.morning.seconds)-\(step.to.seconds - StoreSamples.morning.seconds)"
    }
  }

  @Test("the path goes back over what finished last")
  func path() {
    #expect(
      path([(0, 100, nil, false), (10, 40, 0, false), (20, 60, 0, false), (60, 90, 0, false)]) == [
        "0: 0-20", "2: 20-60", "3: 60-90", "0: 90-100",
      ])
  }

  @Test("children after the end of their parent count")
  func late() {
    #expect(path([(0, 10, nil, false), (50, 60, 0, false)]) == ["0: 0-50", "1: 50-60"])
  }

  @Test("checks of a change are beside the path, unless they end after it")
  func checks() {
    #expect(path([(0, 100, nil, false), (10, 40, 0, true)]) == ["0: 0-100"])
    #expect(path([(0, 100, nil, false), (90, 140, 0, true)]) == ["0: 0-90", "1: 90-140"])
  }

  @Test("several roots are one path, and nothing is said of the time between")
  func roots() {
    #expect(path([(0, 10, nil, false), (20, 30, nil, false)]) == ["0: 0-10", "1: 20-30"])
    #expect(path([]).isEmpty)
  }

  @Test("steps follow each other in any trace, however deep", arguments: 0..<40)
  func randomPath(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    let isDeep = seed == 0
    let items = (0..<(isDeep ? 5000 : 1 + Int(random.next() % 60))).map { index -> CriticalPath.Item in
      let start = Int64(random.next() % 100_000)
      let parent: Int? = index == 0 ? nil : isDeep ? index - 1 : Int(random.next() % UInt64(index))
      return CriticalPath.Item(
        start: StoreSamples.time(start), end: StoreSamples.time(start + Int64(random.next() % 5000)), parent: parent,
        isCheck: random.oneIn(5))
    }
    let steps = CriticalPath(of: items).steps
    for (first, second) in zip(steps, steps.dropFirst()) { #expect(first.to <= second.from) }
    for step in steps { #expect(step.from < step.to) }
  }

  @Test(
    "work, waiting and what is in hand",
    arguments: [
      ("In Progress", WorkPiece.Kind.hand), ("Ready for development", .wait), ("In review", .wait), ("Done", .plain),
      ("Backlog", .wait),
      ("Testing", .hand), ("Blocked", .wait), ("", .plain),
    ])
  func statuses(name: String, kind: WorkPiece.Kind) {
    #expect(WorkRules.kind(ofStatus: name) == kind)
  }

  @Test(
    "durations in words",
    arguments: [
      (0, "0 s"), (250, "250 ms"), (52_000, "52 s"), (312_000, "5.2 min"), (720_000, "12 min"), (9_900_000, "2 h 45 min"),
      (3_600_000, "1 h"), (622_800_000, "7 d 5 h"), (1_900_800_000, "22 d"), (-60_000, "−1.0 min"),
    ] as [(Int64, String)])
  func durations(milliseconds: Int64, text: String) {
    #expect(Wording.duration(nanoseconds: milliseconds * 1_000_000) == text)
  }
}
