/// Values in valid JSON that no type can hold: numbers beyond 64 bits or a double, and unpaired surrogates.
///
/// Such a number is read as null and such a surrogate as U+FFFD. The rest of the delivery counts.
package struct UnreadValues: Sendable, Hashable {
  package var count: Int
  /// The JSON paths of the first few values.
  package var paths: [String]

  package init(count: Int, paths: [String]) {
    self.count = count
    self.paths = paths
  }

  /// A one-line description for people.
  package var explanation: String {
    let values = count == 1 ? "1 value" : "\(count) values"
    let more = count > paths.count && !paths.isEmpty ? " and elsewhere" : ""
    return "\(values) read as null or U+FFFD, because no type can hold what was sent: \(paths.joined(separator: ", "))\(more)"
  }
}

extension JSONWriter {
  /// Writes `"unread":{"values":2,"paths":["$.id"]}`, or nothing if all values were read.
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
