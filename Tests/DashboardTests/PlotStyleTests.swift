import Charts
import Foundation
import Testing

@testable import Dashboard

@Suite("Styles of charts in pages")
struct PlotStyleTests {
  @Test("every style of a mark has a rule in the stylesheet", arguments: Plot.Style.allCases)
  func rules(style: Plot.Style) {
    let stylesheet = String(decoding: Asset.stylesheet.bytes, as: UTF8.self)
    #expect(stylesheet.contains(".\(style.rawValue)") || style == .hatch || style == .note)
  }

  @Test("the script stays small")
  func script() {
    #expect(Asset.script.bytes.count < 15 << 10)
  }

  @Test("a chart with links is a group whose links have names, and one without is an image")
  func roles() {
    var plot = Plot(title: "Title", note: "note")
    plot.add(.circle(Plot.Point(0.5, 10), radius: 3), .dot, tip: "SHOP-1, 3 d", target: 7)
    plot.add(.area([Plot.Point(0, 0), Plot.Point(1, 0), Plot.Point(1, 9)]), .done)
    func text(_ link: ((Int) -> Address?)?) -> String {
      var html = HTMLWriter(base: "/base")
      html.plot(plot, link: link)
      return String(decoding: html.bytes, as: UTF8.self)
    }
    #expect(text(nil).contains("role=\"img\" aria-label=\"Title: note\""))
    #expect(!text(nil).contains("<a "))
    let linked = text { Address("items", "\($0)") }
    #expect(linked.contains("role=\"group\""))
    #expect(linked.contains("<a href=\"/base/items/7\" tabindex=\"-1\" aria-label=\"SHOP-1, 3 d\">"))
    #expect(linked.contains("d=\"M0 0L1000 0L1000 9Z\""))
  }

  @Test("a pattern is defined once in a page")
  func patterns() {
    var plot = Plot(title: "Title")
    plot.add(.box(from: Plot.Point(0, 0), to: Plot.Point(1, 9)), .partial)
    var html = HTMLWriter()
    html.plot(plot)
    html.plot(plot)
    let text = String(decoding: html.bytes, as: UTF8.self)
    #expect(text.components(separatedBy: "id=\"hatch-bar\"").count == 2)
    #expect(text.components(separatedBy: "fill=\"url(#hatch-bar)\"").count == 3)
  }
}
