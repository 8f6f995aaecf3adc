import ValueStreamCore

/// A query parameter, declared once for the parser, the errors and the OpenAPI description.
struct APIParameter: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// A text that is not empty.
    case text
    /// A text that may be empty.
    case name
    /// Such as `2026-03-01`.
    case date
    /// Dates separated by commas.
    case dates
    /// RFC 3339.
    case time
    /// Such as `90d`.
    case duration
    case integer(ClosedRange<Int>)
    case choice([String])
    /// One or more of these words, separated by commas.
    case choices([String])
    /// The `next` of an earlier answer.
    case cursor
  }

  var name: String
  var kind: Kind
  var help: String
  /// True if the parameter may be repeated.
  var isRepeatable = false

  init(_ name: String, _ kind: Kind, _ help: String, isRepeatable: Bool = false) {
    self.name = name
    self.kind = kind
    self.help = help
    self.isRepeatable = isRepeatable
  }

  /// What errors say of a value that the parameter does not take.
  var expectation: String {
    switch kind {
    case .text, .name: "a name"
    case .date: "a date such as 2026-03-01"
    case .dates: "dates such as 2026-12-24,2026-12-25"
    case .time: "a time such as 2026-03-01T08:00:00Z"
    case .duration: "a duration such as 90d or 12h"
    case .integer(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .choice(let words): words.count == 2 ? "\(words[0]) or \(words[1])" : "one of \(words.joined(separator: ", "))"
    case .choices(let words): "some of \(words.joined(separator: ", ")), separated by commas"
    case .cursor: "the \"next\" of an earlier answer"
    }
  }

  /// - Throws: ``QueryError`` if the value is none of this kind.
  func check(_ value: String) throws(QueryError) {
    let isValid =
      switch kind {
      case .text, .cursor: !value.isEmpty
      case .name: true
      case .date: Self.day(value) != nil
      case .dates: Self.words(in: value).allSatisfy { Self.day($0) != nil }
      case .time: Timestamp(rfc3339: value) != nil
      case .duration: (try? Duration(setting: value)).map { $0 > .zero } ?? false
      case .integer(let range): Int(value).map(range.contains) ?? false
      case .choice(let words): words.contains(value)
      case .choices(let words): Self.words(in: value).allSatisfy(words.contains) && !Self.words(in: value).isEmpty
      }
    guard isValid else { throw QueryError(name, value, expected: expectation) }
  }

  /// Returns a day in days since 1970-01-01. Nil if the text is no date such as `2026-03-01`.
  static func day(_ text: String) -> Int64? {
    guard text.utf8.count == 10 else { return nil }
    return Timestamp(rfc3339: "\(text)T00:00:00Z").map { $0.seconds / 86_400 }
  }

  /// The words of a list that is separated by commas.
  static func words(in value: String) -> [String] {
    value.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
  }

  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("name", name)
      json.member("in", "query")
      json.member("description", help)
      json.name("schema")
      json.object { json in
        if isRepeatable {
          json.member("type", "array")
          json.name("items")
          json.object { writeSchema(to: &$0) }
        } else {
          writeSchema(to: &json)
        }
      }
    }
  }

  private func writeSchema(to json: inout JSONWriter) {
    switch kind {
    case .integer(let range):
      json.member("type", "integer")
      json.member("minimum", range.lowerBound)
      json.member("maximum", range.upperBound)
    case .time:
      json.member("type", "string")
      json.member("format", "date-time")
    case .choice(let words):
      json.member("type", "string")
      json.name("enum")
      json.array(words) { $0.value($1) }
    case .choices(let words):
      let word = "(\(words.joined(separator: "|")))"
      json.member("type", "string")
      json.member("pattern", "^\(word)(,\(word))*$")
    case .duration:
      json.member("type", "string")
      json.member("pattern", "^(0|([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d))+)$")
    case .text, .cursor:
      json.member("type", "string")
      json.member("minLength", 1)
    case .name: json.member("type", "string")
    case .date:
      json.member("type", "string")
      json.member("format", "date")
    case .dates:
      json.member("type", "string")
      json.member("pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}(,[0-9]{4}-[0-9]{2}-[0-9]{2})*$")
    }
  }
}
