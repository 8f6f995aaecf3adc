import Foundation
import IntakeClient
import Simulator
import Testing
import ValueStreamCore

/// A history whose bodies are parsed with `Foundation` instead of the code under test.
struct Story {
  typealias Object = [String: Any]

  static let until = Timestamp(seconds: 1_795_543_200)

  let deliveries: [HistoryDelivery]
  let bodies: [Object]
  let expectations: HistoryExpectations

  init(seed: UInt64, days: Int = 14, scale: Double = 1) throws {
    let generator = HistoryGenerator(
      HistoryConfiguration(seed: seed, days: days, scale: scale, until: Self.until), recordsItems: true)
    deliveries = Array(generator)
    expectations = generator.expectations
    bodies = try deliveries.map { delivery in
      try #require(try JSONSerialization.jsonObject(with: Data(delivery.body)) as? Object)
    }
  }

  /// Returns the bodies of one event type, each with its member `name`.
  func all(_ event: String, _ name: String, action: String? = nil) -> [(body: Object, object: Object)] {
    zip(deliveries, bodies).compactMap { delivery, body in
      guard delivery.kind == event, action == nil || body["action"] as? String == action else { return nil }
      return (body, body[name] as? Object ?? [:])
    }
  }

  func count(_ event: String, action: String) -> Int {
    zip(deliveries, bodies).count { $0.kind == event && $1["action"] as? String == action }
  }
}

extension [String: Any] {
  func int(_ name: String) -> Int { self[name] as? Int ?? -1 }
  func text(_ name: String) -> String { self[name] as? String ?? "" }
  func object(_ name: String) -> [String: Any] { self[name] as? [String: Any] ?? [:] }
  func objects(_ name: String) -> [[String: Any]] { self[name] as? [[String: Any]] ?? [] }
  func time(_ name: String) -> Timestamp? { (self[name] as? String).flatMap { Timestamp(rfc3339: $0) } }
  var repositoryID: Int { object("repository").int("id") }
}
