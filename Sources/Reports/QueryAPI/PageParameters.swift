/// Which page of a list is asked for, and how long it may be.
struct PageParameters {
  private(set) var limit: Int
  /// The `next` of the page before; nil for the first.
  private(set) var cursor: UInt64?
  private let limits: ClosedRange<Int>

  static let names = "limit, cursor"

  init(limit: Int, limits: ClosedRange<Int>) {
    self.limit = limit
    self.limits = limits
  }

  /// Takes in one parameter; false when it is none of these.
  mutating func take(_ name: String, _ value: String) throws(QueryError) -> Bool {
    switch name {
    case "limit":
      guard let number = Int(value), limits.contains(number) else {
        throw QueryError(name, value, expected: "a number from \(limits.lowerBound) to \(limits.upperBound)")
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
