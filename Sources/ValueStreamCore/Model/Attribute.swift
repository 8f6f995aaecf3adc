/// The value of an attribute: the types OpenTelemetry knows, plus `null` for the classic tags that carry one.
public enum AttributeValue: Sendable, Hashable {
  case string(String)
  case int(Int64)
  case double(Double)
  case bool(Bool)
  case strings([String])
  /// Only in classic tags (`scm.branch` of a Jenkins build without a branch); exporters leave it out.
  case null
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Which reader an attribute is for; `--attributes` chooses between them.
public enum AttributeVocabulary: UInt8, Sendable, Hashable, CaseIterable {
  /// OpenTelemetry semantic conventions, and `valuestream.*` for what they do not name.
  case semantic = 0
  /// The tag names of the Go ValueStream, which existing dashboards query.
  case classic = 1
}

/// One named fact about a span.
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
  /// Adds an attribute of the semantic vocabulary unless the value is absent.
  public mutating func add(_ name: String, _ value: String?) {
    if let value { append(Attribute(name, .string(value))) }
  }

  /// Adds an attribute of the semantic vocabulary unless the value is absent.
  public mutating func add(_ name: String, _ value: Int64?) {
    if let value { append(Attribute(name, .int(value))) }
  }

  /// Adds an attribute of the semantic vocabulary unless the value is absent.
  public mutating func add(_ name: String, _ value: Bool?) {
    if let value { append(Attribute(name, .bool(value))) }
  }

  /// Adds an attribute of the semantic vocabulary unless the value is absent. An empty list takes back what was said before (the
  /// last label is gone), and is not shown.
  public mutating func add(_ name: String, _ value: [String]?) {
    if let value { append(Attribute(name, .strings(value))) }
  }

  /// The text of the first attribute of that name; nil where it has another type, or says nothing.
  package func text(of name: String) -> String? {
    if case .string(let text) = value(of: name), !text.isEmpty { text } else { nil }
  }

  /// The value of the first attribute of that name.
  public func value(of name: String, in vocabulary: AttributeVocabulary = .semantic) -> AttributeValue? {
    first { $0.name == name && $0.vocabulary == vocabulary }?.value
  }
}
