import Aggregates
import Foundation
import ReportClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Reports for people and for programs")
struct ReadableTableTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path

  private static let metrics = """
    service,team,lead_time_median_seconds,lead_time_p85_seconds,lead_time_n,lead_time_coverage,lead_time_previous_median_seconds,\
    lead_time_previous_n,lead_time_evidence,deployment_frequency_deploys,deployment_frequency_per_day,\
    deployment_frequency_median_days_per_week,deployment_frequency_n,change_fail_rate_ratio,change_fail_rate_failed,\
    change_fail_rate_total,change_fail_rate_n,change_fail_rate_previous_ratio
    """

  private static let whole = """
    \(metrics)
    ,,198720,410000.5,34,0.829268,250560,40,/api/v1/reports/dora/lead-time/evidence,1180,13.1111111,5,1180,0.0975609,4,41,41,

    """

  private static let byService = """
    \(metrics)
    shop,"web, mobile",5400,86400,12,1,,,,80,0.888,3,80,0.05,4,80,80,0.1
    1024,,,,0,,7200,3,,1,0.0111,,1,,0,0,0,
    =payments,,172800,172800,1,0.5,3600,1,,2,0.0222,,2,0.5,1,2,2,0

    """

  private static let items = """
    key,trace_id,name,service,version,created_at,lead_time_seconds,note,url
    github:1:issue:2,00ff,acme/shop#2,shop,1.10,2026-11-24T18:00:59Z,45,,https://forge.example/2
    github:1:issue:3,00fe,acme/shop#3,shop,2.0,2026-11-25T08:30:00+01:00,1.5,"two
    lines",https://forge.example/3

    """

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var csv: String
    var isWide = false
    var width: Int?
    var testDescription: String { name }
  }

  @Test(
    "a table names metrics and units in words, tells what was counted, and puts the previous period beside",
    arguments: [
      Case(name: "whole", csv: whole), Case(name: "whole-wide", csv: whole, isWide: true),
      Case(name: "by-service", csv: byService), Case(name: "items", csv: items),
      Case(name: "by-service-wide", csv: byService, isWide: true), Case(name: "by-service-80", csv: byService, width: 80),
      Case(name: "by-service-50", csv: byService, width: 50), Case(name: "items-50", csv: items, width: 50),
    ])
  func table(_ example: Case) throws {
    let rows = try ReportRows(csv: Array(example.csv.utf8))
    for format in [ReportTable.Format.table, .markdown] {
      let bytes = ReadableTable(rows, isWide: example.isWide, width: example.width).table.bytes(as: format)
      Golden.expect(String(decoding: bytes, as: UTF8.self), matches: "\(Self.folder)/\(example.name).\(format.rawValue)")
    }
  }

  @Test("a table that is too wide leaves out the period before, then counts, then addresses, and says so", arguments: 1...200)
  func width(width: Int) throws {
    let evidence = "name,address,value\nacme/shop#2,https://forge.example/acme/shop/2,45\n,,3\n"
    for csv in [Self.byService, Self.items, evidence] {
      let rows = try ReportRows(csv: Array(csv.utf8))
      let whole = ReadableTable(rows).table.columns.map(\.trimmed)
      let fitting = ReadableTable(rows, width: width)
      let columns = fitting.table.columns.map(\.trimmed)
      #expect(fitting.isShortened == (columns != whole))
      let missing = Set(whole).subtracting(columns)
      #expect(missing.isSubset(of: ["before", "n", "Address"]))
      #expect(!missing.contains("n") || !columns.contains("before"))
      #expect(!missing.contains("Address") || !columns.contains("n"))
      let lines = String(decoding: fitting.table.bytes(as: .table), as: UTF8.self).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= width } || Set(columns).isDisjoint(with: ["before", "n", "Address"]))
      #expect(ReadableTable(rows, isWide: true, width: width).isShortened == false)
    }
  }

  @Test("programs get the columns and values as vsd sends them", arguments: [whole, byService, items])
  func raw(csv: String) throws {
    let rows = try ReportRows(csv: Array(csv.utf8))
    let bytes = rows.table.bytes(as: .csv, keepsFormulas: true)
    #expect(String(decoding: bytes, as: UTF8.self) == csv)
    #expect(try ReportRows(csv: bytes) == rows)
    let objects = rows.table.bytes(as: .ndjson).split(separator: UInt8(ascii: "\n"))
    #expect(objects.count == rows.rows.count)
    for (object, row) in zip(objects, rows.rows) {
      let members = try #require(try JSONSerialization.jsonObject(with: Data(object)) as? [String: Any])
      #expect(Set(members.keys) == Set(rows.columns))
      for (index, column) in rows.columns.enumerated() {
        if row[index].isEmpty {
          #expect(members[column] is NSNull, "\(column)")
        } else if ReportRows.nameColumns.contains(column) {
          #expect(members[column] as? String == row[index], "\(column)")
        } else if ReportColumnName(column).unit != .other {
          #expect(members[column] as? Double == Double(row[index]), "\(column)")
        }
      }
    }
  }

  @Test(
    "numbers, durations and times are short",
    arguments: [
      (PlainText.duration(198_720), "2 d 7 h"), (PlainText.duration(0), "0 s"), (PlainText.duration(5400), "1 h 30 min"),
      (PlainText.duration(-7200), "−2 h"), (PlainText.duration(.infinity), "-"), (PlainText.duration(1e300), "106,751,991,167 d"),
      (PlainText.percentage(0.0975609), "9.8 %"), (PlainText.percentage(1), "100 %"),
      (PlainText.number(1_234_567.891), "1,234,567.89"), (PlainText.number(-1234), "-1,234"), (PlainText.number(0.0049), "0"),
      (PlainText.number(1e300), ShortestDecimal.text(1e300)), (PlainText.counted(34, coverage: 0.829268), "34 of 41"),
      (PlainText.counted(34, coverage: 1), "34"), (PlainText.counted(0, coverage: nil), "0"),
      (PlainText.counted(0, coverage: 0), "0"),
      (PlainText.time("2026-11-24T18:00:59.25Z") ?? "", "2026-11-24 18:00"),
      (PlainText.time("2026-11-24T18:00:59+01:00") ?? "", "2026-11-24 18:00 +01:00"), (PlainText.time("soon") ?? "none", "none"),
    ])
  func texts(text: String, expected: String) {
    #expect(text == expected)
  }

  @Test("the rows behind a duration say it in words, those behind a count do not")
  func evidence() throws {
    let rows = try ReportRows(csv: Array("name,value\nacme/shop#2,4184\n".utf8))
    #expect(ReportQuery(.dora, evidence: "failed-deployment-recovery-time").hasDurationsAsEvidence)
    #expect(ReportQuery(.leadTime, evidence: "lead_time").hasDurationsAsEvidence)
    #expect(!ReportQuery(.dora, evidence: "deployment-frequency").hasDurationsAsEvidence)
    #expect(!ReportQuery(.dora).hasDurationsAsEvidence)
    func text(_ rows: ReportRows) -> String { String(decoding: ReadableTable(rows).table.bytes(as: .markdown), as: UTF8.self) }
    #expect(text(rows.withValuesInSeconds()).hasSuffix("| acme/shop#2 | 1 h 9 min |\n"))
    #expect(text(rows).hasSuffix("| acme/shop#2 | 4,184 |\n"))
  }

  @Test(
    "scores say of how many, and codes are words",
    arguments: [
      ("lead_time_quick_check_2025", "9.48339", true, "9.5 of 10"), ("lead_time_quick_check_2025", "", true, "-"),
      ("left_out", "by_bot", false, "by a bot"), ("reasons", "incident rollback", false, "incident, rollback"),
      ("traits", "direct cherry_pick", false, "pushed directly, cherry pick"),
      ("deployment_frequency_rhythm", "on_demand", false, "on demand"), ("title", "keep by_bot", false, "keep by_bot"),
    ])
  func values(column: String, text: String, isNumeric: Bool, expected: String) {
    #expect(PlainText.value(text, of: ReportColumnName(column), isNumeric: isNumeric) == expected)
  }

  @Test("a column's name tells its unit, its title and whether it is about the previous period")
  func names() {
    let name = ReportColumnName("lead_time_previous_median_seconds")
    #expect(name.unit == .seconds && name.isPrevious && name.currentName == "lead_time_median_seconds")
    #expect(name.title == "Lead time median")
    #expect(ReportColumnName("lead_time_median_seconds_previous").currentName == "lead_time_median_seconds")
    #expect(ReportColumnName("change_fail_rate_ratio").title == "Change fail rate")
    #expect(ReportColumnName("deployment_frequency_per_day").title == "Deployment frequency per day")
    #expect(!ReportColumnName("previous").isPrevious && ReportColumnName("seconds").title == "Seconds")
    #expect(ReportColumnName("").title == "" && ReportColumnName("").shortTitle == "")
    #expect(name.shortTitle == "Lead time" && ReportColumnName("median").shortTitle == "Median")
    #expect(ReportColumnName("deployment_frequency_deploys").shortTitle == "Releases")
  }

  @Test("a number over time is drawn as a chart and as a line of text")
  func trend() throws {
    let csv = """
      bucket,team,lead_time_median_seconds,lead_time_p85_seconds,lead_time_n,change_fail_rate_ratio
      2026-10-05T00:00:00Z,,86400,172800,4,0.25
      2026-10-12T00:00:00Z,,,,0,
      2026-10-19T00:00:00Z,,43200,90000,9,0

      """
    let rows = try ReportRows(csv: Array(csv.utf8))
    let trend = try #require(ReportTrend(rows, column: nil))
    #expect(trend.plot == "\nLead time median, 2026-10-05 to 2026-10-19\nall  █ ▅  up to 1 d\n")
    Golden.expect(trend.svg(title: "Lead <time>", note: "n"), matches: "\(Self.folder)/lead-time.svg")
    let rate = try #require(ReportTrend(rows, column: "change_fail_rate_ratio"))
    Golden.expect(rate.svg(title: "Change fail rate", note: "n"), matches: "\(Self.folder)/fail-rate.svg")
    #expect(ReportTrend(rows, column: "no_such") == nil)
    #expect(!trend.svg(title: "Lead time", note: "n").contains("partial"))
    #expect(ReportTrend(rows.without { $0 == "bucket" }, column: nil) == nil)
  }

  @Test("a count of a partial bucket is not drawn, a median is")
  func partialBuckets() throws {
    let csv = """
      from,partial,lead_time_median_seconds,deployment_frequency_deploys
      2026-10-05T00:00:00Z,true,86400,4
      2026-10-12T00:00:00Z,false,43200,20
      2026-10-19T00:00:00Z,false,43200,20
      2026-10-26T00:00:00Z,true,86400,1

      """
    let rows = try ReportRows(csv: Array(csv.utf8))
    let deploys = try #require(ReportTrend(rows, column: "deployment_frequency_deploys"))
    #expect(deploys.title == "Deployment frequency releases")
    #expect(deploys.plot.contains("all   ██   up to 20\n"), "\(deploys.plot)")
    #expect(deploys.svg(title: "t", note: "by week").contains("by week; without partial buckets"))
    let median = try #require(ReportTrend(rows, column: nil))
    #expect(median.plot.contains("all  █▅▅█  up to 1 d\n"), "\(median.plot)")
    #expect(!median.svg(title: "t", note: "by week").contains("partial"))
  }
}
