import DeliveryMetrics
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Where history begins")
struct HistoryReportTests {
  private static func run(_ facts: inout TestFacts, _ repository: String, _ ended: Timestamp) {
    facts.add(
      RunFact(
        id: facts.newID(), repository: facts.name(repository), workflow: facts.name("build"), created: ended, started: ended,
        ended: ended, outcome: .success))
  }

  /// Items of several repositories: what is open or has no repository counts for none.
  private static func facts() -> TestFacts {
    var facts = TestFacts()
    for (repository, day) in [("acme/site", 20), ("acme/site", 9), ("acme/till", 28)] {
      facts.deploy("shop", UInt64(day), began: at(1, day, 10), ended: at(1, day, 11), repository: repository)
      Self.run(&facts, repository, at(2, day))
      Self.run(&facts, repository, at(2, day))
    }
    _ = facts.change("acme/site", opened: at(1, 2), merged: at(1, 5))
    _ = facts.change("acme/open", opened: at(1, 1), state: .open)
    facts.issue("SHOP", created: at(1, 1), closed: at(1, 30))
    facts.issue("SHOP", created: at(1, 1), closed: at(1, 29))
    facts.issue("SHOP", created: at(1, 1))
    facts.incident(began: at(1, 1), resolved: at(1, 2))
    return facts
  }

  private static func days(_ report: HistoryReport) -> [String: [String: String]] {
    var days: [String: [String: String]] = [:]
    for row in report.rows {
      for kind in HistoryReport.Kind.allCases {
        if let time = row.began([kind]) { days[row.repository, default: [:]][kind.rawValue] = String(time.rfc3339.prefix(10)) }
      }
    }
    return days
  }

  @Test("is the first day with an item of each kind, in any order of facts", arguments: Seeds.upTo(4))
  func firstDays(seed: UInt64) throws {
    let report = try HistoryReport(from: Self.facts().shuffled(seed: seed))
    #expect(
      Self.days(report) == [
        "acme/site": ["changes": "2026-01-05", "deploys": "2026-01-09", "runs": "2026-02-09"],
        "acme/till": ["deploys": "2026-01-28", "runs": "2026-02-28"], "SHOP": ["issues": "2026-01-29"],
      ])
    #expect(report.rows.first { $0.repository == "acme/site" }?.firstDay == FactDay(at(1, 5)))
  }

  @Test("is that of the repositories of a scope")
  func scope() throws {
    let report = try HistoryReport(from: Self.facts())
    let settings = ReportSettings(teams: [.init(name: "Tills", patterns: ["*/till"].map(NamePattern.init))])
    let all = try report.beginning(of: [.deploys], in: ReportScope(), settings)
    #expect(all.repositoryCount == 2)
    #expect(all.first == at(1, 9, 0) && all.last == at(1, 28, 0))
    #expect(all.count(after: at(1, 8)) == 2 && all.count(after: at(1, 9, 0)) == 1 && all.count(after: at(2, 1)) == 0)
    let tills = try report.beginning(of: [.deploys, .runs], in: ReportScope(team: "tills"), settings)
    #expect(tills.first == at(1, 28, 0) && tills.repositoryCount == 1)
    let site = try report.beginning(of: [.runs], in: ReportScope(repositories: [NamePattern("*/site")]), settings)
    #expect(site.first == at(2, 9, 0) && site.last == site.first)
    #expect(try report.beginning(of: [.incidents], in: ReportScope(), settings).first == nil)
    #expect(throws: ReportError.self) { try report.rows(in: ReportScope(team: "nobody"), settings) }
  }

  @Test("is found for runs of any days", arguments: Seeds.upTo(6))
  func runs(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var facts = TestFacts()
    var expected: [String: Timestamp] = [:]
    for _ in 0..<Int.random(in: 1...60, using: &random) {
      let name = "acme/\(Int.random(in: 1...9, using: &random))"
      let time = at(1, 1).advanced(bySeconds: Double(Int.random(in: 0...400, using: &random)) * 86_400)
      Self.run(&facts, name, time)
      expected[name] = min(expected[name] ?? time, time)
    }
    let found = try HistoryReport(from: facts).rows.map { ($0.repository, $0.began([.runs])) }
    #expect(found.count == expected.count)
    for (name, began) in found {
      #expect(began == expected[name].map { FactDay($0).rawValue }.map { Timestamp(seconds: Int64($0) * 86_400) })
    }
  }

  @Test("is unknown without facts")
  func nothing() throws {
    #expect(try HistoryReport(from: TestFacts()).rows.isEmpty)
  }
}
