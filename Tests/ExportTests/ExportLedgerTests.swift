import Export
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

/// An exported span keeps its ids, whatever events arrive later.
@Suite("Export ledger")
struct ExportLedgerTests {
  /// A store that tests fill with named subjects.
  final class World: Sendable {
    let store = MemorySpanStore()
    /// The strategy for further exports and reads. Tests change it to simulate a new setting.
    let strategy: Mutex<TraceStrategy>

    init(_ strategy: TraceStrategy = .nested) {
      self.strategy = Mutex(strategy)
    }

    private var reader: TraceReader { TraceReader(store: store, strategy: strategy.withLock { $0 }) }

    static func key(_ name: String) -> SubjectKey {
      SubjectKey(source: "s", host: "", container: "", kind: "k", id: name)
    }

    /// Records that an attempt of a subject has started and ended.
    ///
    /// - Parameters:
    ///   - parents: The subjects that this one follows from now on, in order of preference. Nil leaves its parents unchanged.
    ///   - attempt: The attempt number, counted from 1.
    func tell(
      _ name: String, _ operation: ValueStreamCore.Operation = .build, under parents: [String]? = nil, attempt: Int = 1,
      parentAttempt: Int? = nil, linkedTo links: [String] = []
    ) throws {
      let start = Timestamp(seconds: Int64(attempt) * 100)
      var event = Event(key: Self.key(name), time: .vendor(start), attempt: .numbered(attempt))
      event.operation = operation
      event.links = links.map { LinkStatement(.key(Self.key($0)), rule: "after") }
      event.marks = [.begin(.vendor(start)), .end(.vendor(start.advanced(byNanoseconds: 1_000_000_000)))]
      if let parents {
        event.time = .vendor(Timestamp(seconds: 1000 + Int64(parents.count)))
        event.follows = [
          FollowStatement(.vendorLink, parents.map { Reference.key(Self.key($0)) }, attempt: parentAttempt)
        ]
      }
      var correlation = Correlation(store: store)
      _ = try correlation.take(event)
      store.write(correlation.finish())
    }

    /// Exports one attempt.
    @discardableResult
    func export(_ name: String, attempt: Int = 1) throws -> TracedSpan {
      let outboxEntry = OutboxEntry(key: Self.key(name), attempt: attempt, time: .epoch)
      let ledger = ExportLedger(store: store, strategy: strategy.withLock { $0 })
      return try #require(try ledger.spans(of: [outboxEntry]).first ?? nil)
    }

    func read(_ name: String, attempt: Int = 1) throws -> TracedSpan {
      var reader = reader
      return try #require(try reader.spans(of: Self.key(name)).first { $0.span.attempt == attempt })
    }
  }

  static func trace(_ root: String) -> TraceID { TraceID(root: World.key(root)) }
  static func span(_ name: String, attempt: Int = 1) -> SpanID { SpanID(key: World.key(name), attempt: attempt) }

  @Test("A tree that grows a root after part of it went out keeps its trace id")
  func newRoot() throws {
    let world = World()
    try world.tell("change")
    #expect(try world.export("change").traceID == Self.trace("change"))
    try world.tell("issue")
    #expect(try world.read("issue").traceID == Self.trace("issue"))
    try world.tell("change", under: ["issue"])
    try world.tell("build", under: ["change"])
    for name in ["build", "issue"] {
      #expect(try world.read(name).traceID == Self.trace("change"), "\(name), before")
      #expect(try world.export(name).traceID == Self.trace("change"), "\(name)")
    }
    #expect(try world.read("build").parentSpanID == Self.span("change"))
    #expect(try world.read("change").parentSpanID == nil, "as it went out")
    #expect(try world.read("change").parent?.parent == World.key("issue"), "as it is known")
  }

  @Test("What lies between an exported span and its root keeps the trace when it moves elsewhere")
  func movedAncestor() throws {
    let world = World()
    try world.tell("first")
    try world.tell("second")
    try world.tell("change", under: ["first"])
    try world.tell("build", under: ["change"])
    try world.export("build")
    try world.tell("change", under: ["second", "first"])
    #expect(try world.read("change").parent?.parent == World.key("second"))
    let change = try world.export("change")
    #expect(change.traceID == Self.trace("first"), "or the build would lose its parent")
    #expect(change.parentSpanID == Self.span("second"))
    #expect(try world.export("second").traceID == Self.trace("first"), "nothing of it had gone out: it joins")
  }

  @Test("Two exported trees that turn out to be one stay two, with a link")
  func twoTrees() throws {
    let world = World()
    try world.tell("issue")
    try world.tell("change")
    try world.tell("build", under: ["change"])
    try world.export("issue")
    try world.export("build")
    try world.tell("change", under: ["issue"])
    let change = try world.export("change")
    #expect(change.traceID == Self.trace("change"))
    #expect(change.parentSpanID == nil)
    #expect(
      change.links == [
        TracedLink(
          key: World.key("issue"), traceID: Self.trace("issue"), spanID: Self.span("issue"), rule: "vendor_link",
          name: World.key("issue").description)
      ])
    #expect(change.parent?.parent == World.key("issue"))
  }

  @Test("A second exporter, and a repetition after a crash, get what the first got")
  func again() throws {
    let world = World()
    try world.tell("issue")
    try world.tell("change", under: ["issue"])
    let first = try world.export("change")
    #expect(first.parentSpanID == Self.span("issue"))
    try world.tell("other")
    try world.tell("change", under: ["other", "issue"])
    let second = try world.export("change")
    #expect(second.traceID == first.traceID)
    #expect(second.parentSpanID == first.parentSpanID)
  }

  @Test("The attempt that the vendor names is the parent, else the one that ran")
  func attempts() throws {
    let world = World()
    try world.tell("run", attempt: 1)
    try world.tell("run", attempt: 2)
    try world.tell("early", under: ["run"], attempt: 1, parentAttempt: 2)
    try world.tell("late", under: ["run"], attempt: 3)
    try world.tell("unheard", under: ["run"], attempt: 1, parentAttempt: 7)
    #expect(try world.read("early").parentSpanID == Self.span("run", attempt: 2))
    #expect(try world.read("late", attempt: 3).parentSpanID == Self.span("run", attempt: 2))
    #expect(try world.read("unheard").parentSpanID == Self.span("run", attempt: 1))
  }

  @Test("In a cycle everybody agrees on the trace")
  func cycle() throws {
    let world = World()
    try world.tell("a", under: ["b"])
    try world.tell("b", under: ["c"])
    try world.tell("c", under: ["a"])
    for name in ["c", "a", "b"] { #expect(try world.export(name).traceID == Self.trace("a")) }
    #expect(try world.read("a").parentSpanID == nil)
    #expect(try world.read("c").parentSpanID == Self.span("a"))
  }

  // MARK: Strategy linked

  @Test("Under linked a run keeps the trace of its own key, whatever was heard of first")
  func runs() throws {
    let world = World(.linked)
    try world.tell("early", .job)
    #expect(try world.export("early").traceID == Self.trace("early"))
    try world.tell("change", .pullRequest)
    try world.tell("run", under: ["change"])
    try world.tell("early", .job, under: ["run"])
    try world.tell("late", .job, under: ["run"])
    #expect(try world.export("late").traceID == Self.trace("run"))
    #expect(try world.export("late").parentSpanID == Self.span("run"))
    let run = try world.export("run")
    #expect(run.traceID == Self.trace("run"))
    #expect(run.parentSpanID == nil)
    #expect(run.parent?.parent == World.key("change"))
    #expect(
      run.links == [
        TracedLink(
          key: World.key("change"), traceID: Self.trace("change"), spanID: Self.span("change"), rule: "vendor_link",
          name: World.key("change").description, change: LinkedChange())
      ])
    #expect(try world.read("early").traceID == Self.trace("early"), "as it went out")
    #expect(try world.read("early").links.map(\.key) == [World.key("run")])
  }

  @Test("What a link names keeps its trace, whatever root it gets")
  func targets() throws {
    let world = World(.linked)
    try world.tell("job", .job)
    try world.tell("deploy", .deploy, under: ["job"])
    let link = try #require(try world.export("deploy").links.first)
    #expect(link.traceID == Self.trace("job"))
    try world.tell("run")
    try world.tell("job", .job, under: ["run"])
    #expect(try world.export("job").traceID == link.traceID)
  }

  @Test("So does what lies between it and the root of its trace", arguments: TraceStrategy.allCases)
  func aboveTargets(strategy: TraceStrategy) throws {
    let world = World(strategy)
    try world.tell("outer", "night")
    try world.tell("inner", "step", under: ["outer"])
    try world.tell("deploy", .deploy, linkedTo: ["inner"])
    #expect(try world.export("deploy").links.map(\.traceID) == [Self.trace("outer")])
    try world.tell("plan", "night")
    try world.export("plan")
    try world.tell("outer", "night", under: ["plan"])
    try world.tell("sibling", "step", under: ["outer"])
    for name in ["inner", "sibling", "outer"] { #expect(try world.export(name).traceID == Self.trace("outer"), "\(name)") }
  }

  @Test("A store that changes its strategy keeps what went out under the one before")
  func change() throws {
    let world = World(.nested)
    try world.tell("issue", .issue)
    try world.tell("change", .pullRequest, under: ["issue"])
    try world.tell("run", under: ["change"])
    try world.tell("first", .job, under: ["run"])
    try world.export("first")
    world.strategy.withLock { $0 = .linked }
    try world.tell("second", .job, under: ["run"])
    try world.tell("again", under: ["change"])
    for name in ["first", "second", "run", "change", "issue"] {
      #expect(try world.export(name).traceID == Self.trace("issue"), "\(name)")
    }
    #expect(try world.read("run").parentSpanID == Self.span("change"), "in one trace it is no link")
    #expect(try world.read("again").traceID == Self.trace("again"))
    #expect(try world.export("again").links.map(\.traceID) == [Self.trace("issue")])
    world.strategy.withLock { $0 = .nested }
    #expect(try world.read("again").traceID == Self.trace("again"))
    try world.tell("third", .job, under: ["again"])
    #expect(try world.export("third").traceID == Self.trace("again"))
  }

  /// Interleaves events and exports at random. Each exported span has a parent in its own trace or none, and an exported span
  /// never changes.
  @Test("Exports between the events of a history never contradict each other", arguments: 0..<40, TraceStrategy.allCases)
  func law(seed: Int, strategy: TraceStrategy) throws {
    var random = SeededRandom(seed: UInt64(seed))
    let store = MemorySpanStore()
    let ledger = ExportLedger(store: store, strategy: strategy)
    var exported: [SpanID: TracedSpan] = [:]
    for event in EventHistory(seed: UInt64(seed)).events {
      var correlation = Correlation(store: store)
      let key = try correlation.take(event).key
      store.write(correlation.finish())
      guard random.oneIn(3) else { continue }
      for span in store.subjects([key])[key]?.spans() ?? [] where span.isFinished && exported[span.id] == nil {
        exported[span.id] = try ledger.spans(of: [OutboxEntry(key: key, attempt: span.attempt, time: .epoch)]).first ?? nil
      }
    }
    #expect(!exported.isEmpty)
    var reader = TraceReader(store: store, strategy: strategy)
    for (id, span) in exported {
      for link in span.links {
        // A subject under a fallback key may get another key later, which changes its span ids.
        guard let target = try reader.spans(of: link.key).first(where: { $0.span.id == link.spanID }) else { continue }
        #expect(target.traceID == link.traceID, "\(span.span.key) to \(link.key)")
      }
      if let parent = span.parentSpanID, let sent = exported[parent] {
        #expect(sent.traceID == span.traceID, "\(span.span.key) under \(sent.span.key)")
      }
      guard let now = try reader.spans(of: span.span.key).first(where: { $0.span.id == id }) else { continue }
      #expect(now.traceID == span.traceID)
      #expect(now.parentSpanID == span.parentSpanID)
    }
  }

  @Test(
    "Traces are whole, and found by what went out, whatever is exported between deliveries and by which strategies",
    arguments: Seeds.upTo(20), TraceStrategy.allCases)
  func wholeTraces(seed: UInt64, strategy: TraceStrategy) throws {
    let store = MemorySpanStore()
    var random = SeededRandom(seed: seed)
    for event in EventHistory(seed: seed, subjects: 16, events: 80).events {
      var correlation = Correlation(store: store)
      _ = try correlation.take(event)
      store.write(correlation.finish())
      let subject = store.subjects(matching: SubjectFilter(), after: nil, limit: 100).subjects.randomElement(using: &random)
      guard random.oneIn(4), let subject, let finished = subject.spans().first(where: \.isFinished) else { continue }
      let former = random.oneIn(3) ? TraceStrategy.allCases.randomElement(using: &random) ?? strategy : strategy
      _ = try ExportLedger(store: store, strategy: former)
        .spans(of: [OutboxEntry(key: subject.key, attempt: finished.attempt, time: .epoch)])
    }
    #expect(try !TraceChecks.traces(in: store, strategy).isEmpty)
  }
}
