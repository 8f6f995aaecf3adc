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

    func text(_ name: String) throws(PayloadError) -> String? {
      let value = members[name.lowercased()]
      let text = value?.string ?? value?.int.map(String.init)
      if let text, text.utf8.count > Self.nameLimit {
        throw PayloadError(.missingIdentity, path: "$.\(name)", reason: "expected at most \(Self.nameLimit) bytes")
      }
      return text?.isEmpty == false ? text : nil
    }
    func require(_ name: String) throws(PayloadError) -> String {
      guard let text = try text(name) else {
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
    namespace = try text("namespace") ?? ""
    parentID = try text("parentId")
    isError = members["error"]?.bool ?? false
    var metadata: [(name: String, value: AttributeValue)] = []
    if let object = members["metadata"] { Self.flatten(object, prefix: "", into: &metadata) }
    self.metadata = metadata
  }

  /// Ids, types and namespaces are names; a name of more bytes is a mistake.
  private static let nameLimit = 1024
  /// Entries past this many, and names or texts past their bounds, are left out: an event is no document store.
  private static let entryLimit = 256
  private static let textLimit = 16_384

  private static func flatten(
    _ object: JSONValue, prefix: String, into metadata: inout [(name: String, value: AttributeValue)]
  ) {
    for (name, value) in object.members {
      guard metadata.count < entryLimit else { return }
      guard prefix.utf8.count + name.utf8.count <= nameLimit else { continue }
      if value.isObject {
        flatten(value, prefix: "\(prefix)\(name).", into: &metadata)
      } else if let text = value.string, text.utf8.count > textLimit {
        continue
      } else {
        metadata.append((prefix + name, attributeValue(value)))
      }
    }
  }

  private static func attributeValue(_ value: JSONValue) -> AttributeValue {
    if let text = value.string { return .string(text) }
    if let number = value.int { return .int(number) }
    if let number = value.double { return .double(number) }
    if let flag = value.bool { return .bool(flag) }
    if value.isNull { return .null }
    return .strings(
      value.elements.prefix(entryLimit).map { $0.string ?? $0.int.map(String.init) ?? $0.double.map { "\($0)" } ?? "" })
  }
}
