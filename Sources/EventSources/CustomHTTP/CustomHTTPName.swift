package import ValueStreamCore

/// Reads references that people and scripts write outside of custom events.
package enum CustomHTTPName {
  /// Returns the aliases of the subject that a text names; nil if the text names nothing.
  ///
  /// - Parameter text: a reference as in a custom event, the address of a card or other page, or the id of a custom
  ///   event after its namespace, such as `shop/42`.
  package static func references(_ text: String) -> [Reference]? {
    if let known = CustomHTTPReference.recognize(text, in: "") { return known.references }
    guard text.contains("/"), !text.contains(where: \.isWhitespace) else { return nil }
    return [Reference(CustomHTTPReference.isAddress(text) ? .address : .customID, text)]
  }
}
