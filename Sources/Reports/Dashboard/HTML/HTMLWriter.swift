import Charts

/// Writes HTML and SVG elements. Every text and attribute value is escaped; nothing writes raw markup.
///
/// Names of elements and attributes are fixed in the code: see ``HTMLTag`` and ``HTMLAttribute``.
struct HTMLWriter {
  private(set) var bytes: [UInt8] = []
  /// What precedes the path of every address inside the dashboard: empty, or a path such as `/valuestream`.
  let base: String
  /// The patterns that the page defines already.
  var patterns: Set<String> = []

  init(base: String = "") {
    self.base = base
    bytes.reserveCapacity(32 << 10)
  }

  /// Writes `<!DOCTYPE html>`.
  mutating func documentType() {
    put("<!DOCTYPE html>\n")
  }

  /// Writes an element with what `content` writes.
  mutating func element(
    _ tag: HTMLTag, _ attributes: HTMLAttribute?..., content: (inout HTMLWriter) throws -> Void
  ) rethrows {
    open(tag, attributes)
    try content(&self)
    close(tag)
  }

  /// Writes an element with a text.
  mutating func element(_ tag: HTMLTag, _ attributes: HTMLAttribute?..., text: String) {
    open(tag, attributes)
    MarkupText.append(text, to: &bytes)
    close(tag)
  }

  /// Writes an element without content.
  mutating func element(_ tag: HTMLTag, _ attributes: HTMLAttribute?...) {
    open(tag, attributes)
    close(tag)
  }

  /// Writes an element that has neither content nor an end tag.
  mutating func void(_ tag: HTMLVoidTag, _ attributes: HTMLAttribute?...) {
    start(tag.rawValue, attributes)
    put(">")
  }

  /// Writes preformatted text and keeps its line breaks.
  mutating func preformatted(_ attributes: HTMLAttribute?..., text: String) {
    start("pre", attributes)
    // HTML drops a line break right after the start tag.
    put(">\n")
    MarkupText.append(text, to: &bytes, keepsLines: true)
    put("</pre>\n")
  }

  /// Writes a text between elements.
  mutating func text(_ text: String) {
    MarkupText.append(text, to: &bytes)
  }

  /// Writes a text from a payload, isolated so that its writing direction cannot reorder the page.
  mutating func foreign(_ text: String, _ attributes: HTMLAttribute?...) {
    open(.bdi, attributes)
    MarkupText.append(text, to: &bytes)
    close(.bdi)
  }

  // MARK: Bytes

  private mutating func open(_ tag: HTMLTag, _ attributes: [HTMLAttribute?]) {
    start(tag.rawValue, attributes)
    put(">")
  }

  private mutating func start(_ name: String, _ attributes: [HTMLAttribute?]) {
    put("<")
    put(name)
    for case let attribute? in attributes {
      put(" ")
      put(attribute.name)
      guard let value = attribute.value else { continue }
      put("=\"")
      if attribute.isAddress { MarkupText.append(base, to: &bytes) }
      MarkupText.append(value, to: &bytes)
      put("\"")
    }
  }

  private mutating func close(_ tag: HTMLTag) {
    put("</")
    put(tag.rawValue)
    put(tag.isBlock ? ">\n" : ">")
  }

  /// Writes a name of this code.
  private mutating func put(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }
}
