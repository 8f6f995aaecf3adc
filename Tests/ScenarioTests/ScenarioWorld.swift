import Foundation
import ValueStreamCore

/// Everything the tools of a story remember from one step to the next.
struct ScenarioWorld {
  typealias Object = [String: Any]

  /// Numbers of repositories and projects by their first names; another name of one leads to the same.
  private var ids: [String: Int] = [:]
  /// What was said of a thing before, by its place and number.
  var things: [String: Object] = [:]

  mutating func id(of name: String) -> Int {
    if let known = ids[name] { return known }
    let id = 1000 + ids.count
    ids[name] = id
    return id
  }

  mutating func rename(_ old: String, to new: String) {
    ids[new] = id(of: old)
  }

  /// A hash for a short name: `c1`.
  static func commit(_ name: String) -> String {
    name == "none" ? String(repeating: "0", count: 40) : String(hash(of: "commit \(name)").prefix(40))
  }

  /// Hexadecimal digits that look like chance.
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

  /// A delivery that is received a second after what it tells.
  static func delivery(
    _ source: String, at time: Timestamp, headers: HTTPHeaders = [:], _ body: Object
  ) throws -> Delivery {
    Delivery(
      source: source, received: time.advanced(bySeconds: 1), headers: headers,
      body: Array(try JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])))
  }

  /// Changes an object that was told before, or begins it.
  mutating func thing(_ name: String, _ change: (inout Object) throws -> Void) rethrows -> Object {
    var object = things[name] ?? [:]
    try change(&object)
    things[name] = object
    return object
  }
}
