package import ValueStreamCore

/// The place in a list that is sorted by the time of the last update, newest first, and read by page number.
///
/// A record that is updated while the list is read moves to its top. So the top is read again at the end, up to what was updated before
/// the import began.
package struct UpdatedListCursor: CustomStringConvertible {
  package var page = 1
  package var isAgain = false

  package init(_ text: String?) {
    guard let text else { return }
    isAgain = text.hasPrefix("again:")
    page = max(1, Int(isAgain ? text.dropFirst(6) : text[...]) ?? 1)
  }

  package var description: String { isAgain ? "again:\(page)" : "\(page)" }

  /// Returns the cursor of the next page; nil at the end.
  ///
  /// - Parameters:
  ///   - isOver: true if no page follows that is wanted.
  ///   - last: when the last record of the page was updated.
  package func next(isOver: Bool, hasMore: Bool, last: Timestamp?, began: Timestamp) -> String? {
    var next = self
    if isAgain {
      guard hasMore, let last, last >= began else { return nil }
      next.page += 1
    } else if isOver {
      // A single page has nothing that could move past it.
      if page == 1 { return nil }
      (next.page, next.isAgain) = (1, true)
    } else {
      next.page += 1
    }
    return next.description
  }
}
