import Payloads
import ValueStreamCore

/// Attributes that a sender names itself: the members of an object, in the order in which they were sent.
enum CustomHTTPAttributes {
  /// Entries past this many, and names or texts past their bounds, are left out: an event is no document store.
  private static let entryLimit = 256
  private static let textLimit = 16_384

  /// Objects within are flattened to `outer.inner`. Of what is no object there are none.
  static func flatten(_ object: JSONValue) -> [Attribute] {
    var attributes: [Attribute] = []
    flatten(object, prefix: "", into: &attributes)
    return attributes
  }

  private static func flatten(_ object: JSONValue, prefix: String, into attributes: inout [Attribute]) {
    for (name, value) in object.members {
      guard attributes.count < entryLimit else { return }
      guard prefix.utf8.count + name.utf8.count <= CustomHTTPMembers.nameLimit else { continue }
      if value.isObject {
        flatten(value, prefix: "\(prefix)\(name).", into: &attributes)
      } else if let text = value.string, text.utf8.count > textLimit {
        continue
      } else {
        attributes.append(Attribute(prefix + name, attributeValue(value)))
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
