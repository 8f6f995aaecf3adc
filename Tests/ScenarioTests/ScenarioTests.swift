import Catalog
import Foundation
import SQLiteStore
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Runs every story in order, shuffled and with duplicates, on every store.
@Suite("Delivery stories")
struct ScenarioTests {
  private static func sources(_ settings: [String]) throws -> [any EventSource] {
    try SourceCatalog.readers(Settings(declared: SourceCatalog.classification, arguments: settings, environment: [:]))
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
    for seed in Seeds.upTo(100) {
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
    return try DeliveryStory(deliveries, of: sources(scenario.settings), seed: seed, in: store).forest
  }
}

extension DeliveryStory {
  /// One line per span, with children and links indented below it.
  ///
  /// A line has source, kind and id, outcome, and the rule of the parent. A deploy also has the step from its predecessor.
  var forest: [String] {
    let ordered = spans.sorted { ($0.span.start, $0.span.key, $0.span.attempt) < ($1.span.start, $1.span.key, $1.span.attempt) }
    func lines(below parent: SpanID?, _ indentation: String) -> [String] {
      ordered.filter { $0.parentSpanID == parent }.flatMap { traced -> [String] in
        let links = traced.links.filter { Self.shownLinks.contains($0.rule) }
        return [indentation + Self.line(traced)] + links.map { "\(indentation)  > \(Self.line($0))" }
          + lines(below: traced.span.id, indentation + "  ")
      }
    }
    return lines(below: nil, "")
  }

  private static let shownLinks = ["deploys", "latest_deploy"]

  private static func line(_ traced: TracedSpan) -> String {
    let span = traced.span
    let attempt = span.attempt == 1 ? "" : "#\(span.attempt)"
    let rule = traced.parentSpanID == nil ? "" : " by \(traced.parent?.rule.name ?? "?")"
    return "\(span.source) \(name(of: span.key))\(attempt) \(span.outcome?.rawValue ?? "open")\(rule)\(step(of: span))"
  }

  private static func name(of key: SubjectKey) -> String {
    let parts = key.description.split(separator: ":", omittingEmptySubsequences: false)
    // Shorten hashes for readability.
    let id = parts[4].count > 20 ? "\(parts[4].prefix(6))…" : String(parts[4])
    return "\(parts[3]) \(id)"
  }

  /// The step of a deploy, such as `, forward by pushes`; empty for the first deploy of a service.
  private static func step(of span: Span) -> String {
    guard case .string(let step) = span.attributes.value(of: "valuestream.deployment.step"), step != "first" else { return "" }
    guard case .string(let basis) = span.attributes.value(of: "valuestream.deployment.changes.basis") else { return ", \(step)" }
    return ", \(step) by \(basis)"
  }

  /// A link, such as `pull_request 12 by deploys, merge 15 min`. The minutes are the lead times of the deploy.
  private static func line(_ link: TracedLink) -> String {
    let times = ["commit", "change", "merge"].compactMap { name -> String? in
      guard case .double(let seconds) = link.attributes.value(of: "valuestream.lead_time.\(name)") else { return nil }
      return ", \(name) \(Int(seconds / 60)) min"
    }
    return "\(name(of: link.key)) by \(link.rule)\(times.joined())"
  }
}
