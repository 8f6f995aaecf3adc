import FoundationEssentials

/// What the numbers of a report do not count, and why.
package struct LeftOut: Sendable, Hashable {
  /// The metric, such as `lead_time`.
  package var metric: String
  package var reason: String
  package var count: Int

  private struct Answer: Decodable {
    struct Group: Decodable {
      var metrics: [String: Metric]?
    }

    struct Metric: Decodable {
      var leftOut: [Reason]?

      enum CodingKeys: String, CodingKey {
        case leftOut = "left_out"
      }
    }

    struct Reason: Decodable {
      var reason: String
      var count: Int
    }

    var groups: [Group]?
  }

  /// Returns what the JSON of a report says, by metric and then by count. Empty if it says nothing.
  package static func all(in json: [UInt8]) -> [LeftOut] {
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(json)) else { return [] }
    let found = (answer.groups ?? []).flatMap { group in
      (group.metrics ?? [:]).flatMap { name, metric in
        (metric.leftOut ?? []).filter { $0.count > 0 }.map { LeftOut(metric: name, reason: $0.reason, count: $0.count) }
      }
    }
    return found.sorted { ($0.metric, -$0.count, $0.reason) < ($1.metric, -$1.count, $1.reason) }
  }
}
