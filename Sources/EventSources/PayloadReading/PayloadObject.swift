package import ValueStreamCore

/// An object of a payload, with its JSON path for error messages.
///
/// Optional readers return nil if a member is absent, null or of another type, because a payload may lack any member. The
/// `require` readers throw an error that names the path and the value found there.
package struct PayloadObject {
  package let value: JSONValue
  private let place: Place

  /// The place of an object in its payload. Only error messages need it as a text.
  private indirect enum Place {
    case named(String)
    case member(Place, StaticString)
    case element(Place, StaticString, Int)

    var path: String {
      switch self {
      case .named(let path): path
      case .member(let parent, let name): "\(parent.path).\(name)"
      case .element(let parent, let name, let index): "\(parent.path).\(name)[\(index)]"
      }
    }
  }

  /// The JSON path of the object: `$.issue`.
  package var path: String { place.path }

  package init?(_ value: JSONValue?, path: String) {
    self.init(value, at: .named(path))
  }

  private init?(_ value: JSONValue?, at place: @autoclosure () -> Place) {
    guard let value, value.isObject else { return nil }
    self.value = value
    self.place = place()
  }

  /// Takes the root object of a document.
  ///
  /// - Throws: `missingIdentity` if the root is not an object.
  package init(root document: JSONDocument) throws(PayloadError) {
    guard let root = PayloadObject(document.root, path: "$") else {
      throw PayloadError(.missingIdentity, reason: "expected an object")
    }
    self = root
  }

  /// True if the member exists, even if it is null.
  package func has(_ name: StaticString) -> Bool { value[name] != nil }

  package func object(_ name: StaticString) -> PayloadObject? {
    PayloadObject(value[name], at: .member(place, name))
  }

  /// Returns the objects of a list, among its first elements; empty if the member is not a list.
  ///
  /// - Parameter limit: the number of elements that are read.
  package func objects(_ name: StaticString, limit: Int = Self.elementLimit) -> [PayloadObject] {
    guard let elements = value[name]?.elements else { return [] }
    return elements.prefix(limit).enumerated().compactMap { PayloadObject($1, at: .element(place, name, $0)) }
  }

  /// Returns a string, cut to ``textLimit`` bytes.
  package func string(_ name: StaticString) -> String? {
    guard let text = value[name]?.string else { return nil }
    return text.utf8.count <= Self.textLimit ? text : String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self)
  }

  /// Returns a long text, such as the body of a pull request, cut to ``longTextLimit`` bytes.
  package func longString(_ name: StaticString) -> String? {
    guard let text = value[name]?.string else { return nil }
    return text.utf8.count <= Self.longTextLimit ? text : String(decoding: text.utf8.prefix(Self.longTextLimit), as: UTF8.self)
  }

  /// Returns a long text that is not empty, such as a commit message, cut to ``longTextLimit`` bytes.
  package func longText(_ name: StaticString) -> String? {
    guard let text = longString(name), !text.isEmpty else { return nil }
    return text
  }

  /// Returns a string that is not empty, cut to ``textLimit`` bytes.
  package func text(_ name: StaticString) -> String? {
    guard let text = string(name), !text.isEmpty else { return nil }
    return text
  }

  /// Returns an id, which may be a string or a whole number.
  package func identifier(_ name: StaticString = "id") -> String? {
    text(name) ?? int(name).map(String.init)
  }

  /// Returns the strings of a list, without those longer than ``textLimit``; nil if the member is not a list.
  package func texts(_ name: StaticString) -> [String]? {
    guard let value = value[name], value.isArray else { return nil }
    return value.elements.prefix(Self.elementLimit).compactMap(\.string).filter { $0.utf8.count <= Self.textLimit }
  }

  /// The longest string in bytes: longer than any name or title, but short enough to keep spans small.
  static let textLimit = 16_384
  /// The longest body that GitHub accepts, in bytes: 65,536 characters of up to four bytes.
  static let longTextLimit = 262_144
  /// The number of elements that are read of one list.
  package static let elementLimit = 1000

  package func int(_ name: StaticString) -> Int64? { value[name]?.int }

  package func bool(_ name: StaticString) -> Bool? { value[name]?.bool }

  /// Returns a time in any format that ``PayloadTime`` accepts.
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

  /// Returns the error for a member that is absent or of the wrong type.
  package func missing(_ name: StaticString, expected: String) -> PayloadError {
    let found = value[name].map(Self.describe) ?? "nothing"
    return PayloadError(.missingIdentity, path: path(of: name), reason: "expected \(expected), found \(found)")
  }

  private func path(of name: StaticString) -> String { Place.member(place, name).path }

  private static func describe(_ value: JSONValue) -> String {
    if value.isNull { return "null" }
    if value.isObject { return "an object" }
    if value.bool != nil { return "a truth value" }
    if value.double != nil { return "a number" }
    if let string = value.string { return string.isEmpty ? "an empty text" : "a text" }
    return "an array"
  }
}

/// Parses times in the formats that vendors send.
package enum PayloadTime {
  /// Parses the ISO 8601 forms of ``Timestamp/init(rfc3339:)``, and Unix times in seconds or milliseconds.
  ///
  /// A number from 1e11 on counts as milliseconds (in seconds it would be the year 5138).
  ///
  /// Returns nil for values that vendors send for "none": zero, the Unix epoch in any time zone, and earlier years such
  /// as the year 1. Also nil for other formats such as microseconds, and for times after the year 2199.
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

  /// True for values that senders write when there is no time.
  ///
  /// These are null, zero and negative numbers, and texts with a time before 2 January 1970, such as
  /// `0001-01-01T00:00:00Z`. Use it in sources that reject a member which is neither a time nor one of these values.
  package static func isNone(_ value: JSONValue) -> Bool {
    if value.isNull { return true }
    guard let text = value.string else { return value.double.map { $0 < Double(earliest.seconds) } ?? false }
    if let time = Timestamp(rfc3339: text) { return time < earliest }
    // `Timestamp` does not parse earlier years. Check the rest of the text with the year 2000, which has every possible
    // day.
    guard let year = Int(text.prefix(4)), (0...1970).contains(year), text.utf8.count > 4 else { return false }
    return Timestamp(rfc3339: "2000\(text.dropFirst(4))") != nil
  }

  /// One day after the Unix epoch. Midnight of 1 January 1970 is earlier than this in every time zone.
  private static let earliest = Timestamp(seconds: 86_400)

  /// From here on a number counts as microseconds. In milliseconds it is the year 2255; in microseconds, 1970.
  private static let microseconds: Int64 = 9_000_000_000_000
}
