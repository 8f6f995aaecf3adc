/// An invalid query parameter. The handlers answer it with status 400.
struct QueryError: Error {
  var detail: String

  init(_ detail: String) {
    self.detail = detail
  }

  init(_ name: String, _ value: String, expected: String) {
    detail = "\(name)=\(value): expected \(expected)"
  }

  /// Returns the value of a parameter that must not be empty.
  static func text(_ name: String, _ value: String) throws(QueryError) -> String {
    if value.isEmpty { throw QueryError(name, value, expected: "a text; leave the parameter out to ask for all") }
    return value
  }

  init(unknown name: String, of place: String = "list", known: [APIParameter]) {
    detail = "\(name) is no parameter of this \(place); known are \(known.map(\.name).joined(separator: ", "))"
  }
}
