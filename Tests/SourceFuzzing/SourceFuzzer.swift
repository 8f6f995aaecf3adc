import Catalog
import Foundation
import SourceFixtures
import ValueStreamCore

/// Feeds broken payloads to a source, and the resulting events to the code behind it. Nothing may trap.
package struct SourceFuzzer {
  package struct Counts: Sendable {
    package var understood = 0
    package var ignored = 0
    package var refused = 0

    package init() {}
  }

  private let source: any EventSource
  private let mutator: PayloadMutator
  /// The headers of each seed, which name the event type.
  private let headers: [HTTPHeaders]

  /// The names of all sources.
  package static let names = SourceCatalog.all.map(\.name)

  /// Rules that let the payloads reach code which runs only if the user sets something.
  private static let rules = [
    "VS_GITHUB_DEPLOY_WORKFLOWS": "deploy*=production", "VS_JENKINS_DEPLOY_JOBS": "*a*", "VS_TRELLO_ABANDONED_LISTS": "*o*",
    "VS_TRELLO_DUE_COMPLETE": "done",
  ]

  /// Reads the fixtures in the test folder of the source.
  ///
  /// - Parameter tests: The path of the folder `Tests`.
  /// - Throws: `FuzzingError` if there is no such source or it has no payloads.
  package init(_ name: String, tests: String) throws {
    guard let factory = SourceCatalog.factory(named: name) else { throw FuzzingError("there is no source \(name)") }
    let settings = try Settings(
      declared: SourceCatalog.classification + SourceCatalog.secrets, arguments: [], environment: Self.rules)
    source = try factory.makeSource(secrets: [], settings: settings)
    let path = "\(tests)/\(factory.module)Tests/Fixtures"
    let files = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".json") }.sorted()
    guard !files.isEmpty else { throw FuzzingError("there are no payloads in \(path)") }
    mutator = PayloadMutator(try files.map { Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))) })
    headers = files.map { factory.headers(ofFixture: $0) }
  }

  /// Returns the payload with a number, for inspection.
  package func payload(_ number: UInt64) -> [UInt8] { mutator.payload(number).bytes }

  /// Feeds the payload with a number to the source.
  ///
  /// - Throws: `PayloadError` if the daemon could not process an event, or if the source reports an error without path or reason.
  package func feed(_ number: UInt64, counting counts: inout Counts) throws {
    let (body, seed) = mutator.payload(number)
    let delivery = Delivery(
      source: source.name, received: Timestamp(seconds: 1_710_000_000), headers: headers[seed], body: body)
    _ = source.deliveryID(of: delivery)
    var json = JSONWriter()
    do throws(PayloadError) {
      let interpretation = try source.events(in: delivery)
      json.object { $0.members(of: .success(interpretation)) }
      guard case .events(let events, _) = interpretation else {
        counts.ignored += 1
        return
      }
      counts.understood += 1
      for event in events { try check(event) }
    } catch {
      guard error.path.hasPrefix("$"), !error.reason.isEmpty else { throw error }
      counts.refused += 1
    }
  }

  /// Processes an event as the daemon does.
  private func check(_ event: Event) throws(PayloadError) {
    guard SubjectKey(event.key.description) != nil else {
      throw PayloadError(.malformed, path: "", reason: "no key: \(event.key)")
    }
    var subject = Subject(key: event.key)
    _ = subject.add(event)
    let spans = subject.spans()
    guard let read = try? Subject(key: event.key, encoded: subject.encoded()), read == subject, read.spans() == spans else {
      throw PayloadError(.malformed, path: "", reason: "is not read back as it was stored: \(event.key)")
    }
    for span in spans {
      guard span.end.map({ $0 >= span.start }) ?? true else {
        throw PayloadError(.malformed, path: "", reason: "ends before it begins: \(event.key)")
      }
      _ = (span.id, span.start.rfc3339, span.end?.rfc3339)
    }
    _ = SubjectSummary(subject)
  }
}

package struct FuzzingError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
