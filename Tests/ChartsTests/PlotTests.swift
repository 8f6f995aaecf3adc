import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Charts

@Suite("Plots")
struct PlotTests {
  private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  /// Monday, 2026-01-05.
  private static let start = Timestamp(seconds: 1_767_571_200)
  private static func day(_ number: Double) -> Timestamp { start.advanced(bySeconds: number * 86_400) }
  private static let axis = TimeAxis(from: start, to: day(84))
  private static let events = TimelineEvents(
    deploys: [(day(3), .deploy), (day(30), .failedDeploy), (day(200), .deploy)],
    incidents: [(day(30), day(31)), (day(-9), day(-8))])

  /// Every kind, with a value in the place of one of its numbers.
  static func plots(_ value: Double = 40_000) -> [(name: String, plot: Plot)] {
    let count = value.isFinite && value.magnitude < 1e15 ? Int(value) : .max
    return [
      ("cycle-time", cycleTime(value)), ("bars", bars(value)), ("cumulative-flow", cumulativeFlow(count)),
      ("ageing", ageing(value)),
      ("stages", stages(value)), ("heat-map", heatMap(count)), ("forecast", forecast), ("classes", classes(value)),
      ("band", band(value)),
    ]
  }

  private static func cycleTime(_ value: Double) -> Plot {
    let items = [value, 90_000, 700_000, 0, 5].enumerated().map { number, seconds in
      CycleTimeChart.Item(time: day(Double(number) * 20), seconds: seconds, name: "<b>\(number)")
    }
    let limits: [CycleTimeChart.Limit] = [
      .init(percent: 50, seconds: 80_000), .init(percent: 70, seconds: 85_000), .init(percent: 85, seconds: value),
    ]
    return CycleTimeChart(
      title: "Flow time <a>", note: "each dot & item", axis: axis, items: items, limits: limits, events: events
    ).plot
  }

  private static func bars(_ value: Double) -> Plot {
    let bars = (0..<12).map { number -> BarTimeChart.Bar in
      let from = day(Double(number) * 7)
      var bar = BarTimeChart.Bar(
        from: from, to: from.advanced(bySeconds: 7 * 86_400), value: Double(number), isPartial: number == 11)
      if number == 3 { bar.value = nil }
      if number == 4 { (bar.value, bar.isOutside) = (value / 4000, true) }
      if number == 5 { bar.bad = 2 }
      return bar
    }
    return BarTimeChart(title: "Throughput", note: "", unit: "items", bars: bars, mean: 5, limits: 1...9, events: events).plot
  }

  private static func cumulativeFlow(_ count: Int) -> Plot {
    var days = (0..<84).map { number in
      CumulativeFlowChart.Day(end: day(Double(number) + 1), created: 10 + number, started: 5 + number, done: number)
    }
    days.append(CumulativeFlowChart.Day(end: day(85), created: count, started: 80, done: 90))
    return CumulativeFlowChart(title: "Cumulative flow", note: "", axis: axis, days: days, events: events).plot
  }

  private static func ageing(_ value: Double) -> Plot {
    let columns: [AgeingChart.Column] = [
      .init(name: "In <progress>", detail: "3 items", bands: [40_000, 90_000, 100_000, value * 10]),
      .init(name: "In review", detail: "1 item, no bands", bands: []),
    ]
    let items: [AgeingChart.Item] = [
      .init(column: 0, seconds: value * 12, name: "SHOP-1", band: 4, sign: "◆", isBlocked: true),
      .init(column: 0, seconds: 50_000, name: "SHOP-2", band: 1, sign: "●", isStale: true),
      .init(column: 0, seconds: 95_000, name: "SHOP-3", band: 2, sign: "■"),
      .init(column: 1, seconds: 3000, name: "SHOP-4", band: nil, sign: "●", isBlocked: true, isStale: true),
    ]
    return AgeingChart(title: "Age by status", note: "", columns: columns, items: items).plot
  }

  private static func stages(_ value: Double) -> Plot {
    let stages: [StageChart.Stage] = [
      .init(name: "coding", kind: .work, seconds: 90_000), .init(name: "pickup", kind: .waiting, seconds: value),
      .init(name: "review", kind: .mixed, seconds: 0), .init(name: "not known", kind: .unknown, seconds: 9000),
    ]
    return StageChart(title: "Stages", note: "", rows: [.init(name: "shop", detail: "3 changes", stages: stages, median: 80_000)])
      .plot
  }

  private static func heatMap(_ count: Int) -> Plot {
    let values: [[Int?]] = [[0, 1, nil], [count, 2, 4]]
    return HeatMapChart(
      title: "Items a day", note: "", rows: ["Mon", "Tue"], columns: ["1 Jan", "8 Jan", "15 Jan"], values: values, unit: "items"
    ).plot
  }

  private static var forecast: Plot {
    ForecastChart(
      title: "When", note: "", now: start, days: [.init(percent: 50, date: day(3)), .init(percent: 85, date: day(9))]
    ).plot
  }

  private static func classes(_ value: Double) -> Plot {
    CategoryBarChart(
      title: "Size", note: "", values: .durations,
      bars: [.init(name: "1-10", value: value, text: "11 h"), .init(name: "<x>", value: 0, text: "none")]
    ).plot
  }

  private static func band(_ value: Double) -> Plot {
    let steps = (0..<8).map { number -> BandChart.Step in
      let from = day(Double(number) * 7)
      let isKnown = number != 4
      return BandChart.Step(
        from: from, to: from.advanced(bySeconds: 7 * 86_400), median: isKnown ? value : nil, p75: isKnown ? value * 2 : nil,
        p95: isKnown ? value * 9 : nil, isPartial: number == 7)
    }
    return BandChart(title: "Lead time", note: "", steps: steps, events: events).plot
  }

  @Test("each kind as a document", arguments: plots().map(\.name))
  func documents(name: String) throws {
    let plot = try #require(Self.plots().first { $0.name == name }?.plot)
    Golden.expect(plot.svg, matches: "\(Self.golden)/\(name).svg")
  }

  @Test(
    "values that no chart was made for stay inside the picture",
    arguments: [0, -1, 1e-300, 1e30, .greatestFiniteMagnitude, .infinity, -.infinity, .nan])
  func extremes(value: Double) throws {
    for (name, plot) in Self.plots(value) {
      for mark in plot.marks {
        for point in mark.points {
          #expect((-0.001...1.001).contains(point.x) && (-30...plot.height + 30).contains(point.y), "\(name): \(mark)")
        }
      }
      let svg = plot.svg
      #expect(XMLElements.areBalanced(svg), "\(name)")
      #expect(!svg.contains("nan") && !svg.contains("inf\"") && !svg.contains("<script") && !svg.contains("href"))
      #expect(!svg.contains("<a>") && !svg.contains("<b>"))
    }
  }

  @Test("charts of nothing are drawn too")
  func nothing() {
    let plots = [
      CycleTimeChart(title: "", note: "", axis: Self.axis, items: [], limits: []).plot,
      BarTimeChart(title: "", note: "", unit: "", bars: []).plot,
      CumulativeFlowChart(title: "", note: "", axis: Self.axis, days: []).plot,
      AgeingChart(title: "", note: "", columns: [], items: []).plot, StageChart(title: "", note: "", rows: []).plot,
      HeatMapChart(title: "", note: "", rows: [], columns: [], values: [], unit: "").plot,
      ForecastChart(title: "", note: "", now: Self.start, days: []).plot, CategoryBarChart(title: "", note: "", bars: []).plot,
      BandChart(title: "", note: "", steps: []).plot,
    ]
    for plot in plots { #expect(XMLElements.areBalanced(plot.svg)) }
  }

  @Test("every style of a mark has a rule in documents", arguments: Plot.Style.allCases)
  func styles(style: Plot.Style) {
    #expect("\(ChartStyle.plotRules)".contains(".\(style.rawValue)"))
  }

  @Test(
    "time axes have labels that tell weeks, months and years apart, and never too many",
    arguments: [
      (3.0, "5 Jan", "8 Jan"), (20, "5 Jan", "19 Jan"), (84, "5 Jan", "30 Mar"), (150, "Feb 2026", "Jun"),
      (365, "Feb 2026", "Dec"),
      (1500, "2027", "2030"),
    ])
  func labels(days: Double, first: String, last: String) {
    let labels = TimeAxis(from: Self.start, to: Self.day(days)).labels
    #expect(labels.first?.text == first)
    #expect(labels.last?.text == last)
    #expect((1...9).contains(labels.count))
    #expect(labels.map(\.place) == labels.map(\.place).sorted())
  }

  @Test("dots of many items stand for several each, and the slowest keep their names", arguments: [0, 1, 200, 560, 561, 20_000])
  func crowds(count: Int) {
    let items = (0..<count).map { number -> CycleTimeChart.Item in
      let hours = 1 + number * 31 % 500
      return CycleTimeChart.Item(
        time: Self.day(Double(number % 84)), seconds: Double(hours) * 3600, name: "item \(number)")
    }
    let chart = CycleTimeChart(
      title: "", note: "", axis: Self.axis, items: items, limits: [.init(percent: 85, seconds: 425 * 3600)])
    var (named, dots) = (0, 0)
    for mark in chart.plot.marks {
      switch mark.shape {
      case .circle: named += 1
      case .dots(let points, let crowd):
        dots += points.count
        #expect(chart.isCrowded || crowd == .one)
      default: break
      }
    }
    #expect(chart.isCrowded == (count > 560))
    #expect(count > 200 ? named <= 60 : named == count)
    if chart.isCrowded { #expect((1...2 * 161 * 41).contains(dots)) } else { #expect(named + dots == count) }
  }

  @Test("a time axis has no more marks than eyes can tell apart, however many deploys and incidents there are")
  func manyEvents() {
    let times = (0..<50_000).map { Self.day(Double($0) * 84 / 50_000) }
    let events = TimelineEvents(
      deploys: times.enumerated().map { ($0.element, $0.offset % 3 == 0 ? .failedDeploy : .deploy) },
      incidents: times.map { ($0, $0.advanced(bySeconds: 60)) })
    for kind in [TimelineEvents.Kind.deploy, .failedDeploy] {
      let places = events.places(of: kind, on: Self.axis)
      #expect((500...1001).contains(places.count))
      #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
    }
    #expect(events.places(of: .failedDeploy, on: Self.axis, distance: TimelineEvents.signWidth).count <= 167)
    #expect(events.incidentSpans(on: Self.axis).map { [$0.start, $0.end] } == [[0, 1]])
    let apart = TimelineEvents(incidents: [(Self.day(60), Self.day(61)), (Self.day(2), Self.day(3))])
    #expect(apart.incidentSpans(on: Self.axis).count == 2)
  }

  @Test("the name of a percentile stands below its line where the next line is too close above")
  func percentileNames() {
    #expect(CycleTimeChart.labelPlaces(at: [200, 150, 80, 20], lowest: 276) == [196, 146, 76, 16])
    #expect(CycleTimeChart.labelPlaces(at: [200, 150, 80, 71], lowest: 276) == [196, 146, 91, 67])
    #expect(CycleTimeChart.labelPlaces(at: [], lowest: 276).isEmpty)
  }

  @Test("the value of a bar gives way to the name of a line")
  func barValues() {
    func texts(_ values: [Double], mean: Double) -> [String] {
      let bars = values.enumerated().map { number, value in
        BarTimeChart.Bar(from: Self.day(Double(number) * 7), to: Self.day(Double(number) * 7 + 7), value: value)
      }
      let plot = BarTimeChart(title: "", note: "", unit: "items", bars: bars, mean: mean, limits: 2...40).plot
      return plot.marks.compactMap { mark -> String? in if case .text(_, let text, _, _) = mark.shape { text } else { nil } }
    }
    let values = [20.0, 28, 33, 21, 32, 28, 25, 24, 32, 19, 33, 23, 26]
    let shown = texts(values, mean: 27)
    #expect(shown.contains("mean 27") && shown.contains("upper limit 40") && shown.contains("lower limit 2"))
    #expect(shown.filter { $0 == "28" }.count == 1, "the first 28 would run into the mean")
    #expect(shown.filter { $0 == "33" }.count == 2)
  }

  @Test("the text of a stage stands beside the mark of the median, not below it")
  func stageText() throws {
    func places(median: Double?) -> [String: Double] {
      let stages: [StageChart.Stage] = [
        .init(name: "coding", kind: .work, seconds: 36_000), .init(name: "release", kind: .waiting, seconds: 72_000),
      ]
      let plot = StageChart(title: "", note: "", rows: [.init(name: "All", detail: "", stages: stages, median: median)]).plot
      let texts = plot.marks.compactMap { mark -> (String, Double)? in
        if case .text(let point, let text, _, _) = mark.shape { (text, point.x) } else { nil }
      }
      return Dictionary(texts) { first, _ in first }
    }
    let start = try #require(places(median: nil)["release 20 h"])
    let median = 37_000.0
    let moved = try #require(places(median: median)["release 20 h"])
    #expect(moved > start)
    #expect(places(median: 107_000)["release 20 h"] == start, "the mark is far from the text")
  }

  @Test("labels that would overlap move apart, and keep their order")
  func spread() {
    let places = Plot.spread([100, 98, 97, 20], distance: 12, lowest: 101)
    #expect(places == [100, 88, 76, 20])
    #expect(Plot.spread([], distance: 12, lowest: 100).isEmpty)
    #expect(Plot.spread([500], distance: 12, lowest: 100) == [100])
  }
}

extension Plot.Mark {
  fileprivate var points: [Plot.Point] {
    switch shape {
    case .line(let from, let to), .box(let from, let to): [from, to]
    case .circle(let point, _), .sign(let point, _): [point]
    case .text(let point, _, _, _): [point]
    case .dots(let points, _), .curve(let points), .area(let points): points
    case .ticks(let shares, let from, let to): shares.flatMap { [Plot.Point($0, from), Plot.Point($0, to)] }
    }
  }
}
