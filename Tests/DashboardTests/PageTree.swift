import Testing

/// A page as a tree of elements, to find figures and the links beside them.
final class PageTree {
  let tag: String
  let attributes: [String: String]
  private(set) var children: [PageTree] = []
  /// The text before each child, and after the last one.
  private var texts: [String] = [""]

  private static let voids: Set<String> = ["br", "hr", "input", "link", "meta", "!DOCTYPE"]

  private init(_ tag: String, _ attributes: [String: String]) {
    self.tag = tag
    self.attributes = attributes
  }

  /// Reads a page whose elements nest, as `MarkupCheck` makes sure.
  static func of(_ html: String) throws -> PageTree {
    let root = PageTree("", [:])
    var open = [root]
    var rest = Substring(html)
    while let start = rest.firstIndex(of: "<") {
      open.last?.add(text: rest[..<start])
      var isQuoted = false
      let end = rest[start...].firstIndex { letter in
        if letter == "\"" { isQuoted.toggle() }
        return letter == ">" && !isQuoted
      }
      let close = try #require(end, "a tag without end")
      let content = rest[rest.index(after: start)..<close]
      rest = rest[rest.index(after: close)...]
      if content.hasPrefix("/") {
        if open.count > 1 { open.removeLast() }
        continue
      }
      let name = String(content.prefix { $0 != " " })
      let node = PageTree(name, attributes(of: content.dropFirst(name.count)))
      open.last?.add(node)
      if !voids.contains(name) { open.append(node) }
    }
    return root
  }

  private static func attributes(of text: Substring) -> [String: String] {
    var result: [String: String] = [:]
    for match in text.matches(of: #/ ([a-z0-9-]+)(?:="([^"]*)")?/#) {
      result[String(match.output.1)] = unescaped(match.output.2 ?? "")
    }
    return result
  }

  private static func unescaped(_ text: Substring) -> String {
    String(text).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"").replacing(
      "&#39;", with: "'"
    )
    .replacing("&amp;", with: "&")
  }

  private func add(text: Substring) { texts[texts.count - 1] += Self.unescaped(text) }

  private func add(_ child: PageTree) {
    children.append(child)
    texts.append("")
  }

  /// All text in the element.
  var text: String {
    zip(texts, children).map { $0 + $1.text }.joined() + (texts.last ?? "")
  }

  func hasClass(_ name: String) -> Bool { (attributes["class"] ?? "").split(separator: " ").contains { $0 == name } }

  /// The elements inside this one that fit, in the order of the page.
  func all(_ fits: (PageTree) -> Bool) -> [PageTree] {
    children.flatMap { child in (fits(child) ? [child] : []) + child.all(fits) }
  }

  func all(_ tag: String) -> [PageTree] { all { $0.tag == tag } }

  func first(_ tag: String, class name: String? = nil) -> PageTree? {
    all { $0.tag == tag && (name.map($0.hasClass) ?? true) }.first
  }

  /// The addresses to which links inside the element lead.
  var links: [String] { all("a").compactMap { $0.attributes["href"] } }
}
