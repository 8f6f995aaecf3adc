import Testing

@testable import ValueStreamCore

@Suite("Phases of a track")
struct PhaseTrackTests {
  static func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

  static func start(_ name: String, _ start: Int64, to end: Int64? = nil, _ outcome: Outcome? = nil) -> PhaseStatement {
    PhaseStatement(track: "t", name: name, start: time(start), end: end.map(time), outcome: outcome)
  }

  static func end(_ name: String, _ end: Int64, notBefore earliest: Int64? = nil) -> PhaseStatement {
    var statement = PhaseStatement(track: "t", name: name, end: time(end))
    statement.earliestStart = earliest.map(time)
    return statement
  }

  static func seen(_ name: String, _ instant: Int64, notBefore earliest: Int64? = nil) -> PhaseStatement {
    .seen(track: "t", name: name, at: time(instant), earliestStart: earliest.map(time))
  }

  /// Returns the phases of a span from 0 s to `end`; fails if the order of statements matters.
  static func phases(_ statements: [PhaseStatement], to end: Int64? = 100) -> [String] {
    let orders = [statements, statements.reversed(), statements.sorted { $0.name > $1.name }]
    let results = orders.map { PhaseTrack("t", of: $0, from: time(0), to: end.map(time)).phases }
    #expect(Set(results).count == 1, "the order of statements matters")
    return results[0].map { "\($0.name) \($0.start.seconds)-\($0.end.map { "\($0.seconds)" } ?? "?")" }
  }

  @Test("What is stated counts; the next phase or the span ends what has no end")
  func stated() {
    #expect(
      Self.phases([Self.start("a", 0), Self.start("b", 10, to: 20), Self.start("c", 30)]) == ["a 0-10", "b 10-20", "c 30-100"])
    #expect(Self.phases([Self.start("a", 0), Self.start("b", 10)], to: nil) == ["a 0-10", "b 10-?"])
    #expect(Self.phases([Self.start("a", 0, to: 5), Self.start("a", 0), Self.start("a", 0, to: 8)]) == ["a 0-8"])
    #expect(Self.phases([Self.start("a", 0), Self.end("a", 7), Self.start("b", 9)]) == ["a 0-7", "b 9-100"])
  }

  @Test("What was passed through at one moment comes before what went on from it, whatever their names")
  func passedThrough() {
    for (passed, next) in [("a", "b"), ("b", "a")] {
      #expect(
        Self.phases([Self.start("x", 0), Self.end("x", 10), Self.start(passed, 10), Self.end(passed, 10), Self.start(next, 10)])
          == ["x 0-10", "\(passed) 10-10", "\(next) 10-100"])
    }
  }

  @Test("A phase is never over before it began, whatever the clocks of a vendor say")
  func clocks() {
    #expect(Self.phases([Self.start("a", 20, to: 12), Self.start("b", 30)]) == ["a 20-20", "b 30-100"])
  }

  @Test("A phase that gave way at the moment it began never was")
  func gaveWay() {
    #expect(Self.phases([Self.start("queue", 0), Self.start("wait", 0), Self.start("run", 8)]) == ["wait 0-8", "run 8-100"])
    #expect(Self.phases([Self.start("a", 5), Self.end("a", 5)]) == ["a 5-5"], "unless that was told")
  }

  @Test("A phase of which only the end was told began where what is known before it ends")
  func loneEnd() {
    #expect(Self.phases([Self.end("a", 10), Self.start("b", 10)]) == ["a 0-10", "b 10-100"])
    #expect(Self.phases([Self.start("a", 0), Self.end("a", 4), Self.end("b", 9)]) == ["a 0-4", "b 4-9"])
    #expect(Self.phases([Self.start("a", 0), Self.end("b", 9, notBefore: 6)]) == ["a 0-6", "b 6-9"])
    #expect(Self.phases([Self.start("a", 0), Self.start("b", 4), Self.end("a", 9)]) == ["a 0-4", "b 4-4", "a 4-9"])
    #expect(Self.phases([Self.end("before", 0), Self.start("a", 0)]) == ["a 0-100"], "over before the span began")
  }

  @Test("A phase that was seen began no earlier than what is known of the one before went on")
  func seen() {
    #expect(Self.phases([Self.seen("a", 10)], to: nil) == ["a 0-?"])
    #expect(Self.phases([Self.start("a", 0), Self.seen("a", 7), Self.seen("b", 9)]) == ["a 0-7", "b 7-100"])
    #expect(Self.phases([Self.start("a", 0), Self.seen("b", 9, notBefore: 5)]) == ["a 0-5", "b 5-100"])
    #expect(Self.phases([Self.start("a", 0), Self.start("b", 5), Self.seen("b", 9, notBefore: 5)]) == ["a 0-5", "b 5-100"])
    #expect(Self.phases([Self.start("a", 0), Self.seen("b", 9, notBefore: 20)]) == ["a 0-9", "b 9-100"], "nonsense is bounded")
  }

  @Test("What was interrupted comes back as another one")
  func interrupted() {
    #expect(Self.phases([Self.start("a", 0), Self.seen("a", 3), Self.seen("a", 9, notBefore: 6)]) == ["a 0-3", "a 6-100"])
    #expect(Self.phases([Self.start("a", 0), Self.end("a", 9, notBefore: 6)]) == ["a 0-0", "a 6-9"])
  }

  @Test("What was seen while something else is stated to go on, or out of the span, does not count")
  func contradicted() {
    #expect(Self.phases([Self.start("a", 0, to: 20), Self.seen("b", 9)]) == ["a 0-20"])
    #expect(Self.phases([Self.start("a", 5), Self.seen("b", 5)]) == ["a 5-100"])
    #expect(Self.phases([Self.start("a", 0), Self.seen("b", 100), Self.seen("b", 120)]) == ["a 0-100"])
  }
}
