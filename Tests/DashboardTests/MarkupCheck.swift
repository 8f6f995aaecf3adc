import Testing

/// Reads a page as a browser does, and checks that it holds only what pages may hold.
struct MarkupCheck {
  private let html: String
  private static let voids: Set<String> = ["br", "hr", "input", "link", "meta"]

  init(_ html: String) {
    self.html = html
  }

  /// Checks that elements nest, that none is unknown, and that no attribute runs or styles anything.
  func expectSafe(sourceLocation: SourceLocation = #_sourceLocation) throws {
    var open: [String] = []
    let bytes = Array(html.utf8)
    var index = 0
    while let start = bytes[index...].firstIndex(of: UInt8(ascii: "<")) {
      index = start + 1
      if index < bytes.count, bytes[index] == UInt8(ascii: "!") { continue }
      var isQuoted = false
      let end = bytes[index...].firstIndex { byte in
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        return byte == UInt8(ascii: ">") && !isQuoted
      }
      let close = try #require(end, "a tag without end", sourceLocation: sourceLocation)
      let tag = String(decoding: bytes[index..<close], as: UTF8.self)
      index = close
      if tag.hasPrefix("/") {
        #expect(open.popLast() == String(tag.dropFirst()), sourceLocation: sourceLocation)
        continue
      }
      let name = String(tag.prefix { $0 != " " })
      #expect(HTMLTagNames.all.contains(name), "an element \(name)", sourceLocation: sourceLocation)
      for (attribute, value) in Self.attributes(tag.dropFirst(name.count)) {
        #expect(!attribute.hasPrefix("on") && attribute != "style", "an attribute \(attribute)", sourceLocation: sourceLocation)
        if ["href", "src", "action"].contains(attribute) {
          let isLocal = (value.hasPrefix("/") && !value.hasPrefix("//")) || value.hasPrefix("#")
          let isWeb = value.lowercased().hasPrefix("https://") || value.lowercased().hasPrefix("http://")
          #expect(isLocal || attribute == "href" && isWeb, "an address \(value)", sourceLocation: sourceLocation)
        }
      }
      if !Self.voids.contains(name) { open.append(name) }
    }
    #expect(open.isEmpty, sourceLocation: sourceLocation)
  }

  private static func attributes(_ text: Substring) -> [(name: String, value: String)] {
    var result: [(String, String)] = []
    var rest = text.drop { $0 == " " }
    while !rest.isEmpty {
      let name = rest.prefix { $0 != "=" && $0 != " " }
      rest = rest[name.endIndex...]
      var value = Substring()
      if rest.hasPrefix("=\"") {
        rest = rest.dropFirst(2)
        value = rest.prefix { $0 != "\"" }
        rest = rest[value.endIndex...].dropFirst()
      }
      result.append((String(name), String(value)))
      rest = rest.drop { $0 == " " }
    }
    return result
  }
}

/// The elements of pages.
enum HTMLTagNames {
  static let all: Set<String> = [
    "html", "head", "title", "body", "header", "nav", "main", "aside", "footer", "section", "div", "p", "h1", "h2", "h3", "a",
    "span",
    "b", "small", "code", "kbd", "time", "bdi", "abbr", "ul", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr",
    "th",
    "td", "form", "label", "select", "option", "button", "details", "summary", "script", "pre", "input", "link", "meta", "br",
    "svg", "rect", "line", "circle", "path", "text", "defs", "pattern",
  ]
}
