import Testing
import TrelloWebhooks
import ValueStreamCore
import ValueStreamTesting

/// Generated cards of which about half of the actions arrive, in any order.
@Suite("Trello cards of which much is not told")
struct TrelloLossTests {
  static func spans(_ history: CardHistory, seed: UInt64) throws -> [Span] {
    try DeliveryStory(history.deliveries, of: TrelloSource(), seed: seed).spans.map(\.span)
  }

  static func attempts(_ spans: [Span]) -> [CardHistory.Attempt] {
    spans.map { span in
      CardHistory.Attempt(start: span.start, isStartUnknown: span.isStartUnknown, end: span.end, outcome: span.outcome)
    }
  }

  static func stays(_ spans: [Span]) -> [CardHistory.Stay] {
    spans.flatMap(\.phases).compactMap { phase in
      phase.end.map { CardHistory.Stay(list: phase.name, start: phase.start, end: $0) }
    }
  }

  @Test("When all is told, every attempt and every stay in a list is as it was", arguments: UInt64(1)..<120)
  func all(seed: UInt64) throws {
    let history = CardHistory(seed: seed)
    let spans = try Self.spans(history, seed: seed)
    #expect(Self.attempts(spans) == history.attempts)
    #expect(Self.stays(spans) == history.stays)
  }

  @Test("When half is missing, what the rest tells is as it was", arguments: UInt64(1)..<400)
  func half(seed: UInt64) throws {
    let whole = CardHistory(seed: seed)
    let history = whole.halved(seed: seed &+ 1)
    guard !history.steps.isEmpty else { return }
    let spans = try Self.spans(history, seed: seed)
    #expect(Self.attempts(spans) == history.attempts)
    // A stay is known if the actions at both of its ends arrived and were consecutive in the whole history.
    let told = Set(whole.stays).intersection(history.stays)
    let found = Self.stays(spans)
    for stay in told { #expect(found.filter { $0 == stay }.count == 1, "\(stay)") }
    for span in spans {
      for phase in span.phases {
        #expect(phase.start >= span.start && phase.end ?? phase.start <= span.end ?? .init(nanoseconds: .max))
      }
    }
    for other: UInt64 in 1..<4 { #expect(try Self.spans(history, seed: seed &+ other) == spans, "another order") }
  }

  @Test("Cards are counted as their spans are, in any order", arguments: UInt64(1)..<40)
  func counters(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let deliveries = CardHistory(seed: seed).deliveries
    let inOrder = try CountingStory(deliveries, of: [TrelloSource()], batchSize: 50)
    #expect(inOrder.counted == inOrder.spans)
    let shuffled = try CountingStory(deliveries.shuffled(using: &random), of: [TrelloSource()])
    #expect(shuffled.counted == shuffled.spans)
    #expect(shuffled.ends == inOrder.ends)
    let late = try CountingStory(deliveries.shuffled(using: &random), of: [TrelloSource()], pause: 6)
    #expect(late.corrected == late.spans)
  }
}
