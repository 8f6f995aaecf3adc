import Foundation
package import Testing
package import ValueStreamCore

/// A payload of our own writing beside the tests of a source: `<name>.json`, and the events expected of it in
/// `<name>.events.txt`.
package struct PayloadFixture: Sendable, CustomTestStringConvertible {
  package var name: String
  private let folder: String

  package var testDescription: String { name }

  /// - Parameter folder: the folder `Fixtures` beside the test with this path.
  package init(_ name: String, besideTest path: String) {
    self.name = name
    folder = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("Fixtures").path
  }

  /// All that there are, by name.
  package static func all(besideTest path: String) -> [PayloadFixture] {
    let folder = PayloadFixture("", besideTest: path).folder
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted().map { PayloadFixture(String($0.dropLast(5)), besideTest: path) }
  }

  /// What stands before the first point of the name.
  package var type: String { String(name.prefix { $0 != "." }) }

  package func body() throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).json")))
  }

  /// Compares with the events expected of it.
  package func expect(_ interpretation: Interpretation, sourceLocation: SourceLocation = #_sourceLocation) {
    Golden.expect(interpretation.explanation, matches: "\(folder)/\(name).events.txt", sourceLocation: sourceLocation)
  }

  /// Of each type the largest that becomes something: for checks that are too slow for all.
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
