import Foundation
import ValueStreamCore

/// The state that the simulated tools keep between the steps of a story.
struct ScenarioWorld {
  typealias Object = [String: Any]

  /// Repository and project ids by name. After a rename, both names have the same id.
  private var ids: [String: Int] = [:]
  /// The last payload object of each subject, by place and number.
  var subjects: [String: Object] = [:]

  mutating func id(of name: String) -> Int {
    if let known = ids[name] { return known }
    let id = 1000 + ids.count
    ids[name] = id
    return id
  }

  mutating func rename(_ old: String, to new: String) {
    ids[new] = id(of: old)
  }

  /// Returns a commit hash for a short name such as `c1`; the null hash for `none`.
  static func commit(_ name: String) -> String {
    name == "none" ? String(repeating: "0", count: 40) : String(hash(of: "commit \(name)").prefix(40))
  }

  /// Returns 64 hexadecimal digits that depend only on the text.
  static func hash(of text: String) -> String {
    let digest = SHA256.hash(of: text)
    return stride(from: 0, to: 32, by: 8).map { SpanID(rawValue: digest.word(at: $0)).description }.joined()
  }

  mutating func deliveries(of step: ScenarioStep) throws -> [Delivery] {
    switch step.vendor {
    case "github": try gitHub(step)
    case "gitlab": try gitLab(step)
    case "jira": try jira(step)
    case "jenkins": try jenkins(step)
    case "cdevents": try cdEvents(step)
    case "script": try script(step)
    default: throw ScenarioError("there is no tool \(step.vendor)")
    }
  }

  /// Returns a delivery that vsd receives one second after the event.
  static func delivery(
    _ source: String, at time: Timestamp, headers: HTTPHeaders = [:], _ body: Object
  ) throws -> Delivery {
    Delivery(
      source: source, received: time.advanced(bySeconds: 1), headers: headers,
      body: Array(try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])))
  }

  /// Changes the stored object of a subject, or creates it, and returns the result.
  mutating func subject(_ name: String, _ change: (inout Object) throws -> Void) rethrows -> Object {
    var object = subjects[name] ?? [:]
    try change(&object)
    subjects[name] = object
    return object
  }
}
