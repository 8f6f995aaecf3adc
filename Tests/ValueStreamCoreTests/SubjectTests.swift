import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Spans of a thing")
struct SubjectTests {
  static let key = SubjectKey(source: "github", host: "github.com", container: "1", kind: "issue", id: "1")

  static func time(_ minute: Int) -> Timestamp { Timestamp(seconds: Int64(1_700_000_000 + minute * 60)) }

  static func event(
    at minute: Int, _ attempt: AttemptRule = .counted, state: LifecycleState? = nil, marks: [LifeMark] = [],
    isVendor: Bool = true, change: (inout Event) -> Void = { _ in }
  ) -> Event {
    var event = Event(key: key, time: EventTime(time(minute), isVendor: isVendor), attempt: attempt)
    event.operation = .issue
    event.state = state
    event.marks = marks
    change(&event)
    return event
  }

  static func begin(_ minute: Int) -> LifeMark { .begin(.vendor(time(minute))) }
  static func end(_ minute: Int) -> LifeMark { .end(.vendor(time(minute))) }
  static func restart(_ minute: Int) -> LifeMark { .restart(.vendor(time(minute))) }

  /// Returns the spans of the events, and fails if any of 24 orders gives different spans.
  static func spans(_ events: Event...) -> [Span] {
    var results: Set<[Span]> = []
    var random = SeededRandom(seed: 1)
    for round in 0..<24 {
      var subject = Subject(key: key)
      for event in round == 0 ? events : (events + events.shuffled(using: &random)).shuffled(using: &random) {
        _ = subject.add(event)
      }
      results.insert(subject.spans())
    }
    #expect(results.count == 1, "the order matters")
    return results.first ?? []
  }

  static func minutes(_ spans: [Span]) -> [String] {
    spans.map { span in
      let minute = { (time: Timestamp) in String((time.seconds - 1_700_000_000) / 60) }
      return minute(span.start) + "-" + (span.end.map(minute) ?? "")
    }
  }

  @Test("Opened and closed is one attempt")
  func oneAttempt() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]),
      Self.event(at: 9, state: .ended, marks: [Self.begin(0), Self.end(9)]) { $0.outcome = .completed })
    #expect(Self.minutes(spans) == ["0-9"])
    #expect(spans.first?.outcome == .completed)
  }

  @Test("An end alone is enough, and knows the beginning the payload tells")
  func endAlone() {
    let spans = Self.spans(Self.event(at: 9, state: .ended, marks: [Self.begin(0), Self.end(9)]))
    #expect(Self.minutes(spans) == ["0-9"])
    #expect(spans.first?.isStartUnknown == false)
  }

  @Test("Where the beginning is unknown the span says so")
  func unknownStart() {
    let spans = Self.spans(Self.event(at: 9, state: .ended, marks: [Self.end(9)]))
    #expect(Self.minutes(spans) == ["9-9"])
    #expect(spans.first?.attributes.value(of: "valuestream.start.unknown") == .bool(true))
  }

  @Test("An end that stands in for one that nobody told is unknown, and yields to a real one")
  func standIn() {
    let open = Self.event(at: 0, state: .running, marks: [Self.begin(0)])
    let seen = Self.event(at: 30, state: .ended, marks: [Self.begin(0), .end(.receipt(Self.time(30)))]) { event in
      event.phases = [PhaseStatement(track: "status", name: "Doing", start: Self.time(5))]
    }
    let spans = Self.spans(open, seen)
    #expect(Self.minutes(spans) == ["0-30"])
    #expect(spans.map(\.isEndUnknown) == [true])
    #expect(spans.first?.attributes.value(of: "valuestream.end.unknown") == .bool(true))
    var subject = Subject(key: Self.key)
    for event in [open, seen] { _ = subject.add(event) }
    #expect(subject.outlines().map(\.isEndUnknown) == [true])
    #expect(subject.phaseSeconds(ofAttempts: [1]).isEmpty, "nobody knows how long it was done")
    let known = Self.spans(open, seen, Self.event(at: 20, state: .ended, marks: [Self.end(20)]))
    #expect(Self.minutes(known) == ["0-20"])
    #expect(known.map(\.isEndUnknown) == [false])
  }

  @Test("A time of receipt of what carries no time is an end that is known: a script says it when it happens")
  func scriptedEnd() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]),
      Self.event(at: 9, state: .ended, marks: [.end(.receipt(Self.time(9)))], isVendor: false))
    #expect(Self.minutes(spans) == ["0-9"])
    #expect(spans.map(\.isEndUnknown) == [false])
  }

  @Test("What an overruled end said of the outcome is gone, the rest of it stays")
  func overruledEnd() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]),
      Self.event(at: 5, state: .ended, marks: [Self.end(5)]) { event in
        event.outcome = .failure
        event.attributes = [Attribute("error.type", "oom"), Attribute("cicd.worker.name", "w1")]
      },
      Self.event(at: 9, state: .ended, marks: [Self.end(9)]) { $0.outcome = .success })
    #expect(spans.map(\.outcome) == [.success])
    #expect(spans.first?.attributes.value(of: "error.type") == nil)
    #expect(spans.first?.attributes.value(of: "cicd.worker.name") == .string("w1"))
  }

  @Test(
    "Of two moves at one moment the one that leads on counts last, in phases and in attributes", arguments: ["Alpha", "Zulu"])
  func twoMovesAtOnce(passed: String) {
    func move(_ from: String, _ to: String) -> Event {
      Self.event(at: 5, state: .running, marks: [Self.begin(0)]) { event in
        event.attributes = [Attribute("valuestream.issue.status", .string(to))]
        event.phases = [
          PhaseStatement(track: "status", name: from, end: Self.time(5)),
          PhaseStatement(track: "status", name: to, start: Self.time(5)),
        ]
      }
    }
    let created = Self.event(at: 0, state: .running, marks: [Self.begin(0)]) { event in
      event.phases = [PhaseStatement(track: "status", name: "New", start: Self.time(0))]
    }
    let spans = Self.spans(created, move("New", passed), move(passed, "Mike"))
    #expect(spans.first?.attributes.value(of: "valuestream.issue.status") == .string("Mike"))
    #expect(spans.first?.phases.map(\.name) == ["New", passed, "Mike"])
    #expect(spans.first?.phases.map { $0.end == nil } == [false, false, true])
  }

  @Test("Opened again is another attempt")
  func reopened() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]),
      Self.event(at: 5, state: .ended, marks: [Self.begin(0), Self.end(5)]) { $0.outcome = .notPlanned },
      Self.event(at: 8, state: .running, marks: [Self.begin(0), Self.restart(8)]),
      Self.event(at: 20, state: .ended, marks: [Self.begin(0), Self.end(20)]) { $0.outcome = .completed })
    #expect(Self.minutes(spans) == ["0-5", "8-20"])
    #expect(spans.map(\.outcome) == [.notPlanned, .completed])
  }

  @Test("Opened again although the close was missed: the first attempt is over, its end unknown")
  func reopenedAfterMissedClose() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]),
      Self.event(at: 8, state: .running, marks: [Self.begin(0), Self.restart(8)]))
    #expect(Self.minutes(spans) == ["0-8", "8-"])
    #expect(spans.first?.isEndUnknown == true)
  }

  @Test("Seen running after its end: it was opened again, although nobody said so")
  func seenRunning() {
    let spans = Self.spans(
      Self.event(at: 5, state: .ended, marks: [Self.begin(0), Self.end(5)]),
      Self.event(at: 7, state: .running, marks: [Self.begin(0)]))
    #expect(Self.minutes(spans) == ["0-5", "7-"])
    #expect(spans.last?.isStartUnknown == true)
  }

  @Test("A script that says start and end twice means two runs; start twice means one")
  func scripts() {
    let receipt = { (minute: Int) in EventTime.receipt(Self.time(minute)) }
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [.begin(receipt(0))], isVendor: false),
      Self.event(at: 1, state: .running, marks: [.begin(receipt(1))], isVendor: false),
      Self.event(at: 2, state: .ended, marks: [.end(receipt(2))], isVendor: false),
      Self.event(at: 3, state: .running, marks: [.begin(receipt(3))], isVendor: false))
    #expect(Self.minutes(spans) == ["0-2", "3-"])
  }

  @Test("A time of receipt never competes with a vendor's")
  func receiptLoses() {
    let spans = Self.spans(
      Self.event(at: 30, state: .running, marks: [.begin(.receipt(Self.time(30)))], isVendor: false),
      Self.event(at: 9, state: .ended, marks: [Self.begin(0), Self.end(9)]))
    #expect(Self.minutes(spans) == ["0-9"])
  }

  @Test("Numbered runs are told apart by their numbers, and a later state beats a later time")
  func numbered() {
    let spans = Self.spans(
      Self.event(at: 1, .numbered(1), state: .created, marks: [Self.begin(0)]),
      Self.event(at: 9, .numbered(1), state: .running, marks: [Self.begin(0)]) { $0.attributes = [Attribute("s", "late")] },
      Self.event(at: 5, .numbered(1), state: .ended, marks: [Self.begin(0), Self.end(5)]) {
        $0.outcome = .failure
        $0.attributes = [Attribute("s", "ended")]
      },
      Self.event(at: 12, .numbered(2), state: .ended, marks: [Self.begin(10), Self.end(12)]) { $0.outcome = .success })
    #expect(Self.minutes(spans) == ["0-5", "10-12"])
    #expect(spans.map(\.outcome) == [.failure, .success])
    #expect(spans.first?.attributes.value(of: "s") == "ended")
  }

  @Test("The newest statement of a fact counts, at equal times the same one every time")
  func registers() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]) { $0.name = "old" },
      Self.event(at: 3, state: .running, marks: [Self.begin(0)]) { $0.name = "new" },
      Self.event(at: 3, state: .running, marks: [Self.begin(0)]) { $0.attributes = [Attribute("a", 1)] },
      Self.event(at: 3, state: .running, marks: [Self.begin(0)]) { $0.attributes = [Attribute("a", 2)] })
    #expect(spans.first?.name == "new")
  }

  @Test("A name that says no more than the key gives way to any other, however old")
  func plainName() {
    let named = Self.event(at: 0, state: .running, marks: [Self.begin(0)]) { $0.name = "Blank page" }
    let plain = Self.event(at: 3, state: .ended, marks: [Self.end(3)]) { $0.name = "1/1" }
    #expect(Self.spans(named, plain).first?.name == "Blank page")
    #expect(Self.spans(plain).first?.name == "1/1")
    let key = SubjectKey(source: "customhttp", host: "", container: "acme/site", kind: "deploy", id: "a:b %")
    #expect(key.plainName == "acme/site/a:b %")
    #expect(SubjectKey(source: "customhttp", host: "", container: "", kind: "deploy", id: "7").plainName == "7")
  }

  @Test("A key knows its plain name without making it")
  func hasPlainName() {
    let parts = ["", "a", "ab", "a/b", "=a", "é", "%", "7"]
    var keys = parts.flatMap { container in
      parts.map { SubjectKey(source: "github", host: "h", container: container, kind: "issue", id: $0 + "1") }
    }
    keys += ["a:b", "", "a:b:%zz:d:e", "a:b:c:d:%C3", "a:b::d:e"].map { SubjectKey(encoded: $0) }
    let names = Set(keys.map(\.plainName) + keys.map(\.description) + ["", "/", "a/", "/a1", "a/b/1", "e\u{301}1", "\u{e9}1"])
    for key in keys { for name in names { #expect(key.hasPlainName(name) == (name == key.plainName), "\(key), \(name)") } }
  }

  /// The attributes that the semantic conventions define for an end, by operation and outcome.
  static let conclusions: [(Operation, pipeline: String?, Outcome, [String: String])] = [
    (.build, nil, .success, ["cicd.pipeline.result": "success"]),
    (.build, "CI", .failure, ["cicd.pipeline.result": "failure", "error.type": "failure"]),
    (.build, "CI", .timeout, ["cicd.pipeline.result": "timeout", "error.type": "timeout"]),
    (.build, "CI", .actionRequired, ["cicd.pipeline.result": "skip"]),
    (.build, "CI", .stale, ["cicd.pipeline.result": "cancellation"]),
    (.job, "CI", .error, ["cicd.pipeline.task.run.result": "error", "error.type": "error"]),
    (.job, nil, .skip, ["cicd.pipeline.task.run.result": "skip"]),
    (.deploy, nil, .success, ["deployment.status": "succeeded"]),
    (.deploy, nil, .error, ["deployment.status": "failed"]), (.deploy, nil, .cancellation, [:]),
    (
      .deploy, "Deploy site", .failure,
      ["cicd.pipeline.result": "failure", "error.type": "failure", "deployment.status": "failed"]
    ),
    (.issue, nil, .completed, [:]), (.pullRequest, nil, .merged, [:]), ("backup", nil, .failure, [:]),
  ]

  @Test("The end is also told in the words of the semantic conventions", arguments: conclusions.indices)
  func conventions(number: Int) {
    let (operation, pipeline, outcome, expected) = Self.conclusions[number]
    let spans = Self.spans(
      Self.event(at: 0, marks: [Self.begin(0)]) { event in
        event.operation = operation
        event.attributes.add("cicd.pipeline.name", pipeline)
      },
      Self.event(at: 5, state: .ended, marks: [Self.end(5)]) { event in
        event.operation = operation
        event.outcome = outcome
      })
    let told = spans[0].attributes.filter { $0.name != "cicd.pipeline.name" }
    #expect(Dictionary(uniqueKeysWithValues: told.map { ($0.name, $0.value) }) == expected.mapValues(AttributeValue.string))
  }

  @Test("What the source itself states of the end is left as it is, and before the end nothing is said")
  func statedConventions() {
    let spans = Self.spans(
      Self.event(at: 5, state: .ended, marks: [Self.begin(0), Self.end(5)]) { event in
        event.operation = .build
        event.outcome = .failure
        event.attributes = [Attribute("error.type", "unstable"), Attribute("cicd.pipeline.result", "error")]
      })
    #expect(spans[0].attributes == [Attribute("cicd.pipeline.result", "error"), Attribute("error.type", "unstable")])
    let running = Self.spans(Self.event(at: 0, marks: [Self.begin(0)]) { $0.operation = .build })
    #expect(running[0].attributes.isEmpty)
  }

  @Test("Two clocks that are a little apart make no second run of one")
  func clocksApart() {
    let key = SubjectKey(source: "customhttp", host: "", container: "shop", kind: "deploy", id: "1")
    func attempts(_ begin: EventTime, _ end: EventTime) -> [Span] {
      var subject = Subject(key: key)
      for (time, mark, state) in [(begin, LifeMark.begin(begin), LifecycleState.running), (end, .end(end), .ended)] {
        var event = Event(key: key, time: time, attempt: .counted)
        (event.operation, event.marks, event.state) = (.deploy, [mark], state)
        _ = subject.add(event)
      }
      return subject.spans()
    }
    let whole = Timestamp(seconds: 1_710_000_000)
    let late = whole.advanced(bySeconds: 0.7)
    #expect(attempts(.receipt(late), .vendor(whole)).map(\.end) == [whole])
    #expect(attempts(.vendor(late), .vendor(whole)).map(\.end) == [whole])
    #expect(attempts(.receipt(whole.advanced(bySeconds: 3)), .vendor(whole)).count == 2)
    #expect(attempts(.vendor(whole.advanced(bySeconds: 1)), .vendor(whole)).count == 2)
  }

  @Test("Phases of a track follow each other; ends that were told are kept")
  func phases() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]) {
        $0.phases = [PhaseStatement(track: "status", name: "draft", start: Self.time(0))]
      },
      Self.event(at: 4, state: .running) {
        $0.phases = [
          PhaseStatement(track: "status", name: "draft", end: Self.time(4)),
          PhaseStatement(track: "status", name: "review", start: Self.time(4)),
        ]
      },
      Self.event(at: 10, state: .ended, marks: [Self.begin(0), Self.end(10)]) {
        $0.phases = [PhaseStatement(track: "queue", name: "waiting", start: Self.time(1), end: Self.time(2), outcome: .skip)]
      })
    let phases = spans.first?.phases.map {
      "\($0.name) \(Self.time(0) <= $0.start) \($0.end.map { $0.seconds(since: Self.time(0)) / 60 } ?? -1)"
    }
    #expect(phases == ["draft true 4.0", "waiting true 2.0", "review true 10.0"])
  }

  @Test("A phase whose beginning was missed still ends")
  func phaseEndAlone() {
    let spans = Self.spans(
      Self.event(at: 0, state: .running, marks: [Self.begin(0)]),
      Self.event(at: 4, state: .running) { $0.phases = [PhaseStatement(track: "status", name: "draft", end: Self.time(4))] })
    #expect(spans.first?.phases.map(\.start) == [Self.time(0)])
    #expect(spans.first?.phases.map(\.end) == [Self.time(4)])
  }

  @Test("What is stored is read back as it was")
  func encoding() throws {
    var subject = Subject(key: Self.key)
    _ = subject.add(
      Self.event(at: 1, .numbered(3), state: .ended, marks: [Self.begin(0), Self.restart(1), .end(.receipt(Self.time(2)))]) {
        $0.name = "näme 🚀"
        $0.owner = "o"
        $0.project = ""
        $0.outcome = .actionRequired
        $0.attributes = [
          Attribute("a", "x"), Attribute("b", -5), Attribute("c", .double(.infinity)), Attribute("d", true),
          Attribute("e", .strings(["", "y", "\u{E9}\u{65}", "\u{65}\u{301}"])), Attribute("f", .null, vocabulary: .classic),
          Attribute("g", .int(.min)),
        ]
        $0.phases = [PhaseStatement(track: "t", name: "n", start: Self.time(1), end: nil, outcome: .stale)]
        $0.spanEvents = [SpanEvent(name: "m", time: Timestamp(nanoseconds: 1), attributes: [Attribute("z", false)])]
        $0.publishes = [Reference(.commit, "abc")]
        $0.follows = [FollowStatement(.closingWords, [Reference(.issue, "x#1")], reach: .sameOwner)]
        $0.links = [LinkStatement(Reference(.classicID, "c"), rule: "deploys")]
      })
    subject.parent = ParentTie(parent: Self.key, rule: .vendorLink, reference: Reference(.key, "k"))
    subject.outboxAttempts = [1, 3]
    subject.gaugeShares = [
      GaugeShare(.activeOperations, labels: ["issue", "github", "p"], count: 2), GaugeShare(.changes, labels: [], count: -1),
    ]
    subject.classic.latestSpanID = 7
    subject.classic.open = ClassicState.OpenSpan(
      traceID: 1, spanID: 2, parentID: 3, eventSource: "github", type: "issue", state: "opened", start: .vendor(Self.time(0)),
      received: Self.time(1), tags: [Attribute("service", "github", vocabulary: .classic)])
    let bytes = subject.encoded()
    #expect(try Subject(key: Self.key, encoded: bytes) == subject)
    for count in 0..<bytes.count {
      #expect(throws: StoreError.self, "cut to \(count)") { try Subject(key: Self.key, encoded: Array(bytes.prefix(count))) }
    }
    var newer = bytes
    newer[0] = 200
    let error = #expect(throws: StoreError.self) { try Subject(key: Self.key, encoded: newer) }
    #expect(error?.code == .newerVersion)
  }

  @Test("Damaged bytes give an error or another subject, never a crash")
  func damage() {
    var random = SeededRandom(seed: 3)
    var subject = Subject(key: Self.key)
    _ = subject.add(Self.event(at: 1, state: .running, marks: [Self.begin(0)]) { $0.name = "name" })
    let bytes = subject.encoded()
    for _ in 0..<5000 {
      var damaged = bytes
      for _ in 0..<3 { damaged[Int.random(in: 0..<damaged.count, using: &random)] = .random(in: 0...255, using: &random) }
      _ = try? Subject(key: Self.key, encoded: damaged).spans()
    }
  }

  @Test("A name that scripts use again and again keeps its newest runs, under the numbers they had")
  func manyRuns() {
    var subject = Subject(key: Self.key)
    var announced: Set<Int> = []
    for run in 0..<800 {
      let (start, end) = (EventTime.receipt(Self.time(run * 2)), EventTime.receipt(Self.time(run * 2 + 1)))
      _ = subject.add(Self.event(at: run * 2, state: .running, marks: [.begin(start)], isVendor: false))
      _ = subject.add(Self.event(at: run * 2 + 1, state: .ended, marks: [.end(end)], isVendor: false))
      let ended = subject.outlines().filter { $0.end != nil }.map(\.number)
      announced.formUnion(ended)
      subject.outboxAttempts = Set(subject.outboxAttempts).union(ended).sorted()
    }
    #expect(announced == Set(1...800))
    #expect(subject.outboxAttempts.count < 520, "what was announced of runs that were left out is forgotten")
    let spans = subject.spans()
    #expect(spans.last?.attempt == 800)
    #expect(Self.minutes(spans).suffix(2) == ["1596-1597", "1598-1599"])
    #expect(spans.count > 450)
  }

  @Test("Another projection of fewer of its facts takes over the numbers")
  func numbersOfAnotherProjection() {
    func subject(_ runs: Range<Int>) -> Subject {
      var subject = Subject(key: Self.key)
      for run in runs {
        let (start, end) = (EventTime.receipt(Self.time(run * 2)), EventTime.receipt(Self.time(run * 2 + 1)))
        _ = subject.add(Self.event(at: run * 2, state: .running, marks: [.begin(start)], isVendor: false))
        _ = subject.add(Self.event(at: run * 2 + 1, state: .ended, marks: [.end(end)], isVendor: false))
      }
      return subject
    }
    let first = subject(0..<700)
    var second = subject(600..<710)
    second.outboxAttempts = [1, 2]
    second.takeNumbers(of: first)
    #expect(second.outlines().map(\.number) == Array(601...710))
    #expect(second.outboxAttempts == [601, 602])
    var same = second
    same.takeNumbers(of: first)
    #expect(same == second)
    var younger = subject(0..<10)
    younger.takeNumbers(of: second)
    #expect(younger.outlines().map(\.number) == Array(1...10), "nothing in common")
  }

  @Test("A thing does not grow without bound")
  func factLimit() {
    var subject = Subject(key: Self.key)
    _ = subject.add(Self.event(at: 0, state: .running, marks: [Self.begin(0)]))
    for minute in 1...(Subject.factLimit + 50) { _ = subject.add(Self.event(at: minute, state: .running)) }
    _ = subject.add(Self.event(at: 5000, state: .ended, marks: [Self.end(5000)]))
    #expect(subject.encoded().count < 100_000)
    #expect(subject.spans().first?.attributes.value(of: "valuestream.facts.dropped") != nil)
    #expect(Self.minutes(subject.spans()).last?.hasSuffix("-5000") == true)
  }
}
