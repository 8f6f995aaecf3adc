package import ValueStreamCore

/// Names of things as people and scripts write them, outside an event.
package enum CustomHTTPName {
  /// The names under which a thing that is called so may be known; nil for a text that names nothing.
  ///
  /// - Parameter text: what an event may name, the address of a card, or a script's own thing: `shop/42`.
  package static func references(_ text: String) -> [Reference]? {
    if let known = CustomHTTPReference.recognize(text, in: "") { return known.references }
    guard text.contains("/"), !text.contains(where: \.isWhitespace) else { return nil }
    return [Reference(CustomHTTPReference.isAddress(text) ? .address : .customID, text)]
  }
}
