import Foundation
import SQLiteStore
import SourceCatalog
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Every story, in order, shuffled and with repetitions, on every store.
@Suite("Delivery stories")
struct ScenarioTests {
  static let sources = Result {
    try SourceCatalog.readers(Settings(declared: SourceCatalog.classification, arguments: [], environment: [:]))
  }

  @Test("There are stories")
  func stories() throws {
    #expect(try Scenario.all.get().count >= 25)
  }

  @Test("A story becomes the trees it says", arguments: (try? Scenario.all.get()) ?? [])
  func inOrder(scenario: Scenario) throws {
    let trees = try Self.trees(of: scenario, seed: 0)
    #expect(trees == scenario.expected, "\(trees.joined(separator: "\n"))")
  }

  @Test("In any order, with repetitions, it becomes the same", arguments: (try? Scenario.all.get()) ?? [])
  func shuffled(scenario: Scenario) throws {
    for seed in UInt64(1)...100 {
      let trees = try Self.trees(of: scenario, seed: seed)
      #expect(trees == scenario.expected, "seed \(seed)")
      if trees != scenario.expected { return }
    }
  }

  @Test("On disk it becomes the same", arguments: (try? Scenario.all.get()) ?? [])
  func onDisk(scenario: Scenario) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("stories-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for seed in UInt64(0)..<2 {
      let store = try SQLiteSpanStore(directory: folder.appendingPathComponent("\(seed)").path)
      defer { store.close() }
      #expect(try Self.trees(of: scenario, seed: seed, in: store) == scenario.expected, "seed \(seed)")
    }
  }

  private static func trees(
    of scenario: Scenario, seed: UInt64, in store: any SpanStore = MemorySpanStore()
  ) throws -> [String] {
    var deliveries = try scenario.deliveries()
    var random = SeededRandom(seed: seed)
    if seed > 0 { deliveries += deliveries.filter { _ in random.oneIn(3) } }
    return try DeliveryStory(deliveries, of: sources.get(), seed: seed, in: store).forest
  }
}

extension DeliveryStory {
  /// A line a span, children indented below their parent: source, kind and id, outcome, and the rule of the tie.
  var forest: [String] {
    let ordered = spans.sorted { ($0.span.start, $0.span.key, $0.span.attempt) < ($1.span.start, $1.span.key, $1.span.attempt) }
    func lines(below parent: SpanID?, _ indentation: String) -> [String] {
      ordered.filter { $0.parentSpanID == parent }.flatMap { traced in
        [indentation + Self.line(traced)] + lines(below: traced.span.id, indentation + "  ")
      }
    }
    return lines(below: nil, "")
  }

  private static func line(_ traced: TracedSpan) -> String {
    let span = traced.span
    let parts = span.key.description.split(separator: ":", omittingEmptySubsequences: false)
    let attempt = span.attempt == 1 ? "" : "#\(span.attempt)"
    let rule = traced.parentSpanID == nil ? "" : " by \(traced.parent?.rule.name ?? "?")"
    // Ids that are hashes need not be read.
    let id = parts[4].count > 20 ? "\(parts[4].prefix(6))…" : String(parts[4])
    return "\(span.source) \(parts[3]) \(id)\(attempt) \(span.outcome?.rawValue ?? "open")\(rule)"
  }
}
