/// The cursors of a list that were followed so far. Prevents an endless loop if a server repeats a cursor.
package struct CursorTrail {
  private let list: String
  private var followed: Set<String>

  /// Starts a trail.
  ///
  /// - Parameters:
  ///   - list: the name of the list, for messages.
  ///   - start: the cursor of the first page to read; nil to start at the beginning.
  package init(of list: String, from start: String? = nil) {
    self.list = list
    followed = start.map { [$0] } ?? []
  }

  /// Records the cursor of the next page.
  ///
  /// - Throws: `malformed` if that page was read before.
  package mutating func follow(_ cursor: String?) throws(APIError) {
    guard let cursor, !followed.insert(cursor).inserted else { return }
    throw APIError(.malformed, "\(list): the next page is one that was read already")
  }
}
