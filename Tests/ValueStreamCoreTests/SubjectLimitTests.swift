import Testing
import ValueStreamTesting

@testable import ValueStreamCore

/// Checks what remains of a subject with more facts than the limit, in any order.
@Suite("Limits of a subject")
struct SubjectLimitTests {
  private static let key = SubjectKey(source: "customhttp", host: "", container: "shop", kind: "deploy", id: "nightly")

  private static func time(_ seconds: Int) -> EventTime { .vendor(Timestamp(seconds: 1_710_000_000 + Int64(seconds))) }

  /// The attempt rules that the facts of a subject use.
  enum Shape: CaseIterable {
    case single, counted, restarted, numbered, mixed
  }

  /// Facts of runs that last 9 s and start every 10 s. Each run has four facts.
  private static func facts(_ count: Int, _ shape: Shape) -> [Event] {
    (0..<count).map { index in
      let (run, part) = (index / 4, index % 4)
      let (begin, end) = (time(run * 10), time(run * 10 + 9))
      let rule: AttemptRule =
        switch shape {
        case .single: .single
        case .counted, .restarted: .counted
        case .numbered: .numbered(run + 1)
        case .mixed: [.single, .counted, .counted, .numbered(run + 1)][run % 4]
        }
      var event = Event(key: key, time: [begin, time(run * 10 + 3), time(run * 10 + 5), end][part], attempt: rule)
      event.operation = .deploy
      event.state = part == 3 ? .ended : .running
      event.attributes = [Attribute("index", .int(Int64(index)))]
      switch part {
      case 0: event.marks = [shape == .restarted ? .restart(begin) : .begin(begin)]
      case 3:
        event.marks = [.begin(begin), .end(end)]
        event.outcome = run % 3 == 0 ? .failure : .success
      default: break
      }
      if index == 1 {
        event.name = "the nightly deploy"
        event.owner = "acme"
        event.publishes = [Reference(.customID, "shop/first")]
        event.follows = [FollowStatement(.explicitID, [Reference(.classicID, "vstrace-github-issue-shop-1")])]
      }
      return event
    }
  }

  private static func subject(_ events: [Event]) -> Subject {
    var subject = Subject(key: key)
    for event in events { _ = subject.add(event) }
    return subject
  }

  @Test("5,000 facts give the same subject in any order, with repetitions and stored in between", arguments: Shape.allCases)
  func order(shape: Shape) throws {
    let facts = Self.facts(5000, shape)
    let expected = Self.subject(facts)
    #expect(expected.spans().first?.attributes.value(of: "valuestream.facts.dropped") != nil)
    var random = SeededRandom(seed: 5)
    var orders = [facts.reversed(), facts.shuffled(using: &random)]
    orders.append((facts + facts.prefix(700)).shuffled(using: &random))
    for (number, order) in orders.enumerated() {
      var subject = Subject(key: Self.key)
      for (index, event) in order.enumerated() {
        _ = subject.add(event)
        if index % 1700 == 1699 { subject = try Subject(key: Self.key, encoded: subject.encoded()) }
      }
      #expect(subject == expected, "order \(number)")
      #expect(subject.encoded() == expected.encoded())
      #expect(subject.spans() == expected.spans())
    }
  }

  @Test("Start, end, outcome and the numbers of attempts are those of all facts", arguments: Shape.allCases)
  func truth(shape: Shape) {
    guard shape != .mixed else { return }
    let spans = Self.subject(Self.facts(5000, shape)).spans()
    #expect(spans.last?.end == Self.time(1249 * 10 + 9).timestamp)
    #expect(spans.allSatisfy { $0.name == "the nightly deploy" && $0.owner == "acme" && !$0.isStartUnknown })
    if shape == .single {
      #expect(spans.map(\.start) == [Self.time(0).timestamp])
      return
    }
    #expect(spans.count == Subject.factLimit / 4)
    for span in spans {
      let run = span.attempt - 1
      #expect(span.start == Self.time(run * 10).timestamp)
      #expect(span.end == Self.time(run * 10 + 9).timestamp)
      #expect(span.outcome == (run % 3 == 0 ? .failure : .success))
    }
  }

  @Test("The end of what is talked about for long is not forgotten, nor where it belongs")
  func longTalk() {
    var end = Event(key: Self.key, time: Self.time(100), attempt: .counted)
    end.operation = .deploy
    end.state = .ended
    end.outcome = .failure
    end.marks = [.begin(Self.time(0)), .end(Self.time(100))]
    end.publishes = [Reference(.customID, "shop/first")]
    end.follows = [FollowStatement(.explicitID, [Reference(.classicID, "vstrace-github-issue-shop-1")])]
    let talk = (0..<3000).map { index in
      var event = Event(key: Self.key, time: Self.time(200 + index), attempt: .counted)
      event.attributes = [Attribute("comments", .int(Int64(index)))]
      return event
    }
    for events in [[end] + talk, talk + [end], talk.prefix(1500) + [end] + talk.suffix(1500)] {
      let subject = Self.subject(events)
      let spans = subject.spans()
      #expect(spans.map(\.start) == [Self.time(0).timestamp])
      #expect(spans.map(\.end) == [Self.time(100).timestamp])
      #expect(spans.map(\.outcome) == [.failure])
      #expect(subject.follows == end.follows)
      #expect(subject.aliases.contains(Reference(.customID, "shop/first")))
      #expect(subject.facts.count == Subject.factLimit)
    }
  }

  @Test("Long facts are kept up to a number of bytes, the newest, in any order")
  func bytes() {
    let facts = (0..<600).map { index in
      var event = Event(key: Self.key, time: Self.time(index), attempt: .single)
      event.operation = .deploy
      event.marks = [.begin(Self.time(index))]
      event.attributes = [Attribute("text", .string("\(index) " + String(repeating: "x", count: 100 + index * 37 % 16_000)))]
      return event
    }
    var random = SeededRandom(seed: 6)
    let expected = Self.subject(facts)
    #expect(expected.facts.reduce(0) { $0 + $1.event.weight } <= Subject.byteLimit)
    #expect(expected.encoded().count < Subject.byteLimit + 100_000)
    #expect((100..<600).contains(expected.facts.count))
    #expect(expected.spans().map(\.start) == [Self.time(0).timestamp])
    for _ in 0..<3 { #expect(Self.subject(facts.shuffled(using: &random)) == expected) }
  }

  @Test("How many facts were dropped is told exactly up to 256, and about beyond; repetitions do not count")
  func count() {
    for count in [1001, 1256, 1400, 9000] {
      let facts = Self.facts(count, .single)
      let subject = Self.subject(facts + facts)
      let (told, dropped) = (subject.droppedFactCount, count - Subject.factLimit)
      if dropped <= 255 { #expect(told == dropped) } else { #expect(abs(Double(told) / Double(dropped) - 1) < 0.25) }
    }
  }

  @Test("More beginnings and ends than are told apart are only counted: the newest attempts keep their numbers")
  func manyAttempts() throws {
    var subject = Subject(key: Self.key)
    for event in Self.facts(48_000, .counted) where !event.marks.isEmpty { _ = subject.add(event) }
    let spans = subject.spans()
    #expect(spans.last?.attempt == 12_000)
    #expect(spans.allSatisfy { $0.start == Self.time(($0.attempt - 1) * 10).timestamp })
    #expect(subject.encoded().count < 1_000_000)
    #expect(try Subject(key: Self.key, encoded: subject.encoded()) == subject)
  }

  @Test("What was stored before there was anything kept of dropped facts is read")
  func olderForm() throws {
    var subject = Subject(key: Self.key)
    for event in Self.facts(12, .counted) { _ = subject.add(event) }
    var bytes = subject.encoded()
    // The last byte is the empty summary of dropped facts, which version 4 lacks.
    #expect(bytes.removeLast() == 0)
    bytes[0] = 4
    #expect(try Subject(key: Self.key, encoded: bytes) == subject)
  }

  @Test(
    "A thing known by name that becomes one with another has the limits, too, and leaves with all its facts",
    arguments: [false, true])
  func absorbed(reversed: Bool) throws {
    let name = SubjectKey(source: "customhttp", host: "", container: "=shop", kind: "deploy", id: "nightly")
    let facts = Self.facts(3000, .counted)
    let (own, others) = (facts.enumerated().filter { $0.offset % 2 == 0 }, facts.enumerated().filter { $0.offset % 2 == 1 })
    let alone = Self.subject(own.map(\.element))
    var guest = Subject(key: name)
    for (_, event) in others {
      var event = event
      event.key = name
      _ = guest.add(event)
    }
    var subject = alone
    if reversed {
      subject.absorb(guest)
    } else {
      for (_, event) in others {
        var event = event
        event.key = name
        let (isNew, isNewAgain) = (subject.add(event), subject.add(event))
        #expect(isNew && !isNewAgain)
      }
    }
    #expect(subject.spans() == Self.subject(facts).spans())
    #expect(subject.facts.count == Subject.factLimit)
    subject = try Subject(key: Self.key, encoded: subject.encoded())
    #expect(subject.spans() == Self.subject(facts).spans())
    #expect(release(name, &subject)?.spans() == guest.spans())
    #expect(subject.spans() == alone.spans())
    #expect(!subject.hasGuests)
  }

  @Test("Beyond the limit of guests, a further one becomes one with the subject for good")
  func guestLimit() {
    let facts = Self.facts(20, .counted)
    var subject = Self.subject(Array(facts.prefix(4)))
    for (number, event) in facts.dropFirst(4).enumerated() {
      var event = event
      event.key = SubjectKey(source: "customhttp", host: "", container: "=\(number / 2)", kind: "deploy", id: "nightly")
      let isNew = subject.add(event)
      #expect(isNew)
    }
    #expect(subject.guests.count == Subject.guestLimit)
    #expect(subject.spans() == Self.subject(facts).spans())
    for guest in subject.guests { _ = subject.release(guest.key) }
    #expect(subject.facts.count == facts.count - 2 * Subject.guestLimit)
  }

  @Test("Facts of guests are stored apart; without guests, the bytes are those of version 6")
  func guestEncoding() throws {
    let name = SubjectKey(source: "customhttp", host: "", container: "=shop", kind: "deploy", id: "nightly")
    let facts = Self.facts(8, .counted)
    let alone = Self.subject(Array(facts.dropFirst(4)))
    #expect(alone.encoded()[0] == 6)
    var subject = alone
    let known = facts.prefix(4).map { event in
      var event = event
      event.key = name
      return event
    }
    for event in known { _ = subject.add(event) }
    let bytes = subject.encoded()
    #expect(bytes[0] == 7)
    var read = try Subject(key: Self.key, encoded: bytes)
    #expect(read == subject)
    #expect(read.aliases == [Reference(.customID, "shop/first"), .fallbackKey(name)])
    for count in 0..<bytes.count {
      #expect(throws: StoreError.self, "cut to \(count)") { try Subject(key: Self.key, encoded: Array(bytes.prefix(count))) }
    }
    let released = try #require(release(name, &read))
    #expect(read == alone)
    #expect(released.events == known)
    #expect(release(name, &read) == nil)
  }

  private func release(_ guest: SubjectKey, _ subject: inout Subject) -> Subject? { subject.release(guest) }
}
