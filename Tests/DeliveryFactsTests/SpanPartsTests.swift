import GitHubWebhooks
import Simulator
import Testing
import ValueStreamCore

@Suite("Parts of spans")
struct SpanPartsTests {
  @Test("Parts of the spans of a generated history say what the whole spans say", arguments: [UInt64(3), 4])
  func history(seed: UInt64) throws {
    let source = GitHubSource()
    let until = Timestamp(seconds: 1_795_543_200)
    let store = MemorySpanStore()
    var correlation = Correlation(store: store)
    for sent in HistoryGenerator(HistoryConfiguration(seed: seed, days: 5, scale: 0.5, until: until)) {
      let delivery = Delivery(source: source.name, received: sent.time, headers: sent.headers, body: sent.body)
      guard case .events(let events, _) = try source.events(in: delivery) else { continue }
      for event in events { _ = try correlation.take(event) }
    }
    let subjects = correlation.finish().subjects.map(\.subject)
    var random = SeededRandom(seed: seed)
    var (attributeCount, phaseCount) = (0, 0)
    for subject in subjects {
      let spans = subject.spans()
      let names = Array(Set(spans.flatMap { $0.attributes.map(\.name) })).sorted()
      let chosen = names.filter { _ in random.oneIn(4) }
      let track = Array(Set(spans.flatMap { $0.phases.map(\.track) })).sorted().randomElement(using: &random) ?? ""
      let parts = subject.spans(with: SpanParts(attributes: chosen, track: track))
      try #require(parts.count == spans.count)
      for (part, whole) in zip(parts, spans) {
        for name in chosen {
          #expect(part.attributes.filter { $0.name == name } == whole.attributes.filter { $0.name == name })
          attributeCount += 1
        }
        #expect(part.attributes.allSatisfy { whole.attributes.contains($0) })
        #expect(part.phases == whole.phases.filter { $0.track == track })
        phaseCount += part.phases.count
        var rest = whole
        (rest.attributes, rest.phases) = (part.attributes, part.phases)
        (rest.events, rest.links) = ([], [])
        #expect(part == rest)
      }
    }
    #expect(attributeCount > 1000)
    #expect(phaseCount > 100)
  }
}
