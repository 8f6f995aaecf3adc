import Payloads
import ValueStreamCore

/// The body of a custom event. Member names match in any letter case, as the Go program's did.
struct CustomHTTPPayload {
  enum Action: String {
    case start, end
  }

  let id: String
  let action: Action
  let type: String
  let namespace: String
  let parentID: String?
  let isError: Bool
  /// In the order in which they were sent; objects within are flattened to `outer.inner`.
  let metadata: [(name: String, value: AttributeValue)]

  init(_ document: JSONDocument) throws(PayloadError) {
    let root = try PayloadObject(root: document)
    var members: [String: JSONValue] = [:]
    for (name, value) in root.value.members { members[name.lowercased()] = value }

    func text(_ name: String) -> String? {
      let value = members[name.lowercased()]
      let text = value?.string ?? value?.int.map(String.init)
      return text?.isEmpty == false ? text : nil
    }
    func require(_ name: String) throws(PayloadError) -> String {
      guard let text = text(name) else {
        throw PayloadError(.missingIdentity, path: "$.\(name)", reason: "expected a text that is not empty")
      }
      return text
    }
    id = try require("id")
    type = try require("type")
    guard let action = Action(rawValue: try require("action").lowercased()) else {
      throw PayloadError(.missingIdentity, path: "$.action", reason: "expected \"start\" or \"end\"")
    }
    self.action = action
    namespace = text("namespace") ?? ""
    parentID = text("parentId")
    isError = members["error"]?.bool ?? false
    metadata = members["metadata"].map { Self.flatten($0, prefix: "") } ?? []
  }

  private static func flatten(_ object: JSONValue, prefix: String) -> [(name: String, value: AttributeValue)] {
    object.members.flatMap { name, value in
      value.isObject ? flatten(value, prefix: "\(prefix)\(name).") : [(name: prefix + name, value: attributeValue(value))]
    }
  }

  private static func attributeValue(_ value: JSONValue) -> AttributeValue {
    if let text = value.string { return .string(text) }
    if let number = value.int { return .int(number) }
    if let number = value.double { return .double(number) }
    if let flag = value.bool { return .bool(flag) }
    if value.isNull { return .null }
    return .strings(value.elements.map { $0.string ?? $0.int.map(String.init) ?? $0.double.map { "\($0)" } ?? "" })
  }
}
