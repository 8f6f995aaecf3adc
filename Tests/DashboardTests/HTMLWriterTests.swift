import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Dashboard

@Suite("HTML of the dashboard")
struct HTMLWriterTests {
  /// Texts that break out of badly escaped markup.
  static let hostile = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "</title></textarea><svg/onload=alert(1)>",
    "&lt;b&gt; &amp; &#x3c;", "javascript:alert(1)", "\u{0}\u{1}\u{8}\u{B}\u{1F}", "a\u{202E}gpj.exe",
    "\u{FFFE}\u{FFFF}\u{1FFFE}",
    "]]>--><!--", "😀\u{301}\u{200D}", "{{7*7}} ${x} %3Cscript%3E", String(repeating: "<", count: 3000), "\r\nSet-Cookie: x=1",
  ]

  private func text(_ write: (inout HTMLWriter) -> Void) -> String {
    var html = HTMLWriter()
    write(&html)
    return String(decoding: html.bytes, as: UTF8.self)
  }

  @Test("texts and attribute values are escaped", arguments: hostile)
  func escapes(hostile: String) {
    let html = text { html in
      html.element(.p, .title(hostile), .label(hostile), .data(.row, hostile)) { html in
        html.text(hostile)
        html.foreign(hostile)
      }
      html.element(.a, .href(Address("deploys", hostile).adding(hostile, hostile)), text: hostile)
      html.preformatted(text: hostile)
    }
    expectOnly(["p", "a", "bdi", "pre"], in: html)
  }

  @Test("random texts never become markup")
  func random() {
    var random = SeededRandom(seed: 18)
    let pieces = [
      "<", ">", "\"", "'", "&", "=", "/", "script", "on", " ", "\n", "\t", "\u{0}", "ä", "\u{FFFF}", "]]>", "<!--", "&#", ";",
      "`",
    ]
    for _ in 0..<500 {
      let hostile = (0..<Int(random.next() % 40)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
      let html = text { html in
        html.element(.span, .title(hostile), .classes(hostile), .id(hostile)) { html in html.text(hostile) }
      }
      expectOnly(["span"], in: html)
    }
  }

  /// Checks that a document has only these elements, and that each tag ends where it should.
  private func expectOnly(_ names: Set<String>, in html: String) {
    var rest = Substring(html)
    while let start = rest.firstIndex(of: "<") {
      rest = rest[rest.index(after: start)...]
      let name = rest.drop { $0 == "/" }.prefix { $0.isLetter }
      #expect(names.contains(String(name)), "an element \(name) in \(html.prefix(300))")
      // Skips quoted values, as a browser does.
      var isQuoted = false
      guard
        let end = rest.firstIndex(where: { character in
          if character == "\"" { isQuoted.toggle() }
          return character == ">" && !isQuoted
        })
      else {
        Issue.record("a tag without end in \(html.prefix(300))")
        return
      }
      rest = rest[rest.index(after: end)...]
    }
    for scalar in html.unicodeScalars where scalar.value < 0x20 { #expect("\n\t".unicodeScalars.contains(scalar)) }
  }

  @Test(
    "only http and https addresses become links to elsewhere",
    arguments: [
      "javascript:alert(1)", "JAVASCRIPT:alert(1)", " https://a.example", "data:text/html,x", "//a.example", "https:", "https://",
      "http:/x", "vbscript:x", "https://a.example/ b", "https://a.example\\@b", "https://a.example/\n", "ftp://a.example", "",
    ])
  func badLinks(address: String) {
    #expect(WebLink(address) == nil)
  }

  @Test(
    "good links stay as they are", arguments: ["https://a.example/x?y=1&z=\"<2>\"", "HTTP://a.example", "https://ä.example/ü"])
  func goodLinks(address: String) throws {
    let link = try #require(WebLink(address))
    #expect(link.address == address)
    let html = text { $0.link(to: link, text: "x") }
    #expect(!html.contains("<2>"))
  }

  @Test("addresses are encoded, and begin with the base")
  func addresses() {
    #expect(Address().text == "/")
    #expect(
      Address("deploys", "a/b ?#%").adding("key", "github:x:1&=ä").text
        == "/deploys/a%2Fb%20%3F%23%25?key=github%3Ax%3A1%26=%C3%A4")
    var html = HTMLWriter(base: "/vsd")
    html.element(.a, .href(Address("deploys")), text: "x")
    #expect(String(decoding: html.bytes, as: UTF8.self) == #"<a href="/vsd/deploys">x</a>"#)
  }

  @Test(
    "numbers of SVG have few decimals",
    arguments: [
      (0.0, "0"), (1.04, "1"), (-0.26, "-0.3"), (1e300, "0"), (.nan, "0"), (.infinity, "0"), (12.55, "12.6"),
    ])
  func lengths(number: Double, text: String) {
    #expect(HTMLAttribute.Length.text(number, digits: 1) == text)
  }
}
