/// A place in a list that is asked for by position, the newest first: what comes in meanwhile moves all others down.
package struct NumberedCursor: Sendable, Hashable, CustomStringConvertible {
  /// What is asked for next: the number of a page, or of an element.
  package var position: Int
  /// The number of the last thing that was read: those with greater ones were read, and come again.
  package var last: Int64

  /// The beginning.
  package init(position: Int) {
    self.position = position
    last = .max
  }

  package init(position: Int, last: Int64) {
    self.position = position
    self.last = last
  }

  /// Nil for a text that is none.
  package init?(_ text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let position = Int(parts[0]), (0...1 << 40).contains(position), let last = Int64(parts[1]) else {
      return nil
    }
    self.init(position: position, last: last)
  }

  package var description: String { "\(position):\(last)" }
}
