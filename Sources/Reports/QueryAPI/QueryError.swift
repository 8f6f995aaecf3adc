/// An invalid query parameter. The handlers answer it with status 400.
struct QueryError: Error {
  var detail: String

  init(_ detail: String) {
    self.detail = detail
  }

  init(_ name: String, _ value: String, expected: String) {
    detail = "\(name)=\(value): expected \(expected)"
  }

  init(unknown name: String, known: String) {
    detail = "\(name) is no parameter of this list; known are \(known)"
  }
}
