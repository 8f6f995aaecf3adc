/// The cursors of a list that were followed so far: a server that names one of them again would be asked for ever.
package struct CursorTrail {
  private let list: String
  private var followed: Set<String>

  /// - Parameters:
  ///   - list: what it is of, for messages.
  ///   - start: where it begins; nil for the first page.
  package init(of list: String, from start: String? = nil) {
    self.list = list
    followed = start.map { [$0] } ?? []
  }

  /// Goes on to a page.
  ///
  /// - Throws: when that was read before.
  package mutating func follow(_ cursor: String?) throws(APIError) {
    guard let cursor, !followed.insert(cursor).inserted else { return }
    throw APIError(.malformed, "\(list): the next page is one that was read already")
  }
}
