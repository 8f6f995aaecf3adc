import PayloadReading
import ValueStreamCore

/// The members of one object in a custom event.
///
/// Names match in any letter case, as in the Go ValueStream. Null and the empty text count as absent. A value of the
/// wrong form is an error, except where senders for the Go ValueStream may rely on it being ignored.
struct CustomHTTPMembers {
  private let values: [String: JSONValue]
  /// The JSON path of the object, such as `$[2].references[1]`.
  let path: String

  init(_ value: JSONValue, path: String) throws(PayloadError) {
    guard value.isObject else { throw PayloadError(.missingIdentity, path: path, reason: "expected an object") }
    self.path = path
    var values: [String: JSONValue] = [:]
    for (name, value) in value.members { values[name.lowercased()] = value }
    self.values = values
  }

  subscript(name: String) -> JSONValue? {
    guard let value = values[name.lowercased()], !value.isNull, value.string?.isEmpty != true else { return nil }
    return value
  }

  /// Returns the error for a member with a wrong value.
  func error(_ name: String, _ reason: String) -> PayloadError {
    PayloadError(.missingIdentity, path: "\(path).\(name)", reason: reason)
  }

  // MARK: Texts

  /// Returns a text or a whole number as text. Nil if the member is absent.
  ///
  /// - Throws: if the value is neither, or too long.
  func text(_ name: String) throws(PayloadError) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = Self.text(value) else { throw error(name, "expected a text") }
    return try PayloadName.checked(text, path: "\(path).\(name)")
  }

  /// Like `text(_:)`, but returns nil for a value that is neither a text nor a whole number.
  func textIfAny(_ name: String) throws(PayloadError) -> String? {
    guard let text = self[name].flatMap(Self.text) else { return nil }
    return try PayloadName.checked(text, path: "\(path).\(name)")
  }

  func requireText(_ name: String) throws(PayloadError) -> String {
    guard let text = try textIfAny(name) else { throw error(name, "expected a text that is not empty") }
    return text
  }

  private static func text(_ value: JSONValue) -> String? { value.string ?? value.int.map(String.init) }

  // MARK: Other types

  /// Returns a time. Nil if the member is absent, or has a value that senders write for no time: zero, or a time
  /// before 2 January 1970.
  ///
  /// - Throws: if the value is not a time.
  func time(_ name: String) throws(PayloadError) -> Timestamp? {
    guard let value = self[name], !PayloadTime.isNone(value) else { return nil }
    guard let time = PayloadTime.read(value) else {
      throw error(name, "expected a time such as 2024-03-10T09:00:00Z, or whole seconds or milliseconds since 1970")
    }
    return time
  }

  /// Checks that an end is not before its start, if both are known, and returns the end.
  ///
  /// An end less than a second before the start becomes the start: `date +%s` cuts off fractions that another clock
  /// keeps.
  ///
  /// - Throws: if the end is earlier than that.
  func end(_ end: Timestamp?, in name: String, of begin: Timestamp?) throws(PayloadError) -> Timestamp? {
    guard let begin, let end, end < begin else { return end }
    guard begin.seconds(since: end) < 1 else { throw error(name, "expected no time before startedAt") }
    return begin
  }

  /// Returns a word of a vocabulary, which matches in any letter case. Nil if the member is absent.
  ///
  /// - Throws: if the vocabulary does not have the word.
  func word<Word: RawRepresentable & CaseIterable>(
    _ name: String, of vocabulary: Word.Type
  ) throws(PayloadError) -> Word? where Word.RawValue == String {
    guard let text = try text(name) else { return nil }
    guard let word = Word(rawValue: text.lowercased()) else {
      throw error(name, "expected one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  /// Returns the address of a page. Removes user and password, which may be secret.
  ///
  /// - Throws: if the text is not an HTTP or HTTPS address.
  func address(_ name: String) throws(PayloadError) -> String? {
    guard let text = try text(name) else { return nil }
    guard CustomHTTPReference.isAddress(text) else { throw error(name, "expected an address such as https://ci.example.org/7") }
    return WebAddress.withoutUser(text)
  }

  /// Returns the elements of a list, each with its JSON path. Empty if the list is absent.
  ///
  /// - Throws: if the value is not a list, or longer than the limit.
  func elements(_ name: String, atMost limit: Int) throws(PayloadError) -> [(value: JSONValue, path: String)] {
    guard let list = self[name] else { return [] }
    guard list.isArray else { throw error(name, "expected a list") }
    let elements = list.elements
    guard elements.count <= limit else { throw error(name, "expected at most \(limit) elements") }
    return elements.enumerated().map { ($1, "\(path).\(name)[\($0)]") }
  }

  /// Returns the elements of a list of objects.
  ///
  /// - Throws: as `elements(_:atMost:)`, and if an element is not an object.
  func objects(_ name: String, atMost limit: Int) throws(PayloadError) -> [CustomHTTPMembers] {
    var result: [CustomHTTPMembers] = []
    for element in try elements(name, atMost: limit) {
      result.append(try CustomHTTPMembers(element.value, path: element.path))
    }
    return result
  }

  /// Returns attributes under the sender's own names, without those that are null.
  ///
  /// - Throws: if the value is not an object.
  func attributes(_ name: String) throws(PayloadError) -> [Attribute] {
    guard let object = self[name] else { return [] }
    guard object.isObject else { throw error(name, "expected an object") }
    return CustomHTTPAttributes.flatten(object).filter { $0.value != .null }
  }
}
