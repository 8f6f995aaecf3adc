import Testing
import ValueStreamTesting

@testable import ValueStreamCore

/// Limits the work of correlation in proportion to its input. The tests count operations instead of measuring time.
@Suite("Work of correlation")
struct CorrelationWorkTests {
  private static func event(_ kind: String, _ id: Int, _ operation: Operation, at second: Int? = nil) -> Event {
    let time = EventTime.vendor(Timestamp(seconds: 1_710_000_000 + Int64(second ?? id)))
    var event = Event(
      key: SubjectKey(source: "github", host: "github.com", container: "1", kind: kind, id: "\(id)"), time: time,
      attempt: .counted)
    event.operation = operation
    event.owner = "github.com/acme"
    event.marks = [.begin(time)]
    return event
  }

  private static let commit = Reference(.commit, String(repeating: "ab", count: 20))

  private static func followers(_ count: Int) -> [Event] {
    (0..<count).map { id in
      var build = event("run", id, .build)
      build.follows = [FollowStatement(.commit, [commit])]
      return build
    }
  }

  private static func publishers(_ count: Int, from first: Int = 0) -> [Event] {
    (first..<first + count).map { id in
      var change = event("pull_request", id, .pullRequest)
      change.publishes = [commit]
      return change
    }
  }

  private static func project(_ events: [Event], batch: Int, into store: CountingStore = CountingStore()) throws -> CountingStore
  {
    for start in stride(from: 0, to: events.count, by: batch) {
      var projection = Correlation(store: store)
      for event in events[start..<min(start + batch, events.count)] { _ = try projection.take(event) }
      try store.write(projection.finish())
    }
    return store
  }

  private static func parents(_ store: CountingStore, _ keys: [SubjectKey]) throws -> [SubjectKey?] {
    let subjects = try store.subjects(keys)
    return keys.map { subjects[$0]?.parent?.parent }
  }

  @Test("A name that very many have leads nowhere, in any order, and past that nobody looks again")
  func popular() throws {
    let (builds, changes) = (Self.followers(110), Self.publishers(120))
    var random = SeededRandom(seed: 9)
    for order in [builds + changes, changes + builds, (builds + changes).shuffled(using: &random)] {
      let store = try Self.project(order, batch: 10)
      #expect(try Self.parents(store, builds.map(\.key)).allSatisfy { $0 == nil })
      let before = store.work
      _ = try Self.project(Self.publishers(20, from: 1000), batch: 1, into: store)
      #expect(store.work.subjects == before.subjects, "no follower is loaded for one more")
    }
    // Each follower is read for each of the first publishers, and each of these publishers for it.
    let work = try Self.project(builds + changes, batch: 1).work
    #expect(work.subjects <= (Correlator.publisherLimit + 2) * (110 + Correlator.publisherLimit) * 2)
  }

  @Test("Up to the limit the change is found that was merged as a commit, past it none", arguments: [-1, 0, 1])
  func limit(excess: Int) throws {
    let count = Correlator.publisherLimit + excess
    var changes = Self.publishers(count)
    changes[7].outcome = .merged
    changes[7].attributes = [Attribute("valuestream.change.merge_revision", .string(Self.commit.value))]
    let build = Self.followers(1)
    let expected = excess > 0 ? nil : changes[7].key
    let between: [Event] = Array(changes.prefix(50)) + build + Array(changes.suffix(count - 50))
    let orders: [[Event]] = [build + changes, changes + build, Array(changes.reversed()) + build, between]
    for order in orders {
      for batch in [1, 1000] {
        #expect(try Self.parents(try Self.project(order, batch: batch), [build[0].key]) == [expected])
      }
    }
  }

  @Test("A change that very many have the head of costs a build no more than one of few")
  func manyPublishers() throws {
    let store = try Self.project(Self.publishers(5000), batch: 500)
    let before = store.work
    _ = try Self.project(Self.followers(1), batch: 1, into: store)
    #expect(store.work.subjects - before.subjects <= Correlator.publisherLimit + 3)
    #expect(store.work.keys - before.keys <= 2 * (Correlator.publisherLimit + 2))
  }

  @Test("Names of deploys grow with what was sent, not with services times environments times days")
  func deployNames() throws {
    let events = (0..<300).map { index in
      var event = Self.event("deploy", 1, .deploy, at: index * 86_400)
      event.attributes = [
        Attribute(AttributeName.valuestreamService, .string("service \(index)")),
        Attribute(AttributeName.deploymentEnvironmentName, .string("environment \(index)")),
      ]
      return event
    }
    let store = try Self.project(events, batch: 1)
    let subject = try #require(try store.subjects([events[0].key]).values.first)
    #expect(subject.deployNames.count <= 4 * subject.outlines().count)
    #expect(store.work.references <= 300 * 20)
    // Each event rewrites the subject, which grows with the events so far.
    let size = subject.encoded().count
    #expect(store.work.bytesWritten <= 300 * (size + 400))
  }

  @Test("An event follows and publishes no more names than there is a limit for")
  func references() throws {
    let found = "vstrace-github-issue-r-1" + String(repeating: "-x", count: 40)
    let events = (0..<20).map { id in
      var event = Self.event("run", id, .build)
      event.follows = [FollowStatement(.explicitID, (0..<100).map { Reference(.classicID, "\(found)-\(id)-\($0)") })]
      event.publishes = (0..<400).map { Reference(.customID, "\(id)/\($0)") }
      return event
    }
    let store = try Self.project(events, batch: 1)
    #expect(store.work.references <= 20 * (2 * Event.Limit.followed + 2 * Event.Limit.aliases + 2))
  }

  // MARK: Chains

  private static func chain(_ length: Int) -> [Event] {
    (0..<length).map { id in
      var event = event("run", id, .build)
      if id > 0 {
        let above = SubjectKey(source: "github", host: "github.com", container: "1", kind: "run", id: "\(id - 1)")
        event.follows = [FollowStatement(.vendorLink, [.key(above)])]
      }
      return event
    }
  }

  @Test("Of a chain without end one span costs no more than a bounded number of look-ups, and all of them linear work")
  func chains() throws {
    let (length, store) = (3000, CountingStore())
    _ = try Self.project(Self.chain(length), batch: 500, into: store)
    let keys = Self.chain(length).map(\.key)
    for key in [keys[length - 1], keys[length / 2]] {
      var reader = TraceReader(store: store, strategy: .nested)
      let before = store.work.subjects
      _ = try reader.spans(of: key)
      #expect(store.work.subjects - before <= 1500)
    }
    var reader = TraceReader(store: store, strategy: .nested)
    var traces: [TraceID: Int] = [:]
    var cuts = 0
    for key in keys {
      let span = try #require(try reader.spans(of: key).first)
      traces[span.traceID, default: 0] += 1
      guard span.span.attributes.value(of: "valuestream.trace.cut") != nil else { continue }
      cuts += 1
      #expect(span.parentSpanID == nil)
      #expect(span.links.map(\.rule) == ["vendor_link"])
    }
    #expect(traces.count == cuts + 1, "a trace for each cut, whole")
    #expect(traces.count > 20 && (traces.values.max() ?? 0) < 600)
    #expect(reader.lookUpCount <= length + 1)
  }

  @Test("A chain as deep as people make them is one trace, whoever is looked at")
  func shortChain() throws {
    let store = try Self.project(Self.chain(TraceRoot.depthLimit), batch: 100)
    var reader = TraceReader(store: store, strategy: .nested)
    for event in Self.chain(TraceRoot.depthLimit) {
      #expect(try reader.spans(of: event.key).map(\.traceID) == [TraceID(root: Self.chain(1)[0].key)])
    }
  }

  // MARK: Spelling

  private static func decomposed(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars { result.unicodeScalars.append(contentsOf: decompositions[scalar.value] ?? [scalar]) }
    return result
  }

  @Test("Names that only look alike are two, in any order", arguments: ["\u{E9}", "\u{C5}", "\u{1E69}", "\u{AC00}"])
  func spelling(letter: String) throws {
    let spellings = [letter, Self.decomposed(letter)]
    #expect(spellings[0] == spellings[1] && !spellings[0].hasSameBytes(as: spellings[1]))
    let names = spellings.map { Reference(.customID, "shop/\($0)") }
    #expect(names[0] != names[1] && Set(names).count == 2 && (names[0] < names[1]) != (names[1] < names[0]))
    let parents = names.enumerated().map { index, name in
      var event = Self.event("issue", index, .issue)
      event.publishes = [name]
      return event
    }
    let children = names.enumerated().map { index, name in
      var event = Self.event("run", index, .build)
      event.follows = [FollowStatement(.explicitID, [name])]
      return event
    }
    for order in [parents + children, children + parents, [parents[0], children[1], children[0], parents[1]]] {
      for batch in [1, 10] {
        let store = try Self.project(order, batch: batch)
        #expect(try Self.parents(store, children.map(\.key)) == parents.map(\.key))
      }
    }
  }
}

/// Canonical decompositions from the Unicode standard.
private let decompositions: [UInt32: [Unicode.Scalar]] = [
  0xE9: ["e", "\u{301}"], 0xC5: ["A", "\u{30A}"], 0x1E69: ["s", "\u{323}", "\u{307}"], 0xAC00: ["\u{1100}", "\u{1161}"],
]
