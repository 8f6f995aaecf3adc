import Charts

/// Writes HTML elements and escapes their texts and attributes. Only static strings and charts are written as they are.
struct HTMLWriter {
  private(set) var text = "<!doctype html>\n"

  /// Writes an element with text content.
  mutating func element(_ name: StaticString, _ attributes: KeyValuePairs<String, String> = [:], text content: String) {
    open(name, attributes)
    text += MarkupText.escaped(content)
    text += "</\(name)>\n"
  }

  /// Writes an element with child elements.
  mutating func element(
    _ name: StaticString, _ attributes: KeyValuePairs<String, String> = [:], _ content: (inout HTMLWriter) -> Void
  ) {
    open(name, attributes)
    text += "\n"
    content(&self)
    text += "</\(name)>\n"
  }

  /// Writes an element that has no content and no end.
  mutating func empty(_ name: StaticString, _ attributes: KeyValuePairs<String, String>) {
    open(name, attributes)
    text += "\n"
  }

  mutating func style(_ rules: StaticString) {
    text += "<style>\n\(rules)</style>\n"
  }

  /// Writes a chart, which escapes its own texts.
  mutating func chart(_ svg: String) {
    text += svg
  }

  private mutating func open(_ name: StaticString, _ attributes: KeyValuePairs<String, String>) {
    text += "<\(name)"
    for (name, value) in attributes { text += " \(name)=\"\(MarkupText.escaped(value))\"" }
    text += ">"
  }
}
