/// The value of an attribute: the OpenTelemetry types, plus `null` for classic tags without a value.
public enum AttributeValue: Sendable, Hashable {
  case string(String)
  case int(Int64)
  case double(Double)
  case bool(Bool)
  case strings([String])
  /// Only in classic tags, such as `scm.branch` of a Jenkins build without a branch. Exporters omit it.
  case null
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// The naming scheme of an attribute. `--attributes` selects which schemes exporters send.
public enum AttributeVocabulary: UInt8, Sendable, Hashable, CaseIterable {
  /// OpenTelemetry semantic conventions, and `valuestream.*` where they define no name.
  case semantic = 0
  /// The tag names of the Go ValueStream, which existing dashboards query.
  case classic = 1
}

/// A named value on a span, span event or link, in one vocabulary.
public struct Attribute: Sendable, Hashable {
  public var name: String
  public var value: AttributeValue
  public var vocabulary: AttributeVocabulary

  public init(_ name: String, _ value: AttributeValue, vocabulary: AttributeVocabulary = .semantic) {
    self.name = name
    self.value = value
    self.vocabulary = vocabulary
  }
}

extension [Attribute] {
  /// Appends a semantic attribute unless the value is nil.
  public mutating func add(_ name: String, _ value: String?) {
    if let value { append(Attribute(name, .string(value))) }
  }

  /// Appends a semantic attribute unless the value is nil.
  public mutating func add(_ name: String, _ value: Int64?) {
    if let value { append(Attribute(name, .int(value))) }
  }

  /// Appends a semantic attribute unless the value is nil.
  public mutating func add(_ name: String, _ value: Bool?) {
    if let value { append(Attribute(name, .bool(value))) }
  }

  /// Appends a semantic attribute unless the value is nil.
  ///
  /// An empty list clears an earlier value (for example, when the last label is removed) and is not shown.
  public mutating func add(_ name: String, _ value: [String]?) {
    if let value { append(Attribute(name, .strings(value))) }
  }

  /// The text of the first semantic attribute with this name; nil if there is none, it is empty or it has another type.
  package func text(of name: String) -> String? {
    if case .string(let text) = value(of: name), !text.isEmpty { text } else { nil }
  }

  /// The value of the first attribute with this name in the vocabulary; nil if there is none.
  public func value(of name: String, in vocabulary: AttributeVocabulary = .semantic) -> AttributeValue? {
    // Comparing the sizes first saves most comparisons of texts. A closure would retain each value.
    let size = name.utf8.count
    for index in indices
    where self[index].vocabulary == vocabulary && self[index].name.utf8.count == size && self[index].name == name {
      return self[index].value
    }
    return nil
  }

  /// The last attribute with this name in the vocabulary; nil if there is none.
  func last(named name: String, in vocabulary: AttributeVocabulary = .semantic) -> Attribute? {
    let size = name.utf8.count
    for index in indices.reversed()
    where self[index].vocabulary == vocabulary && self[index].name.utf8.count == size && self[index].name == name {
      return self[index]
    }
    return nil
  }
}
