/// An invalid query parameter. The handlers answer it with status 400.
struct QueryError: Error {
  var detail: String

  init(_ detail: String) {
    self.detail = detail
  }

  init(_ name: String, _ value: String, expected: String) {
    detail = "\(name)=\(value): expected \(expected)"
  }

  init(unknown name: String, of place: String = "list", known: [APIParameter]) {
    detail = "\(name) is no parameter of this \(place); known are \(known.map(\.name).joined(separator: ", "))"
  }
}
