/// Which attributes exporters send: `--attributes`.
public enum AttributeSelection: String, Sendable, Hashable, CaseIterable {
  case both
  /// Semantic conventions only.
  case semconv
  /// The Go ValueStream's tags only.
  case classic

  /// The attributes to send, each name once; where both vocabularies use one, the semantic value counts.
  ///
  /// - Parameter attributes: sorted by name, semantic before classic, as spans have them.
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
