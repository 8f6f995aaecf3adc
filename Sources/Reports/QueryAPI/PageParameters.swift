/// The query parameters that select a page of a list and its length.
struct PageParameters {
  private(set) var limit: Int
  /// The `next` of the previous page; nil for the first page.
  private(set) var cursor: UInt64?
  private let limits: ClosedRange<Int>

  /// Returns the declarations of the parameters.
  static func declarations(_ limits: ClosedRange<Int>) -> [APIParameter] {
    [
      APIParameter("limit", .integer(limits), "The length of a page."),
      APIParameter("cursor", .cursor, "The next of the page before, with the same parameters."),
    ]
  }

  init(limit: Int, limits: ClosedRange<Int>) {
    self.limit = limit
    self.limits = limits
  }

  /// Parses one parameter. Returns false if it is neither `limit` nor `cursor`.
  ///
  /// - Throws: ``QueryError`` for an invalid value.
  mutating func take(_ name: String, _ value: String) throws(QueryError) -> Bool {
    switch name {
    case "limit":
      guard let number = Int(value), limits.contains(number) else {
        throw QueryError(name, value, expected: APIParameter(name, .integer(limits), "").expectation)
      }
      limit = number
    case "cursor":
      guard let number = UInt64(value) else { throw QueryError(name, value, expected: "the \"next\" of an earlier answer") }
      cursor = number
    default: return false
    }
    return true
  }
}
