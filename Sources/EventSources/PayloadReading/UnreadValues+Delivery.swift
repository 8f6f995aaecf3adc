package import ValueStreamCore

extension UnreadValues {
  /// Nil if the document was read completely, or not at all.
  package init?(in delivery: Delivery) {
    guard let unread = try? PayloadBody.document(of: delivery).unread, unread.count > 0 else { return nil }
    self.init(count: unread.count, paths: unread.paths)
  }
}
