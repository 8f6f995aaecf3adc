import Testing

@testable import ValueStreamCore

/// Checks the laws of phases with facts that contradict each other in many ways.
@Suite("Laws of phases")
struct PhaseLawTests {
  private static let operations: [Operation] = [.build, .job, .deploy, .pullRequest, .issue]

  /// Facts of one subject, inconsistent because of several clocks, lost deliveries and other runs.
  private static func events(seed: UInt64) -> [Event] {
    var random = SeededRandom(seed: seed)
    func instant() -> Timestamp { Timestamp(seconds: Int64.random(in: 0...60, using: &random)) }
    let key = SubjectKey(source: "gitlab", host: "h", container: "1", kind: "pipeline", id: "\(seed)")
    let rules: [AttemptRule] = [.single, .counted, .counted, .numbered(1)]
    let rule = rules[Int(seed) % rules.count]
    return (0..<Int.random(in: 1...8, using: &random)).map { _ in
      let time = EventTime(instant(), isVendor: !random.oneIn(4))
      var event = Event(key: key, time: time, attempt: rule)
      if case .numbered = rule { event.attempt = .numbered(Int.random(in: 1...3, using: &random)) }
      event.operation = operations[Int(seed) % operations.count]
      event.state = random.oneIn(5) ? nil : LifecycleState.allCases.randomElement(using: &random)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let kinds: [LifeMark.Kind] = [.begin, .end, .restart]
        let kind = kinds[Int.random(in: 0...2, using: &random)]
        event.marks.append(LifeMark(kind, EventTime(instant(), isVendor: !random.oneIn(4))))
      }
      event.phases = (0..<Int.random(in: 0...4, using: &random)).map { _ in
        let name = ["queue", "wait", "run"][Int.random(in: 0...2, using: &random)]
        switch Int.random(in: 0...4, using: &random) {
        case 0: return PhaseStatement(track: "run", name: name, start: instant())
        case 1: return PhaseStatement(track: "run", name: name, start: instant(), end: instant(), outcome: .success)
        case 2: return PhaseStatement(track: "run", name: name, end: instant(), outcome: .failure)
        case 3: return .seen(track: "run", name: name, at: instant(), earliestStart: random.oneIn(2) ? instant() : nil)
        default: return .opening(track: "run", name: name, start: instant(), ofAttemptAt: instant())
        }
      }
      return event
    }
  }

  private static func subject(of events: [Event]) -> Subject {
    var subject = Subject(key: events[0].key)
    for event in events { _ = subject.add(event) }
    return subject
  }

  @Test("Every phase lies within its attempt, in every order of the facts", arguments: UInt64(0)..<500)
  func within(seed: UInt64) {
    let events = Self.events(seed: seed)
    let subject = Self.subject(of: events)
    let spans = subject.spans()
    var random = SeededRandom(seed: seed &+ 1000)
    for _ in 0..<4 {
      let shuffled = (events + events.filter { _ in random.oneIn(3) }).shuffled(using: &random)
      #expect(Self.subject(of: shuffled).spans() == spans)
    }
    for span in spans {
      for phase in span.phases {
        #expect(phase.start >= span.start)
        if let end = phase.end { #expect(end >= phase.start) }
        guard let spanEnd = span.end else { continue }
        #expect(phase.start <= spanEnd)
        let end = phase.end
        #expect(end != nil && (end ?? spanEnd) <= spanEnd)
      }
    }
    for (number, phases) in subject.phaseSeconds(ofAttempts: spans.map(\.attempt)) {
      #expect(phases.values.allSatisfy { $0 >= 0 }, "attempt \(number)")
    }
  }

  @Test("Counted attempts follow each other, so that no time of theirs counts twice", arguments: UInt64(0)..<500)
  func oneAfterTheOther(seed: UInt64) {
    let spans = Self.subject(of: Self.events(seed: seed * 4 + 1)).spans()
    for (one, next) in zip(spans, spans.dropFirst()) {
      #expect(one.end.map { $0 <= next.start } ?? false, "attempt \(one.attempt)")
    }
  }

  // MARK: Phases that open an attempt

  private static func pipeline(_ marks: [LifeMark], at time: Int64, _ state: LifecycleState, _ phases: [PhaseStatement]) -> Event
  {
    var event = Event(
      key: SubjectKey(source: "gitlab", host: "h", container: "1", kind: "pipeline", id: "1"),
      time: .vendor(Timestamp(seconds: time)), attempt: .counted)
    event.operation = .build
    event.state = state
    event.marks = marks
    event.phases = phases
    return event
  }

  private static func names(_ span: Span) -> [String] {
    span.phases.map { "\($0.name) \($0.start.seconds)-\($0.end.map { "\($0.seconds)" } ?? "?")" }
  }

  @Test("Phases that open an attempt count in the one that they open, and in no other")
  func openings() {
    func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }
    let old = [
      PhaseStatement(track: "run", name: "queue", start: time(0)), PhaseStatement(track: "run", name: "run", start: time(5)),
    ]
    let openings = [
      PhaseStatement.opening(track: "run", name: "queue", start: time(100), ofAttemptAt: time(100)),
      .opening(track: "run", name: "run", start: time(120), ofAttemptAt: time(100)),
    ]
    let begins = [LifeMark.begin(.vendor(time(0))), .begin(.vendor(time(100)))]
    let first = Self.pipeline(
      [.begin(.vendor(time(0))), .end(.vendor(time(50)))], at: 50, .ended,
      old + [PhaseStatement(track: "run", name: "run", end: time(50), outcome: .failure)])
    let second = Self.pipeline(
      begins + [.end(.vendor(time(150)))], at: 150, .ended,
      old + openings + [PhaseStatement(track: "run", name: "run", end: time(150), outcome: .success)])
    #expect(
      Self.subject(of: [second, first]).spans().map(Self.names) == [
        ["queue 0-5", "run 5-50"], ["queue 100-120", "run 120-150"],
      ])
    #expect(Self.subject(of: [second]).spans().map(Self.names) == [["queue 0-5", "run 5-150"]], "one run with a pause in it")
  }
}
