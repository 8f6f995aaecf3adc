/// Values of a delivery that valid JSON may hold and no type can: numbers beyond 64 bits or a double, halves of surrogate pairs.
///
/// Such a number is read as null, such a half as U+FFFD; everything else of the delivery counts.
package struct UnreadValues: Sendable, Hashable {
  package var count: Int
  /// Where they stand, as JSON paths: the first few.
  package var paths: [String]

  package init(count: Int, paths: [String]) {
    self.count = count
    self.paths = paths
  }

  /// One line for people.
  package var explanation: String {
    let values = count == 1 ? "1 value" : "\(count) values"
    let more = count > paths.count && !paths.isEmpty ? " and elsewhere" : ""
    return "\(values) read as null or U+FFFD, because no type can hold what was sent: \(paths.joined(separator: ", "))\(more)"
  }
}

extension JSONWriter {
  /// `"unread":{"values":2,"paths":["$.id"]}`; nothing where all was read.
  package mutating func member(_ unread: UnreadValues?) {
    guard let unread else { return }
    name("unread")
    object { json in
      json.member("values", unread.count)
      json.name("paths")
      json.array(unread.paths) { $0.value($1) }
    }
  }
}
