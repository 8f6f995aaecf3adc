/// Writes SVG elements and escapes their texts and attributes.
struct SVGWriter {
  private(set) var text = ""
  private var depth = 0

  /// Writes an element without content.
  mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String>) {
    open(name, attributes, end: "/>")
  }

  /// Writes an element with text content.
  mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text content: String) {
    open(name, attributes, end: ">")
    text.removeLast()
    text += Self.escaped(content) + "</\(name)>\n"
  }

  /// Writes an element with child elements.
  mutating func element(
    _ name: String, _ attributes: KeyValuePairs<String, String>, _ content: (inout SVGWriter) -> Void
  ) {
    open(name, attributes, end: ">")
    depth += 1
    content(&self)
    depth -= 1
    text += indentation + "</\(name)>\n"
  }

  /// Writes a style sheet. It is not escaped, hence a static string.
  mutating func style(_ rules: StaticString) {
    text += indentation + "<style>\n\(rules)\(indentation)</style>\n"
  }

  private var indentation: String { String(repeating: " ", count: depth) }

  private mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String>, end: String) {
    text += indentation + "<" + name
    for (name, value) in attributes { text += " \(name)=\"\(Self.escaped(value))\"" }
    text += end + "\n"
  }

  private static func escaped(_ text: String) -> String { MarkupText.escaped(text) }

  /// Returns a coordinate with at most one decimal.
  static func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded()
    guard abs(tenths) < 1e12 else { return "0" }
    let whole = Int(tenths)
    let sign = whole < 0 ? "-" : ""
    return whole % 10 == 0 ? "\(whole / 10)" : "\(sign)\(abs(whole) / 10).\(abs(whole) % 10)"
  }
}
