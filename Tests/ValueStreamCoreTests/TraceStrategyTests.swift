import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks which spans share a trace under each strategy.
@Suite("Trace strategies")
struct TraceStrategyTests {
  static func key(_ number: Int) -> SubjectKey {
    SubjectKey(source: "s", host: "", container: "", kind: "thing", id: "\(number)")
  }

  /// A subject whose parent is the subject with the previous number.
  static func subject(_ number: Int, _ operation: ValueStreamCore.Operation?, links: [LinkStatement] = []) -> Event {
    var event = Event(key: key(number), time: .vendor(Timestamp(seconds: Int64(number))))
    event.operation = operation
    event.marks = [.begin(event.time)]
    event.follows = [FollowStatement(.vendorLink, [.key(key(number - 1))])]
    event.links = links
    return event
  }

  struct Tree: CustomTestStringConvertible {
    /// The operations from the root down; nil for a subject without a span.
    var operations: [ValueStreamCore.Operation?]
    /// The index of the root of each subject under the strategy `linked`; -1 for a subject without a span.
    var roots: [Int]

    var testDescription: String { operations.map { $0?.rawValue ?? "-" }.joined(separator: " > ") }
  }

  static let trees = [
    Tree(operations: [.issue, .pullRequest, .build, .job, .job], roots: [0, 1, 2, 2, 2]),
    Tree(operations: [.issue, .issue], roots: [0, 1]),
    Tree(operations: [.sprint, .incident, .deploy, .job, "step"], roots: [0, 1, 2, 2, 2]),
    Tree(operations: [.build, .build, .job], roots: [0, 1, 1]),
    Tree(operations: [.build, .job, .deploy], roots: [0, 0, 2]),
    Tree(operations: [.pullRequest, .job], roots: [0, 1]),
    Tree(operations: ["night", "backup", .environment, "backup"], roots: [0, 0, 2, 3]),
    Tree(operations: [nil, .build, nil, nil, .job], roots: [-1, 1, -1, -1, 1]),
    Tree(operations: [.release, nil, .job, nil, "step"], roots: [0, -1, 2, -1, 2]),
  ]

  @Test("Under linked a trace is a change alone, or a run with its parts; a tie between two is a link", arguments: trees)
  func roots(tree: Tree) throws {
    let events = tree.operations.enumerated().map { Self.subject($0.offset, $0.element) }
    let nested = try CorrelationLawTests.project(events.reversed(), batch: 1)
    let linked = try CorrelationLawTests.project(events.reversed(), batch: 1, .linked)
    #expect(nested.map(\.parent) == linked.map(\.parent))
    #expect(Set(nested.map(\.traceID)) == [TraceID(root: Self.key(0))])
    let places = tree.operations.indices.filter { tree.operations[$0] != nil }
    for (span, place) in zip(linked, places) {
      #expect(span.traceID == TraceID(root: Self.key(tree.roots[place])), "\(place)")
      let above = span.parent.map { SpanID(key: $0.parent, attempt: 1) }
      let isRoot = tree.roots[place] == place
      #expect(span.parentSpanID == (isRoot ? nil : above), "\(place)")
      #expect(span.links.map(\.spanID) == (isRoot ? [above].compactMap { $0 } : []), "\(place)")
      #expect(span.links.allSatisfy { $0.rule == "vendor_link" })
    }
  }

  @Test("Both strategies tell the same parents; a tie is a parent in the same trace, or a link", arguments: Seeds.upTo(60))
  func law(seed: UInt64) throws {
    let events = EventHistory(seed: seed, subjects: 20, events: 120).events
    let nested = try CorrelationLawTests.project(events, batch: events.count)
    let linked = try CorrelationLawTests.project(events, batch: events.count, .linked)
    #expect(nested.map(\.parent) == linked.map(\.parent))
    #expect(nested.map(\.span) == linked.map(\.span))
    let byID = Dictionary(linked.map { ($0.span.id, $0) }) { first, _ in first }
    for span in linked {
      let parents = span.links.filter { $0.key == span.parent?.parent && $0.rule == span.parent?.rule.name }
      if let parent = span.parentSpanID {
        #expect(byID[parent]?.traceID == span.traceID)
        #expect(byID[parent]?.span.key == span.parent?.parent)
        #expect(parents.isEmpty)
      } else {
        #expect(parents.count == (span.parent == nil ? 0 : 1))
      }
      for link in span.links { #expect(byID[link.spanID]?.traceID == link.traceID) }
    }
    for (traceID, spans) in Dictionary(grouping: linked, by: \.traceID) {
      let roots = Set(spans.filter { TraceID(root: $0.span.key) == traceID }.map(\.span.key))
      #expect(roots.count == 1, "the trace of a thing's key holds that thing")
      let operations = Set(spans.map(\.span.operation))
      if spans.contains(where: { $0.span.operation == .issue }) { #expect(Set(spans.map(\.span.key)).count == 1) }
      #expect(operations.intersection([.build, .deploy]).count <= 1)
    }
  }

  @Test("Links are capped: the tie to the parent and then the first by name, the rest is counted")
  func cap() throws {
    let count = TraceReader.linkLimit + 10
    let targets = (100..<(100 + count)).map { number in
      var event = Self.subject(number, .issue)
      event.follows = []
      return event
    }
    let links = targets.map { LinkStatement(.key($0.key), rule: "deploys") }
    let parent = Self.subject(0, .pullRequest)
    var random = SeededRandom(seed: 3)
    for strategy in TraceStrategy.allCases {
      let deploy = Self.subject(1, .deploy, links: links.shuffled(using: &random))
      let spans = try CorrelationLawTests.project(([parent, deploy] + targets).shuffled(using: &random), batch: 9, strategy)
      let span = try #require(spans.first { $0.span.key == deploy.key })
      let keys = (strategy == .linked ? [parent.key] : []) + targets.map(\.key)
      #expect(span.links.map(\.key) == Array(keys.prefix(TraceReader.linkLimit)))
      #expect(span.droppedLinkCount == keys.count - TraceReader.linkLimit)
      #expect(span.span.attributes.value(of: "valuestream.links.dropped") == .int(Int64(span.droppedLinkCount)))
      #expect(span.span.attributes.map(\.name) == span.span.attributes.map(\.name).sorted())
      #expect(spans.filter { $0.droppedLinkCount > 0 }.count == 1)
    }
  }

  @Test("Of links to the same end under the same rule one is shown, of two rules both")
  func repeated() throws {
    var target = Self.subject(5, .issue)
    target.follows = []
    target.publishes = [Reference(.issue, "TP-1")]
    let links = [
      LinkStatement(.key(target.key), rule: "a"), LinkStatement(Reference(.issue, "TP-1"), rule: "a"),
      LinkStatement(Reference(.issue, "TP-1"), rule: "b"), LinkStatement(Reference(.issue, "TP-2"), rule: "b"),
    ]
    let spans = try CorrelationLawTests.project([target, Self.subject(1, .deploy, links: links)], batch: 1)
    #expect(spans.first?.links.map(\.rule) == ["a", "b"])
    #expect(spans.first?.droppedLinkCount == 0)
  }
}
