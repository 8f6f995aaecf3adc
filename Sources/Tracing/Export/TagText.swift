package import ValueStreamCore

/// Text values of attributes, for backends that only have text tags.
extension AttributeValue {
  /// The value as text; nil for null. Numbers and Booleans are written as in JSON, a list as a JSON array.
  ///
  /// NaN and infinite numbers, which JSON does not have, are written as Swift prints them.
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

/// Writes JSON into a string, for tags that hold JSON.
package enum JSONText {
  package static func of(_ write: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter()
    write(&json)
    return String(decoding: json.bytes, as: UTF8.self)
  }
}

extension JSONWriter {
  /// Writes an object with these attributes. Each name must occur only once.
  package mutating func object(of attributes: [Attribute]) {
    object { json in
      for attribute in attributes {
        json.name(attribute.name)
        json.value(attribute.value)
      }
    }
  }
}
