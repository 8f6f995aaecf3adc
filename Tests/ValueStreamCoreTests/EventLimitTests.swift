import Testing
import ValueStreamTesting

@testable import ValueStreamCore

@Suite("Limits of an event")
struct EventLimitTests {
  private static let texts = ["", "a", "é", "e\u{301}", "👩‍🚀", "%", ":", "-", "vstrace-", "\u{0}"]

  private static func text(_ random: inout SeededRandom) -> String {
    let count = [0, 1, 10, 300, 2000, 20_000].randomElement(using: &random) ?? 0
    let piece = texts.randomElement(using: &random) ?? ""
    return "x" + String(repeating: piece, count: count / max(1, piece.utf8.count))
  }

  private static func list<Element>(
    _ random: inout SeededRandom, _ element: (inout SeededRandom) -> Element
  ) -> [Element] {
    (0..<([0, 1, 3, 40, 400].randomElement(using: &random) ?? 0)).map { _ in element(&random) }
  }

  private static func reference(_ random: inout SeededRandom) -> Reference {
    let kind = [.classicID, .commit, .branch, .key].randomElement(using: &random) ?? Reference.Kind.issue
    return kind == .key ? .key(key(&random)) : Reference(kind, text(&random))
  }

  private static func key(_ random: inout SeededRandom) -> SubjectKey {
    SubjectKey(source: "customhttp", host: text(&random), container: text(&random), kind: "deploy", id: text(&random))
  }

  private static func event(_ random: inout SeededRandom) -> Event {
    let time = EventTime.vendor(Timestamp(nanoseconds: .random(in: .min ... .max, using: &random)))
    var event = Event(key: key(&random), time: time)
    event.name = text(&random)
    event.owner = text(&random)
    event.marks = list(&random) { .begin(.vendor(Timestamp(seconds: .random(in: 0...9_000_000_000, using: &$0)))) }
    event.attributes = list(&random) { random in
      Attribute(text(&random), Bool.random(using: &random) ? .string(text(&random)) : .strings([text(&random)]))
    }
    event.phases = list(&random) { PhaseStatement(track: text(&$0), name: text(&$0), start: .latest) }
    event.spanEvents = list(&random) {
      SpanEvent(name: text(&$0), time: .epoch, attributes: [Attribute("a", .string(text(&$0)))])
    }
    event.publishes = list(&random, reference)
    event.follows = list(&random) { FollowStatement(.commit, list(&$0, reference)) }
    event.links = list(&random) { LinkStatement(reference(&$0), rule: text(&$0)) }
    return event
  }

  @Test("Whatever a sender says, what is kept of it is bounded, and the same when it is bounded again", arguments: Seeds.upTo(40))
  func bounded(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let event = Self.event(&random)
    let limited = event.limited()
    #expect(limited.weight <= Event.byteLimit)
    #expect(limited.limited() == limited)
    #expect(limited.limited().contentHash == limited.contentHash)
    #expect(limited.marks.count <= Event.Limit.marks)
    #expect(limited.follows.reduce(0) { $0 + $1.references.flatMap(\.candidates).count } <= Event.Limit.followed)
    #expect(limited.publishes.allSatisfy { $0.value.utf8.count <= Event.Limit.referenceBytes })
    #expect(limited.key.description.utf8.count <= Event.Limit.referenceBytes)
    #expect(SubjectKey(limited.key.description) == limited.key, "it is still a key")
    let isCut = limited.attributes.value(of: "valuestream.event.cut") != nil
    #expect(isCut || limited.weight <= event.weight)
    if !isCut { #expect(limited.attributes == event.attributes && limited.publishes.count == event.publishes.count) }
    let derived = (limited.namesDerived ?? limited).limited()
    #expect(derived.weight <= Event.byteLimit)
    // Cutting an event for its size may leave room to derive a name again that was cut.
    let again = (derived.namesDerived ?? derived).limited()
    #expect(again.weight <= Event.byteLimit)
    let isSame = again == derived
    #expect(isSame || derived.attributes.value(of: "valuestream.event.cut") != nil)
    _ = Subject.Fact(limited)
  }

  @Test("Long keys and names stay different, and are the same wherever they stand")
  func identity() {
    let long = String(repeating: "é", count: 3000)
    func key(_ id: String) -> SubjectKey { SubjectKey(source: "customhttp", host: "", container: "shop", kind: "deploy", id: id) }
    var parent = Event(key: key(long + "1"), time: .receipt(.epoch))
    parent.publishes = [Reference(.customID, long + "1")]
    var child = Event(key: key(long + "2"), time: .receipt(.epoch))
    child.follows = [FollowStatement(.explicitID, [.key(parent.key), Reference(.customID, long + "1")])]
    let (first, second) = (parent.limited(), child.limited())
    #expect(first.key != second.key)
    #expect(second.follows[0].references == [.key(first.key), first.publishes[0]])
  }

  @Test("What is within the limits stays as it is")
  func usual() {
    for event in EventHistory(seed: 1).events { #expect(event.limited() == event) }
  }
}
