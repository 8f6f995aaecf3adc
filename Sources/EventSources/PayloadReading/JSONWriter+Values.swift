package import ValueStreamCore

extension JSONWriter {
  /// Writes a parsed value again.
  ///
  /// - Parameter isOmitted: true for the names of members to leave out, at any depth.
  package mutating func value(_ value: JSONValue, omitting isOmitted: (String) -> Bool = { _ in false }) {
    if value.isObject {
      object { json in
        for (name, member) in value.members where !isOmitted(name) {
          json.name(name)
          json.value(member, omitting: isOmitted)
        }
      }
    } else if value.isArray {
      array(Array(value.elements)) { $0.value($1, omitting: isOmitted) }
    } else if let text = value.string {
      self.value(text)
    } else if let number = value.int {
      self.value(number)
    } else if let flag = value.bool {
      self.value(flag)
    } else if let number = value.double {
      self.value(number)
    } else {
      self.value(nil as String?)
    }
  }
}
