/// A text that equals another one only if both have the same bytes, as stores compare names.
///
/// `String` also equates two encodings of the same accented letter. What a dictionary of strings finds for such a name depends on
/// which encoding came first.
package struct ExactText: Sendable, Hashable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (left: ExactText, right: ExactText) -> Bool { left.text.hasSameBytes(as: right.text) }
  package func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
  // swift-format-ignore: NoLeadingUnderscores
  package func _rawHashValue(seed: Int) -> Int { TextHash.hash(of: text, seed: seed) }
}
