/// The attributes that exporters send, as set by `--attributes`.
public enum AttributeSelection: String, Sendable, Hashable, CaseIterable {
  case both
  /// Only semantic conventions.
  case semconv
  /// Only the tags of the Go ValueStream.
  case classic

  /// Returns the attributes to send, each name once. If both vocabularies use a name, the semantic value wins.
  ///
  /// - Parameter attributes: Sorted by name, semantic before classic, as in ``Span/attributes``.
  public func select(_ attributes: [Attribute]) -> [Attribute] {
    var selected: [Attribute] = []
    for attribute in attributes where includes(attribute.vocabulary) {
      if selected.last?.name != attribute.name { selected.append(attribute) }
    }
    return selected
  }

  func includes(_ vocabulary: AttributeVocabulary) -> Bool {
    self == .both || (self == .classic) == (vocabulary == .classic)
  }
}
