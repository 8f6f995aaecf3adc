import PayloadReading
import ValueStreamCore

/// Reads attributes that the sender names itself: the members of an object, in the order in which they were sent.
enum CustomHTTPAttributes {
  /// The limits of entries, and of bytes in a text. What exceeds a limit is dropped: an event is not a document
  /// store.
  private static let entryLimit = 256
  private static let textLimit = 16_384

  /// Returns the members as attributes. Nested objects are flattened to `outer.inner`. Empty if the value is not an
  /// object.
  static func flatten(_ object: JSONValue) -> [Attribute] {
    var attributes: [Attribute] = []
    flatten(object, prefix: "", into: &attributes)
    return attributes
  }

  private static func flatten(_ object: JSONValue, prefix: String, into attributes: inout [Attribute]) {
    for (name, value) in object.members {
      guard attributes.count < entryLimit else { return }
      guard prefix.utf8.count + name.utf8.count <= PayloadName.limit else { continue }
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
    return .strings(texts(value.elements))
  }

  /// Returns the elements of a list as texts. Drops elements that have no text form, and what exceeds the limits of
  /// one text.
  private static func texts(_ elements: JSONElements) -> [String] {
    var texts: [String] = []
    var size = 0
    for element in elements.prefix(entryLimit) {
      guard let text = text(element), size + text.utf8.count <= textLimit else { continue }
      size += text.utf8.count
      texts.append(text)
    }
    return texts
  }

  private static func text(_ value: JSONValue) -> String? {
    value.string ?? value.int.map(String.init) ?? value.double.map { "\($0)" } ?? value.bool.map { "\($0)" }
  }
}
