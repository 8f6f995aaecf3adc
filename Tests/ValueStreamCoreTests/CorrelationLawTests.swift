import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks laws 1 to 4 of correlation on generated histories, under every trace strategy.
@Suite("Correlation laws")
struct CorrelationLawTests {
  /// Projects events in batches and returns all spans, sorted.
  static func project(
    _ events: [Event], batch: Int, _ strategy: TraceStrategy = .nested, into store: any SpanStore = MemorySpanStore()
  ) throws -> [TracedSpan] {
    for start in stride(from: 0, to: events.count, by: batch) {
      var projection = Correlation(store: store)
      for event in events[start..<min(start + batch, events.count)] { _ = try projection.take(event) }
      try store.write(projection.finish())
    }
    var reader = TraceReader(store: store, strategy: strategy)
    return try store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects
      .flatMap { try reader.spans(of: $0) }.sorted { ($0.span.key, $0.span.attempt) < ($1.span.key, $1.span.attempt) }
  }

  @Test(
    "Order and batches do not matter: the same spans, parents, links and trace ids", arguments: Seeds.upTo(60),
    TraceStrategy.allCases)
  func order(seed: UInt64, strategy: TraceStrategy) throws {
    let events = EventHistory(seed: seed).events
    let expected = try Self.project(events, batch: events.count, strategy)
    #expect(!expected.isEmpty)
    var random = SeededRandom(seed: seed)
    for batch in [1, 7, 1000] {
      #expect(try Self.project(events.shuffled(using: &random), batch: batch, strategy) == expected, "batches of \(batch)")
    }
  }

  @Test("A trace is found by its id and is whole, in any order", arguments: Seeds.upTo(20), TraceStrategy.allCases)
  func traces(seed: UInt64, strategy: TraceStrategy) throws {
    let events = EventHistory(seed: seed).events
    var random = SeededRandom(seed: seed)
    let stores = [MemorySpanStore(), MemorySpanStore()]
    _ = try Self.project(events, batch: 7, into: stores[0])
    _ = try Self.project(events.shuffled(using: &random), batch: 1, into: stores[1])
    let traces = try TraceChecks.traces(in: stores[0], strategy)
    #expect(!traces.isEmpty)
    #expect(try TraceChecks.traces(in: stores[1], strategy) == traces)
  }

  @Test("Duplicates do not matter", arguments: Seeds.upTo(30), TraceStrategy.allCases)
  func duplicates(seed: UInt64, strategy: TraceStrategy) throws {
    let events = EventHistory(seed: seed).events
    var random = SeededRandom(seed: seed + 1000)
    let repeated = (events + events + events.prefix(10)).shuffled(using: &random)
    #expect(try Self.project(repeated, batch: 5, strategy) == Self.project(events, batch: 9, strategy))
  }

  @Test("A parent may come after its child, and after its own end")
  func lateParent() throws {
    let issue = SubjectKey(source: "github", host: "github.com", container: "1", kind: "issue", id: "1")
    let change = SubjectKey(source: "github", host: "github.com", container: "1", kind: "pull_request", id: "2")
    var child = Event(key: change, time: .vendor(Timestamp(seconds: 5000)), attempt: .counted)
    child.operation = .pullRequest
    child.marks = [.begin(.vendor(Timestamp(seconds: 5000)))]
    child.follows = [FollowStatement(.explicitID, [Reference(.classicID, "vstrace-github-issue-site-1-fix")])]
    var parent = Event(key: issue, time: .vendor(Timestamp(seconds: 2000)), attempt: .counted)
    parent.operation = .issue
    parent.state = .ended
    parent.marks = [.begin(.vendor(Timestamp(seconds: 1000))), .end(.vendor(Timestamp(seconds: 2000)))]
    parent.publishes = [Reference(.classicID, "vstrace-github-issue-site-1")]
    for events in [[child, parent], [parent, child]] {
      let spans = try Self.project(events, batch: 1)
      let tied = try #require(spans.first { $0.span.key == change })
      #expect(tied.traceID == TraceID(root: issue))
      #expect(tied.parentSpanID == SpanID(key: issue, attempt: 1))
      #expect(tied.parent?.rule == .explicitID)
      #expect(tied.parent?.reference == Reference(.classicID, "vstrace-github-issue-site-1"))
      let linked = try #require(try Self.project(events, batch: 1, .linked).first { $0.span.key == change })
      #expect(linked.traceID == TraceID(root: change))
      #expect(linked.parentSpanID == nil)
      #expect(linked.parent == tied.parent)
      let link = TracedLink(
        key: issue, traceID: TraceID(root: issue), spanID: SpanID(key: issue, attempt: 1), rule: "explicit_id",
        name: issue.description)
      #expect(linked.links == [link])
    }
  }

  @Test("What is known by name only becomes one with its full key")
  func fallback() throws {
    let full = SubjectKey(source: "github", host: "github.com", container: "9", kind: "issue", id: "7")
    let named = SubjectKey(source: "github", host: "github.com", container: "=site", kind: "issue", id: "7")
    func event(_ key: SubjectKey, _ second: Int64, _ mark: LifeMark.Kind) -> Event {
      var event = Event(key: key, time: .vendor(Timestamp(seconds: second)), attempt: .counted)
      event.operation = .issue
      event.state = mark == .end ? .ended : .running
      event.marks = [LifeMark(mark, .vendor(Timestamp(seconds: second)))]
      event.publishes = [Reference(.classicID, "vstrace-github-issue-site-7")]
      return event
    }
    let events = [event(named, 100, .begin), event(full, 200, .end)]
    for order in [events, events.reversed()] {
      for batch in [1, 2] {
        let spans = try Self.project(order, batch: batch)
        #expect(spans.map(\.span.key) == [full])
        #expect(spans.first?.span.start == Timestamp(seconds: 100))
        #expect(spans.first?.span.end == Timestamp(seconds: 200))
      }
    }
  }

  @Test("A name of two owners: what is known by it belongs to neither, unless it states the owner", arguments: [false, true])
  func namesake(statesOwner: Bool) throws {
    func key(_ container: String) -> SubjectKey {
      SubjectKey(source: "github", host: "github.com", container: container, kind: "issue", id: "7")
    }
    let (ours, theirs, named) = (key("8"), key("9"), key("=site"))
    func event(_ key: SubjectKey, owner: String?, _ second: Int64, _ mark: LifeMark.Kind) -> Event {
      var event = Event(key: key, time: .vendor(Timestamp(seconds: second)), attempt: .counted)
      event.operation = .issue
      event.owner = owner
      event.state = mark == .end ? .ended : .running
      event.marks = [LifeMark(mark, .vendor(Timestamp(seconds: second)))]
      event.publishes = [Reference(.classicID, "vstrace-github-issue-site-7")]
      return event
    }
    var child = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "8", kind: "run", id: "1"),
      time: .vendor(Timestamp(seconds: 1)), attempt: .counted)
    child.operation = .build
    child.follows = [FollowStatement(.vendorLink, [.key(named)])]
    let events = [
      event(ours, owner: "github.com/acme", 100, .begin), event(theirs, owner: "github.com/zenith", 150, .begin),
      event(named, owner: statesOwner ? "github.com/acme" : nil, 200, .end), child,
    ]
    for batch in [1, 4] {
      for order in events.permutations {
        let spans = try Self.project(order, batch: batch)
        let ends = Dictionary(uniqueKeysWithValues: spans.map { ($0.span.key, $0.span.end) })
        let parent = spans.first { $0.span.key == child.key }?.parent?.parent
        if statesOwner {
          #expect(ends == [ours: Timestamp(seconds: 200), theirs: nil, child.key: nil])
          #expect(parent == ours)
        } else {
          #expect(ends == [ours: nil, theirs: nil, named: Timestamp(seconds: 200), child.key: nil])
          #expect(parent == named)
        }
      }
    }
  }

  @Test("Among things of one name the one of the same owner is meant; a stranger's reference reaches no other owner")
  func owners() throws {
    func subject(_ id: String, owner: String, publishes: String? = nil, follows: String? = nil, reach: ReferenceReach) -> Event {
      var event = Event(
        key: SubjectKey(source: "github", host: "github.com", container: id, kind: "issue", id: "1"),
        time: .vendor(Timestamp(seconds: 1)), attempt: .counted)
      event.operation = .issue
      event.owner = owner
      event.publishes = publishes.map { [Reference(.classicID, $0)] } ?? []
      event.follows = follows.map { [FollowStatement(.explicitID, [Reference(.classicID, $0)], reach: reach)] } ?? []
      return event
    }
    let name = "vstrace-github-issue-site-1"
    let ours = subject("1", owner: "acme", publishes: name, reach: .anywhere)
    let theirs = subject("2", owner: "zenith", publishes: name, reach: .anywhere)
    func parent(_ events: [Event], of id: String) throws -> String? {
      try Self.project(events, batch: 1).first { $0.span.key.description.contains(":\(id):") }?.parent?.parent.description
    }
    for reach in [ReferenceReach.anywhere, .sameOwner] {
      let child = subject("3", owner: "acme", follows: name, reach: reach)
      #expect(try parent([ours, theirs, child], of: "3") == "github:github.com:1:issue:1")
      #expect(try parent([child, theirs, ours], of: "3") == "github:github.com:1:issue:1")
    }
    let stranger = subject("4", owner: "else", follows: name, reach: .sameOwner)
    #expect(try parent([ours, stranger], of: "4") == nil)
    let undecided = subject("5", owner: "else", follows: name, reach: .anywhere)
    #expect(try parent([ours, undecided], of: "5") == "github:github.com:1:issue:1")
    #expect(try parent([ours, undecided, theirs], of: "5") == nil, "two strangers: no guess")
  }

  @Test("A cycle is cut where everybody agrees")
  func cycle() throws {
    func subject(_ id: Int, follows: Int) -> Event {
      var event = Event(
        key: SubjectKey(source: "customhttp", host: "", container: "n", kind: "issue", id: "\(id)"),
        time: .receipt(Timestamp(seconds: 1)), attempt: .counted)
      event.operation = .issue
      event.publishes = [Reference(.customID, "n/\(id)")]
      event.follows = [FollowStatement(.explicitID, [Reference(.customID, "n/\(follows)")])]
      return event
    }
    let spans = try Self.project(
      [subject(1, follows: 2), subject(2, follows: 3), subject(3, follows: 1), subject(4, follows: 2)], batch: 2)
    let root = SubjectKey(source: "customhttp", host: "", container: "n", kind: "issue", id: "1")
    #expect(Set(spans.map(\.traceID)) == [TraceID(root: root)])
    #expect(spans.map { $0.parentSpanID == nil } == [true, false, false, false])
  }

  @Test("A tie is taken back by a later statement that names nothing")
  func takenBack() throws {
    func event(_ id: Int, _ second: Int64, follows: [Int]?) -> Event {
      var event = Event(
        key: SubjectKey(source: "customhttp", host: "", container: "n", kind: "issue", id: "\(id)"),
        time: .vendor(Timestamp(seconds: second)), attempt: .counted)
      event.operation = .issue
      event.publishes = [Reference(.customID, "n/\(id)")]
      if let follows { event.follows = [FollowStatement(.closingWords, follows.map { Reference(.customID, "n/\($0)") })] }
      return event
    }
    let events = [event(1, 1, follows: nil), event(2, 1, follows: [1]), event(2, 2, follows: [])]
    var random = SeededRandom(seed: 5)
    for _ in 0..<6 {
      let spans = try Self.project(events.shuffled(using: &random), batch: 1)
      #expect(spans.allSatisfy { $0.parent == nil })
    }
  }

  @Test("A thing without a span is passed over: what is below it hangs from what is above it", arguments: Seeds.upTo(12))
  func passedOver(seed: UInt64) throws {
    func subject(_ id: Int, follows: Int?, _ operation: ValueStreamCore.Operation?) -> Event {
      func key(_ id: Int) -> SubjectKey {
        SubjectKey(source: "customhttp", host: "", container: "n", kind: "thing", id: "\(id)")
      }
      var event = Event(key: key(id), time: .vendor(Timestamp(seconds: Int64(id))), attempt: .counted)
      event.operation = operation
      event.marks = [.begin(event.time)]
      event.follows = follows.map { [FollowStatement(.vendorLink, [.key(key($0))], attempt: 7)] } ?? []
      return event
    }
    var random = SeededRandom(seed: seed)
    let events = [
      subject(1, follows: nil, nil), subject(2, follows: 1, .issue), subject(3, follows: 2, nil), subject(4, follows: 3, nil),
      subject(5, follows: 4, .deploy),
    ]
    let spans = try Self.project(events.shuffled(using: &random), batch: 1)
    #expect(spans.map(\.span.key.encodedID) == ["2", "5"])
    #expect(Set(spans.map(\.traceID)) == [TraceID(root: events[0].key)], "one that is above all makes the trace")
    #expect(spans.map(\.parentSpanID) == [nil, SpanID(key: events[1].key, attempt: 1)])
    #expect(spans[1].parent == ParentTie(parent: events[1].key, rule: .vendorLink, reference: .key(events[3].key)))
    #expect(spans[0].parent == nil)
  }
}

extension Array {
  /// All orders of the elements.
  fileprivate var permutations: [[Element]] {
    guard count > 1 else { return [self] }
    return indices.flatMap { index -> [[Element]] in
      var rest = self
      let first = rest.remove(at: index)
      return rest.permutations.map { [first] + $0 }
    }
  }
}
