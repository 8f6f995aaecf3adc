package import ValueStreamCore

/// Attributes for backends whose tags are texts.
extension AttributeValue {
  /// The value as a text: numbers and truth values as JSON writes them, a list as a JSON array; nil for null.
  package var tagText: String? {
    switch self {
    case .string(let text): text
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number) where !number.isFinite: "\(number)"
    case .double, .strings: JSONText.of { $0.value(self) }
    case .null: nil
    }
  }
}

/// JSON within a text.
package enum JSONText {
  package static func of(_ write: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter()
    write(&json)
    return String(decoding: json.bytes, as: UTF8.self)
  }
}

extension JSONWriter {
  /// The object of these attributes, each name once.
  package mutating func object(of attributes: [Attribute]) {
    object { json in
      for attribute in attributes {
        json.name(attribute.name)
        json.value(attribute.value)
      }
    }
  }
}
