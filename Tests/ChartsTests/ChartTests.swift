import Charts
import Foundation
import Testing
import ValueStreamTesting

@Suite("Charts")
struct ChartTests {
  private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  static let trend = TrendChart(
    title: "How long <things> take", note: "7 \"things\" & more", xTitle: "week", yTitle: "duration", lineName: "median",
    dashedName: "90th percentile", bandName: "middle half",
    points: [
      .init(label: "1", line: 3600, dashed: 9000, band: 1800...7200),
      .init(label: "2", line: 5400, dashed: 9900, band: 2400...8000),
      .init(label: "3", line: nil, dashed: nil, band: nil), .init(label: "4", line: 4000, dashed: 4000, band: 4000...4000),
    ])
  static let distribution = DistributionChart(
    title: "Distribution", note: "", xTitle: "duration", yTitle: "things", barName: "things",
    bars: [.init(range: 60..<75.5, count: 10), .init(range: 75.5..<95, count: 1234), .init(range: 3600..<4532, count: 1)],
    marks: [Scale.Tick(95, "half within")])
  static let scatter = ScatterChart(
    title: "Scatter", note: "", xTitle: "lines", yTitle: "duration", items: "things",
    bubbles: [.init(x: 1..<1.26, y: 60..<75.5, count: 10), .init(x: 1000..<1259, y: 86_400..<108_772, count: 250)])

  @Test("each kind", arguments: [("trend", trend.svg), ("distribution", distribution.svg), ("scatter", scatter.svg)])
  func kinds(name: String, svg: String) throws {
    Golden.expect(svg, matches: "\(Self.golden)/\(name).svg")
    try Self.expectIsSelfContained(svg)
  }

  @Test("charts of nothing are drawn too")
  func nothing() throws {
    var (trend, distribution, scatter) = (Self.trend, Self.distribution, Self.scatter)
    trend.points = []
    distribution.bars = []
    distribution.marks = []
    scatter.bubbles = []
    for svg in [trend.svg, distribution.svg, scatter.svg] { try Self.expectIsSelfContained(svg) }
    trend.points = [.init(label: "1", line: 0, dashed: 0, band: 0...0)]
    try Self.expectIsSelfContained(trend.svg)
  }

  @Test(
    "values that no chart was made for are drawn too", arguments: [1e30, .greatestFiniteMagnitude, .infinity, -.infinity, .nan])
  func extremes(value: Double) throws {
    var (trend, distribution, scatter) = (Self.trend, Self.distribution, Self.scatter)
    trend.points[0].line = value
    trend.points[1].dashed = value
    if value > 0 {
      distribution.marks = [Scale.Tick(value, "half within")]
      distribution.bars.append(.init(range: 1..<value, count: .max))
      scatter.bubbles.append(.init(x: 1..<value, y: 1..<value, count: 1_000_000))
    }
    for svg in [trend.svg, distribution.svg, scatter.svg] { try Self.expectIsSelfContained(svg) }
    #expect(Sparkline.text([1, value, nil, 2]).count == 4)
  }

  /// Checks that a chart is well-formed XML with finite numbers, no scripts and no external resources.
  private static func expectIsSelfContained(_ svg: String) throws {
    #expect(XMLElements.areBalanced(svg))
    #expect(!svg.contains("nan") && !svg.contains("inf\""))
    #expect(!svg.contains("<script") && !svg.contains("href") && !svg.contains("url("))
    #expect(svg.components(separatedBy: "http").count == 2, "only the name of SVG itself")
  }

  @Test("texts are escaped")
  func escaped() {
    #expect(Self.trend.svg.contains("<title id=\"title\">How long &lt;things&gt; take</title>"))
    #expect(Self.trend.svg.contains("7 &quot;things&quot; &amp; more"))
  }

  @Test("scales of durations have ticks in one unit, round ones")
  func durations() {
    #expect(Scale.durations(upTo: 9900).ticks.map(\.label) == ["0 h", "1 h", "2 h", "3 h"])
    #expect(Scale.durations(upTo: 200_000).ticks.map(\.label) == ["0 d", "0.5 d", "1 d", "1.5 d", "2 d", "2.5 d"])
    #expect(Scale.durations(upTo: 0).ticks.map(\.label) == ["0 s", "20 s", "40 s", "60 s"])
    #expect(Scale.durationMagnitudes(from: 50, to: 4000).ticks.map(\.label) == ["1 min", "5 min", "10 min", "30 min", "1 h"])
    #expect(Scale.durationMagnitudes(from: 50, to: 1e6).ticks.map(\.label) == ["1 min", "10 min", "1 h", "6 h", "1 d", "1 wk"])
    #expect(Scale.durations(among: [60, 3600]).kind == .logarithmic)
    #expect(Scale.durations(among: [0, 1800, 3600]).kind == .linear)
    let scale = Scale.durationMagnitudes(from: 1, to: 100)
    #expect(abs(scale.position(of: 10) - 0.5) < 1e-9)
    #expect(scale.position(of: 0) == 0)
    #expect(scale.position(of: 1e9) == 1)
  }

  @Test("scales of counts")
  func counts() {
    #expect(Scale.counts(upTo: 1234).ticks.map(\.label) == ["0", "500", "1,000", "1,500"])
    #expect(Scale.counts(upTo: 0).ticks.map(\.label) == ["0", "1"])
    #expect(Scale.counts(upTo: 1e30).ticks.last?.label == "1,000,000,000,000,000")
    #expect(Scale.grouped(1e30) == "1e+30")
    #expect(Scale.magnitudes(from: 1, to: 12_000).ticks.map(\.label) == ["1", "10", "100", "1,000", "10,000"])
  }

  @Test(
    "durations in words",
    arguments: [(0, "0 ms"), (0.05, "50 ms"), (90, "90 s"), (5400, "90 min"), (98_687, "27.4 h"), (1e6, "11.6 d")])
  func texts(seconds: Double, text: String) {
    #expect(DurationUnit.text(seconds) == text)
  }

  @Test(
    "sparklines",
    arguments: [([0, 1, 2, nil, 7], "▁▂▃ █"), ([], ""), ([0, 0], "▁▁"), ([nil, 5], " █")] as [([Double?], String)])
  func sparklines(values: [Double?], text: String) {
    #expect(Sparkline.text(values) == text)
  }
}

/// A minimal XML check that covers only the syntax that charts use.
enum XMLElements {
  static func areBalanced(_ text: String) -> Bool {
    var open: [Substring] = []
    for match in text.matches(of: /<(\/?)([a-z]+)([^<>]*?)(\/?)>/) {
      if match.output.1 == "/" {
        guard open.popLast() == match.output.2 else { return false }
      } else if match.output.4 != "/" {
        open.append(match.output.2)
      }
    }
    return open.isEmpty && text.count(where: { $0 == "<" }) == text.count(where: { $0 == ">" })
  }
}
