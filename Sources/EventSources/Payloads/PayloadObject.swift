package import ValueStreamCore

/// An object of a payload that knows where it stands.
///
/// Optional readers answer nil for what is absent, null or of another type: a payload is never trusted to have any. The
/// `require` readers throw an error that names the path and what was found.
package struct PayloadObject {
  package let value: JSONValue
  /// As a JSON path: `$.issue`.
  package let path: String

  package init?(_ value: JSONValue?, path: String) {
    guard let value, value.isObject else { return nil }
    self.value = value
    self.path = path
  }

  /// The object a payload consists of.
  ///
  /// - Throws: when the document is no object.
  package init(root document: JSONDocument) throws(PayloadError) {
    guard let root = PayloadObject(document.root, path: "$") else {
      throw PayloadError(.missingIdentity, reason: "expected an object")
    }
    self = root
  }

  /// True when the member is there, even as null.
  package func has(_ name: StaticString) -> Bool { value[name] != nil }

  package func object(_ name: StaticString) -> PayloadObject? {
    PayloadObject(value[name], path: path(of: name))
  }

  package func objects(_ name: StaticString) -> [PayloadObject] {
    guard let elements = value[name]?.elements else { return [] }
    let path = path(of: name)
    return elements.prefix(Self.elementLimit).enumerated().compactMap { PayloadObject($1, path: "\(path)[\($0)]") }
  }

  /// A string; what it has beyond ``textLimit`` bytes is cut off.
  package func string(_ name: StaticString) -> String? {
    guard let text = value[name]?.string, text.utf8.count > Self.textLimit else { return value[name]?.string }
    return String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self)
  }

  /// What people write at length, such as the body of a pull request; what it has beyond ``longTextLimit`` bytes is cut off.
  package func longString(_ name: StaticString) -> String? {
    guard let text = value[name]?.string, text.utf8.count > Self.longTextLimit else { return value[name]?.string }
    return String(decoding: text.utf8.prefix(Self.longTextLimit), as: UTF8.self)
  }

  /// A long text that is not empty, such as the message of a commit, cut off like ``longString(_:)``.
  package func longText(_ name: StaticString) -> String? {
    guard let text = longString(name), !text.isEmpty else { return nil }
    return text
  }

  /// A string that is not empty, cut off like the others.
  package func text(_ name: StaticString) -> String? {
    guard let text = string(name), !text.isEmpty else { return nil }
    return text
  }

  /// An id, which may come as a text or as a whole number.
  package func identifier(_ name: StaticString = "id") -> String? {
    text(name) ?? int(name).map(String.init)
  }

  /// The texts of a list; nil when the member is no list.
  package func texts(_ name: StaticString) -> [String]? {
    guard let value = value[name], value.isArray else { return nil }
    return value.elements.prefix(Self.elementLimit).compactMap(\.string).filter { $0.utf8.count <= Self.textLimit }
  }

  /// Longer than any name or title, shorter than what would make a span a document.
  static let textLimit = 16_384
  /// The longest body that GitHub takes: 65,536 characters of four bytes.
  static let longTextLimit = 262_144
  /// Elements of one list that are read.
  static let elementLimit = 1000

  package func int(_ name: StaticString) -> Int64? { value[name]?.int }

  package func bool(_ name: StaticString) -> Bool? { value[name]?.bool }

  package func time(_ name: StaticString) -> Timestamp? { value[name].flatMap(PayloadTime.read) }

  package func requireObject(_ name: StaticString) throws(PayloadError) -> PayloadObject {
    guard let object = object(name) else { throw missing(name, expected: "an object") }
    return object
  }

  package func requireInt(_ name: StaticString) throws(PayloadError) -> Int64 {
    guard let value = int(name) else { throw missing(name, expected: "a whole number") }
    return value
  }

  package func requireText(_ name: StaticString) throws(PayloadError) -> String {
    guard let text = text(name) else { throw missing(name, expected: "a text that is not empty") }
    return text
  }

  /// The error of a member that is not what it must be.
  package func missing(_ name: StaticString, expected: String) -> PayloadError {
    let found = value[name].map(Self.describe) ?? "nothing"
    return PayloadError(.missingIdentity, path: path(of: name), reason: "expected \(expected), found \(found)")
  }

  private func path(of name: StaticString) -> String { "\(path).\(name)" }

  private static func describe(_ value: JSONValue) -> String {
    if value.isNull { return "null" }
    if value.isObject { return "an object" }
    if value.bool != nil { return "a truth value" }
    if value.double != nil { return "a number" }
    if let string = value.string { return string.isEmpty ? "an empty text" : "a text" }
    return "an array"
  }
}

/// Times in the forms vendors send them.
package enum PayloadTime {
  /// Reads the ISO 8601 forms of ``Timestamp/init(rfc3339:)``, and epochs in seconds or milliseconds, told apart by
  /// magnitude (milliseconds from 1e11 on, the year 5138 in seconds). Nil for what vendors send for "none": zero, the Unix epoch
  /// in any time zone, and years before it, such as the year 1; for what is neither form, as microseconds are; and for times after
  /// the year 2199.
  package static func read(_ value: JSONValue) -> Timestamp? {
    let time: Timestamp
    if let text = value.string {
      guard let read = Timestamp(rfc3339: text) else { return nil }
      time = read
    } else {
      guard let number = value.int, number > 0, number < microseconds else { return nil }
      let (nanoseconds, overflow) = number.multipliedReportingOverflow(
        by: number >= 100_000_000_000 ? 1_000_000 : 1_000_000_000)
      guard !overflow, let read = Timestamp(exactly: nanoseconds) else { return nil }
      time = read
    }
    return time >= earliest ? time : nil
  }

  /// True for what senders write where there is no time: null, zero and what is below it, and texts of times before 2 January 1970,
  /// such as `0001-01-01T00:00:00Z`.
  ///
  /// For sources that refuse what is neither a time nor none.
  package static func isNone(_ value: JSONValue) -> Bool {
    if value.isNull { return true }
    guard let text = value.string else { return value.double.map { $0 < Double(earliest.seconds) } ?? false }
    if let time = Timestamp(rfc3339: text) { return time < earliest }
    // Of an earlier year, and in order apart from that: 2000 has all days that a year can have.
    guard let year = Int(text.prefix(4)), (0...1970).contains(year), text.utf8.count > 4 else { return false }
    return Timestamp(rfc3339: "2000\(text.dropFirst(4))") != nil
  }

  /// One day after the Unix epoch: midnight of 1 January 1970 is earlier in every time zone.
  private static let earliest = Timestamp(seconds: 86_400)

  /// The year 2255 in milliseconds, 1970 in microseconds.
  private static let microseconds: Int64 = 9_000_000_000_000
}
