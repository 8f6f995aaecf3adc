/// A position in a list that is read by number, newest first. New records move all others down.
package struct NumberedCursor: Sendable, Hashable, CustomStringConvertible {
  /// The next page or element to request.
  package var position: Int
  /// The number of the last record read. Records with this or a greater number are repetitions.
  package var last: Int64

  /// Starts at a position, before any record is read.
  package init(position: Int) {
    self.position = position
    last = .max
  }

  package init(position: Int, last: Int64) {
    self.position = position
    self.last = last
  }

  /// Parses the text of ``description``; nil for other text.
  package init?(_ text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let position = Int(parts[0]), (0...1 << 40).contains(position), let last = Int64(parts[1]) else {
      return nil
    }
    self.init(position: position, last: last)
  }

  package var description: String { "\(position):\(last)" }
}
