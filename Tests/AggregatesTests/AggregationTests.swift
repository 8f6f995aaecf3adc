import CSV
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Aggregates

@Suite("Aggregates of pull requests")
struct AggregationTests {
  private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  private static func table(
    _ layout: Layout, of paths: [String] = ["\(golden)/pull-requests.csv"], threads: Int = 2, skipsBadRows: Bool = false
  ) async throws -> ReportTable {
    var aggregation = Aggregation(timeColumn: Report.timeColumn, calendar: layout.calendar, views: [layout.view])
    aggregation.threads = threads
    aggregation.skipsBadRows = skipsBadRows
    return layout.table(of: try await aggregation.run(paths).groups(ofView: 0))
  }

  private static func csv(_ layout: Layout, of text: String, threads: Int = 2) async throws -> String {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("prs-\(UUID().uuidString).csv")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    return String(decoding: try await table(layout, of: [file.path], threads: threads).bytes(as: .csv), as: UTF8.self)
  }

  // MARK: Bounds

  @Test(
    "a report of extreme cells is CSV with every group, and with finite numbers",
    .enabled(if: IndependentReader.isWanted, "there is no Python"), arguments: [Layout.Version.first, .last])
  func bounds(version: Layout.Version) async throws {
    let texts = [
      "plain", "Zürich", "日本語", "👩‍🚀", #"a "quote""#, "a,b;c", "line\nend", "old\r\nline", "\u{1}\u{7F}", "\u{301}", "e\u{301}",
      "\u{E9}",
      "\u{202E}\u{5E9}\u{5DC}", "=1+2", "@sum(1)", "-fix", " leading", "|_", String(repeating: "é", count: 5000),
    ]
    let numbers = ["0", "1", "0.5", "1e-300", "1e300", "9223372036854775807", "18446744073709551616"]
    var writer = CSVWriter(keepsFormulas: true)
    writer.row([
      "owner", "repo", "created_at", "merged", "duration", "comments", "total_changes", "duration_per_comment",
      "duration_per_line",
    ])
    for (index, text) in texts.enumerated() {
      for (place, number) in numbers.enumerated() {
        let time = ["1970-01-01T00:00:00Z", "2020-02-29T23:59:59Z", "2199-12-31T23:59:59Z"][(index + place) % 3]
        writer.row(
          [text, texts[texts.count - 1 - index], time, place % 2 == 0 ? "true" : "false"] + Array(repeating: number, count: 5))
      }
    }
    let layout = Layout(.pullRequest, version: version, window: .month)
    let report = try await Self.csv(layout, of: String(decoding: writer.bytes, as: UTF8.self))
    let values = try IndependentReader.csv.values(in: Array(report.utf8))
    let shown = texts.map { ["=1+2", "@sum(1)", "-fix"].contains($0) ? "'\($0)" : $0 }
    #expect(Set(values.bytes(of: "Owner")) == Set(shown.map { Array($0.utf8) }))
    #expect(values.bytes(of: "Owner").count == 3 * texts.count)
    #expect(
      values.filter { $0.name == "TotalPullRequests" }.reduce(0) { $0 + (Int($1.text) ?? 0) } == texts.count * numbers.count)
    for value in values where value.name.hasPrefix("Avg") || value.name.hasPrefix("P") {
      #expect(Double(value.text)?.isFinite == true, "\(value.name): \(value.text)")
    }
  }

  // MARK: Whole reports

  @Test("the first version's layout, by each window", arguments: Window.allCases)
  func first(window: Window) async throws {
    let table = try await Self.table(Layout(.pullRequest, version: .first, window: window))
    Golden.expect(String(decoding: table.bytes(as: .csv), as: UTF8.self), matches: "\(Self.golden)/2019-\(window.rawValue).csv")
  }

  @Test(
    "the last version's layout, by each window, without percentiles and with those since a Sunday", arguments: Window.allCases)
  func last(window: Window) async throws {
    let without = try await Self.table(Layout(.pullRequest, version: .last, window: window))
    Golden.expect(String(decoding: without.bytes(as: .csv), as: UTF8.self), matches: "\(Self.golden)/2020-\(window.rawValue).csv")
    let layout = Layout(.pullRequest, version: .last, window: window, percentilesSince: 1_578_787_200)
    let with = try await Self.table(layout)
    Golden.expect(
      String(decoding: with.bytes(as: .csv), as: UTF8.self), matches: "\(Self.golden)/2020-\(window.rawValue)-percentiles.csv")
  }

  @Test("every metric, by author")
  func metrics() async throws {
    let layout = Layout(
      .pullRequest, version: .first, window: .quarter, groups: [GroupColumn("author")], metrics: Report.pullRequest.metrics)
    let table = try await Self.table(layout)
    Golden.expect(String(decoding: table.bytes(as: .csv), as: UTF8.self), matches: "\(Self.golden)/metrics-by-author.csv")
  }

  @Test("a row counts for each of its labels", arguments: ReportTable.Format.allCases)
  func formats(format: ReportTable.Format) async throws {
    let layout = Layout(.pullRequest, version: .first, window: .month, groups: [GroupColumn("labels", isList: true)])
    let table = try await Self.table(layout)
    Golden.expect(String(decoding: table.bytes(as: format), as: UTF8.self), matches: "\(Self.golden)/by-label.\(format.rawValue)")
  }

  @Test("everything together")
  func ungrouped() async throws {
    let table = try await Self.table(Layout(.pullRequest, version: .first, window: .quarter, groups: []))
    #expect(table.columns.prefix(3) == ["Key", "Interval", "TotalPullRequests"])
    #expect(
      table.rows.map { $0.prefix(3).map(\.text) } == [
        ["2020|Q1", "2020|Q1", "5"], ["2020|Q4", "2020|Q4", "1"], ["2021|Q1", "2021|Q1", "1"],
      ])
  }

  // MARK: Rules

  private static let header =
    "owner,repo,created_at,merged,duration,comments,total_changes,duration_per_comment,duration_per_line\n"

  @Test("the columns of the published sample, its numbers among them")
  func published() async throws {
    let text =
      Self.header + "ImpactInsights,valuestream,2020-01-15T10:00:00Z,true,98687,0,428,0,230.5771028037383\n"
      + "ImpactInsights,valuestream,2020-01-01T10:00:00Z,true,10865,0,249,0,0\n"
    let first = try await Self.csv(Layout(.pullRequest, version: .first, window: .week), of: text)
    #expect(
      first == """
        Key,Interval,Owner,Repo,TotalPullRequests,NumMerged,MergeRatio,AvgTotalLinesChanged,AvgDurationHours,AvgDurationSecondsPerLine,AvgDurationSecondsPerComment
        2020|1_ImpactInsights|valuestream,2020|1,ImpactInsights,valuestream,1,1,1,249,3.0180555555555557,0,0
        2020|3_ImpactInsights|valuestream,2020|3,ImpactInsights,valuestream,1,1,1,428,27.413055555555555,230.5771028037383,0

        """)
  }

  @Test("weeks come by their date, not by their text, then by owner and repository")
  func order() async throws {
    let text = ["2020-03-05", "2020-01-09", "2019-12-20", "2020-03-06"].map { "b,r,\($0)T00:00:00Z,true,1,1,1,1,1\n" }.joined()
    let others =
      "a,z,2020-01-09T00:00:00Z,true,1,1,1,1,1\na,Z,2020-01-09T00:00:00Z,true,1,1,1,1,1\nB,r,2020-01-09T00:00:00Z,true,1,1,1,1,1\n"
    let csv = try await Self.csv(Layout(.pullRequest, version: .first, window: .week), of: Self.header + text + others)
    let keys = csv.split(separator: "\n").dropFirst().map { $0.prefix { $0 != "," } }
    #expect(keys == ["2019|51_b|r", "2020|2_B|r", "2020|2_a|Z", "2020|2_a|z", "2020|2_b|r", "2020|10_b|r"])
  }

  @Test("neither the order of rows nor the number of threads changes a digit", arguments: 0..<4 as Range<UInt64>)
  func anyOrder(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    var rows = (0..<5000).map { _ in
      let day = Int.random(in: 10...28, using: &random)
      let numbers = (0..<5).map { _ in
        Double.random(in: 0...1e6, using: &random) / Double(Int.random(in: 1...9999, using: &random))
      }
      return "o,r\(Int.random(in: 0..<3, using: &random)),2020-01-\(day)T00:00:00Z,true,"
        + numbers.map(\.description).joined(separator: ",") + "\n"
    }
    let layout = Layout(
      .pullRequest, version: .first, window: .day, metrics: Report.pullRequest.metrics.filter { $0.name.hasPrefix("p") })
    let once = try await Self.csv(layout, of: Self.header + rows.joined(), threads: 1)
    rows.shuffle(using: &random)
    #expect(try await Self.csv(layout, of: Self.header + rows.joined(), threads: 4) == once)
  }

  @Test("NaN, infinities and what is less than 0 are in no mean; nothing counts as 0 where it did in 2019")
  func undefined() async throws {
    func mean(_ durations: [String], _ version: Layout.Version = .first) async throws -> String {
      let rows = durations.map { "o,r,2020-01-02T00:00:00Z,true,\($0),1,1,1,1\n" }.joined()
      let csv = try await Self.csv(Layout(.pullRequest, version: version, window: .month), of: Self.header + rows)
      let lines = csv.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      let column = try #require(lines[0].firstIndex(of: "AvgDurationHours"))
      return String(lines[1][column])
    }
    for none in ["+Inf", "NaN", "-5", "-0.001", "1e400"] {
      #expect(try await mean(["3600", none]) == "1")
      #expect(try await mean(["3600", none], .last) == "1")
      #expect(try await mean([none]) == "")
    }
    #expect(try await mean(["3600", ""]) == "0.5")
    #expect(try await mean(["3600", "", "NaN", "-1"], .last) == "0.5")
    #expect(try await mean(["-0"]) == "0")
  }

  @Test("values below 0 are counted, and the first is named", arguments: [1, 4])
  func negatives(threads: Int) async throws {
    let good = String(repeating: "o,r,2020-01-02T00:00:00Z,true,1,1,1,1,1\n", count: 7000)
    let bad = "o,r,2020-01-02T00:00:00Z,true,-2,1,1,1,-3\n"
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("prs-\(UUID().uuidString).csv")
    try (Self.header + good + bad + good + bad).write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let layout = Layout(.pullRequest, version: .first, window: .week)
    var aggregation = Aggregation(timeColumn: Report.timeColumn, calendar: layout.calendar, views: [layout.view])
    aggregation.threads = threads
    let result = try await aggregation.run([file.path])
    #expect(result.negatives.count == 4)
    #expect(result.negatives.first?.line == 7002)
    #expect(result.negatives.first?.column == "duration")
    #expect(result.negatives.first?.reason == "\"-2\" is less than 0")
    #expect(result.groups(ofView: 0).map(\.rows) == [14_002])
  }

  @Test("extreme cells never trap, and no report holds a number that is none", arguments: 0..<40 as Range<UInt64>)
  func extremes(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let numbers = ["", "0", "-0", "1", "-1", "1e308", "-1e308", "5e-324", "9223372036854775808", "NaN", "+Inf", "1e400", "0.1"]
    let times = ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999999Z", "2020-02-29T12:00:00+13:45", "1999-12-31T23:59:60Z"]
    let rows = (0..<50).map { _ in
      let cells = (0..<5).map { _ in numbers.randomElement(using: &random) ?? "" }
      return "o,r,\(times.randomElement(using: &random) ?? ""),true,\(cells.joined(separator: ","))\n"
    }.joined()
    for version in Layout.Version.allCases {
      for window in Window.allCases {
        let layout = Layout(
          .pullRequest, version: version, window: window, metrics: Report.pullRequest.metrics.filter { $0.name.hasPrefix("p") },
          percentilesSince: 1)
        let csv = try await Self.csv(layout, of: Self.header + rows)
        let cells = csv.lowercased().split { $0 == "," || $0 == "\n" }
        #expect(!cells.contains { $0.contains("inf") || $0 == "nan" || $0 == "-nan" })
      }
    }
  }

  // MARK: Mistakes

  @Test("a column that a file has twice is told, where it is needed")
  func twice() async throws {
    let layout = Layout(.pullRequest, version: .first, window: .week)
    let row = "o,r,2020-01-02T00:00:00Z,true,5,1,1,1,1,9\n"
    let error = await #expect(throws: CSVError.self) {
      try await Self.csv(layout, of: Self.header.replacing("\n", with: ",duration\n") + row)
    }
    #expect(error?.column == "duration")
    #expect(error?.reason == "there are several columns of this name")
    #expect(try await Self.csv(layout, of: Self.header.replacing("\n", with: ",note\n") + row).contains("2020|1_o|r"))
  }

  @Test(
    "a bad row is told with its line and column",
    arguments: [
      ("o,r,soon,true,1,1,1,1,1\n", 2, "created_at", #""soon" is not a time such as 2020-01-02T15:04:05Z"#),
      ("o,r,0001-01-01T00:00:00Z,true,1,1,1,1,1\n", 2, "created_at", #""0001-01-01T00:00:00Z" stands for no time"#),
      ("o,r,2020-01-02T00:00:00Z,perhaps,1,1,1,1,1\n", 2, "merged", #""perhaps" is not true, false, yes or no"#),
      ("o,r,2020-01-02T00:00:00Z,true,1h,1,1,1,1\n", 2, "duration", #""1h" is not a number"#),
      ("o,\"r\n\n\",2020-01-02T00:00:00Z,true,1,1,1,1,1\no,r,x,true,1,1,1,1,1\n", 5, "created_at", #""x" is not a time"#),
      ("o,r,2020-01-02T00:00:00Z,true,1,1,1,1\n", 2, nil, "8 fields where the first row has 9"),
      ("o\n", 2, nil, "1 field where the first row has 9"),
      ("o,r\"x\",2020-01-02T00:00:00Z,true,1,1,1,1,1\n", 2, nil, "a quote stands within a field that is not quoted"),
      ("o,\"r,2020-01-02T00:00:00Z,true,1,1,1,1,1\n", 2, nil, "a quote is not closed"),
    ] as [(String, Int, String?, String)])
  func badRows(rows: String, line: Int, column: String?, reason: String) async throws {
    let error = await #expect(throws: CSVError.self) {
      try await Self.csv(Layout(.pullRequest, version: .first, window: .week), of: Self.header + rows)
    }
    #expect(error?.code == .malformed)
    #expect(error?.line == line)
    #expect(error?.column == column)
    #expect(error?.reason.hasPrefix(reason) == true, "\(error?.reason ?? "")")
  }

  @Test("of several bad rows the first is told, whoever reads it")
  func firstBadRow() async throws {
    let good = String(repeating: "o,r,2020-01-02T00:00:00Z,true,1,1,1,1,1\n", count: 7000)
    let bad = "o,r,2020-01-02T00:00:00Z,true,bad,1,1,1,1\n"
    for _ in 0..<5 {
      let error = await #expect(throws: CSVError.self) {
        try await Self.csv(
          Layout(.pullRequest, version: .first, window: .week), of: Self.header + good + bad + good + bad + good, threads: 4)
      }
      #expect(error?.line == 7002)
    }
  }

  @Test("a column that is not there is told, with one that may be meant")
  func missingColumn() async throws {
    let error = await #expect(throws: CSVError.self) {
      try await Self.csv(
        Layout(.pullRequest, version: .first, window: .week), of: Self.header.replacing("created_at", with: "CreatedAt"))
    }
    #expect(error?.line == 1)
    #expect(error?.column == "created_at")
    #expect(error?.reason == "there is no column of this name (did you mean CreatedAt?)")
  }

  @Test("bad rows can be left out, and are counted")
  func skipping() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("prs-\(UUID().uuidString).csv")
    let rows = "o,r,2020-01-02T00:00:00Z,true,5,1,1,1,1\no,r,2020-01-02T00:00:00Z,true,bad,1,1,1,1\no\no,r,bad,bad,bad,1,1,1,1\n"
    try (Self.header + rows).write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let layout = Layout(.pullRequest, version: .first, window: .week)
    var aggregation = Aggregation(timeColumn: Report.timeColumn, calendar: layout.calendar, views: [layout.view])
    aggregation.skipsBadRows = true
    let result = try await aggregation.run([file.path])
    #expect(result.rejected == 3)
    #expect(result.groups(ofView: 0).map(\.rows) == [1])
  }

  // MARK: Tallies

  @Test("distributions and scatters are counted in tenths of powers of ten")
  func tallies() async throws {
    let lines = Measure.number(column: "total_changes")
    var aggregation = Aggregation(
      timeColumn: Report.timeColumn, calendar: Aggregates.Calendar(window: .week), views: [],
      tallies: [.distribution(Report.duration), .scatter(x: lines, y: Report.duration)])
    aggregation.threads = 2
    let result = try await aggregation.run(["\(Self.golden)/pull-requests.csv"])
    // 3600 three times, 7200, 100, 0.9; one row has no duration.
    #expect(
      result.bins[0] == [SizeBin(x: 35, y: 0): 3, SizeBin(x: 38, y: 0): 1, SizeBin(x: 20, y: 0): 1, SizeBin(x: -1, y: 0): 1])
    #expect(result.unbinned[0] == 1)
    #expect(result.bins[1][SizeBin(x: 20, y: 35)] == 1)
    #expect(result.bins[1][SizeBin(x: 30, y: 20)] == 1)
    #expect(result.unbinned[1] == 2)
    #expect(SizeStep.index(of: 1000) == 30)
    #expect(abs(SizeStep.lowerBound(of: 30) - 1000) < 1e-9)
  }
}
