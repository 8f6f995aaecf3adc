import Foundation
package import Testing
package import ValueStreamCore

/// A handwritten payload in `<name>.json` beside the tests of a source, with the expected events in `<name>.events.txt`.
package struct PayloadFixture: Sendable, CustomTestStringConvertible {
  package var name: String
  private let folder: String

  package var testDescription: String { name }

  /// - Parameter path: the path of a test. The fixtures are in the folder `Fixtures` beside it.
  package init(_ name: String, besideTest path: String) {
    self.name = name
    folder = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("Fixtures").path
  }

  /// Returns all fixtures beside a test, sorted by name.
  package static func all(besideTest path: String) -> [PayloadFixture] {
    let folder = PayloadFixture("", besideTest: path).folder
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted().map { PayloadFixture(String($0.dropLast(5)), besideTest: path) }
  }

  /// The part of the name before the first period.
  package var type: String { String(name.prefix { $0 != "." }) }

  package func body() throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).json")))
  }

  /// Compares an interpretation with the expected events.
  package func expect(_ interpretation: Interpretation, sourceLocation: SourceLocation = #_sourceLocation) {
    Golden.expect(interpretation.explanation, matches: "\(folder)/\(name).events.txt", sourceLocation: sourceLocation)
  }

  /// Returns the largest fixture of each type that the source does not ignore, for checks that are too slow for all
  /// fixtures.
  package static func samples(
    of fixtures: [PayloadFixture], by source: any EventSource, delivery: (PayloadFixture) throws -> Delivery
  ) -> [PayloadFixture] {
    var largest: [String: (fixture: PayloadFixture, size: Int)] = [:]
    for fixture in fixtures {
      guard let delivery = try? delivery(fixture), let interpretation = try? source.events(in: delivery) else { continue }
      if case .ignored = interpretation { continue }
      if let known = largest[fixture.type], known.size >= delivery.body.count { continue }
      largest[fixture.type] = (fixture, delivery.body.count)
    }
    return largest.values.map(\.fixture).sorted { $0.name < $1.name }
  }
}
