import Payloads
import ValueStreamCore

/// The members of one object of a custom event.
///
/// Their names match in any letter case, as the Go program's did; null and the empty text count as absent. What is there and
/// is not what it must be is an error, except where the Go program's senders may rely on its being overlooked.
struct CustomHTTPMembers {
  private let values: [String: JSONValue]
  /// Where the object stands: `$[2].references[1]`.
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

  /// The error of a member that is not what it must be.
  func error(_ name: String, _ reason: String) -> PayloadError {
    PayloadError(.missingIdentity, path: "\(path).\(name)", reason: reason)
  }

  // MARK: Texts

  /// A text or a whole number.
  func text(_ name: String) throws(PayloadError) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = Self.text(value) else { throw error(name, "expected a text") }
    return try PayloadName.checked(text, path: "\(path).\(name)")
  }

  /// The same; what is neither a text nor a whole number counts as absent.
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

  /// Nil also for what senders write where there is no time: zero, and times before 2 January 1970.
  func time(_ name: String) throws(PayloadError) -> Timestamp? {
    guard let value = self[name], !PayloadTime.isNone(value) else { return nil }
    guard let time = PayloadTime.read(value) else {
      throw error(name, "expected a time such as 2024-03-10T09:00:00Z, or whole seconds or milliseconds since 1970")
    }
    return time
  }

  /// An end of what began at a time, if both are known.
  ///
  /// One that is less than a second before the beginning is at the beginning: `date +%s` cuts off what the other clock tells.
  func end(_ end: Timestamp?, in name: String, of begin: Timestamp?) throws(PayloadError) -> Timestamp? {
    guard let begin, let end, end < begin else { return end }
    guard begin.seconds(since: end) < 1 else { throw error(name, "expected no time before startedAt") }
    return begin
  }

  /// A word of a vocabulary, in any letter case.
  func word<Word: RawRepresentable & CaseIterable>(
    _ name: String, of vocabulary: Word.Type
  ) throws(PayloadError) -> Word? where Word.RawValue == String {
    guard let text = try text(name) else { return nil }
    guard let word = Word(rawValue: text.lowercased()) else {
      throw error(name, "expected one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return word
  }

  /// The address of a page, without user and password, which may be a key.
  func address(_ name: String) throws(PayloadError) -> String? {
    guard let text = try text(name) else { return nil }
    guard CustomHTTPReference.isAddress(text) else { throw error(name, "expected an address such as https://ci.example.org/7") }
    return WebAddress.withoutUser(text)
  }

  /// The elements of a list, each with its path.
  func elements(_ name: String, atMost limit: Int) throws(PayloadError) -> [(value: JSONValue, path: String)] {
    guard let list = self[name] else { return [] }
    guard list.isArray else { throw error(name, "expected a list") }
    let elements = list.elements
    guard elements.count <= limit else { throw error(name, "expected at most \(limit) elements") }
    return elements.enumerated().map { ($1, "\(path).\(name)[\($0)]") }
  }

  /// The objects of a list.
  func objects(_ name: String, atMost limit: Int) throws(PayloadError) -> [CustomHTTPMembers] {
    var result: [CustomHTTPMembers] = []
    for element in try elements(name, atMost: limit) {
      result.append(try CustomHTTPMembers(element.value, path: element.path))
    }
    return result
  }

  /// Attributes under the sender's own names. Null is no attribute.
  func attributes(_ name: String) throws(PayloadError) -> [Attribute] {
    guard let object = self[name] else { return [] }
    guard object.isObject else { throw error(name, "expected an object") }
    return CustomHTTPAttributes.flatten(object).filter { $0.value != .null }
  }
}
