import ValueStreamCore

/// What pages say about an item that a span links to, such as a change that a deploy brought.
struct LinkedItem {
  let name: String
  /// The title that people gave to the item; nil if it has none.
  var title: String?
  var author: String?
  var project: String?
  /// Nil if the item has no span.
  var start: Timestamp?
  var end: Timestamp?
}

extension LinkedItem {
  init(_ subject: Subject) {
    let span = subject.spans().last
    self.init(
      name: subject.name, title: subject.givenTitle, author: span?.author, project: span?.project,
      start: span.flatMap { $0.isStartUnknown ? nil : $0.start }, end: span?.end)
  }
}
