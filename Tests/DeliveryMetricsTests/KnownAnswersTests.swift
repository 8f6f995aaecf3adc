import DeliveryMetrics
import Testing
import ValueStreamCore

/// The differences between our definitions and those of other tools, which `Docs/query/known-answers.md` lists.
@Suite("Known answers of other tools")
struct KnownAnswersTests {
  private func flow(_ facts: TestFacts, _ query: FlowQuery = FlowQuery(frame: january)) throws -> FlowReport.Group {
    try #require(FlowReport(query, from: facts).groups.first)
  }

  @Test("A percentile is a time that an item took")
  func nearestRank() {
    let days: [Double] = [5, 5, 5, 5, 5, 4]
    #expect([10, 50, 90].map { Statistics.nearestRank($0, of: days) } == [4, 5, 5])
  }

  @Test("Flow time is elapsed time, not a difference of dates")
  func elapsed() throws {
    var facts = TestFacts()
    facts.issue(created: at(1, 1), statuses: [("Doing", at(1, 2, 1, 5)), ("Done", at(1, 4, 1, 1))], closed: at(1, 4, 1, 1))
    #expect(try flow(facts).current.flowTime.median == 2 * day - 240)
  }

  @Test("An item that was started and done in the same second took no time, and counts")
  func atOnce() throws {
    var facts = TestFacts()
    let statuses = [("To Do", at(1, 1)), ("Doing", at(1, 5)), ("Done", at(1, 5))]
    for _ in 0..<10 { facts.issue(created: at(1, 1), statuses: statuses, closed: at(1, 5)) }
    // This one was never started.
    facts.issue(created: at(1, 1), statuses: [("To Do", at(1, 1)), ("Done", at(1, 5))], closed: at(1, 5))
    // This one came to a status after its end.
    facts.issue(created: at(1, 1), statuses: [("To Do", at(1, 1)), ("Live", at(1, 6))], closed: at(1, 5))
    let value = try flow(facts).current.flowTime
    #expect(value.median == 0)
    #expect(value.n == 10)
    #expect(value.population.leftOut == [LeftOut(reason: .noStart, count: 2)])
    let days = try flow(facts, FlowQuery(frame: january, buckets: .day)).cumulativeFlow
    #expect([days[3], days[4]].map(\.started) == [0, 10])
    let ageing = try AgeingReport(AgeingQuery(frame: january), from: facts)
    #expect(ageing.statuses.first { $0.status == "Doing" }.map { [$0.p50, $0.p95] } == [0, 0])
  }

  @Test("An item that moves back within work keeps its start and the time that it spent")
  func movedBack() throws {
    var facts = TestFacts()
    facts.issue(
      created: at(1, 1),
      statuses: [("Doing", at(1, 2)), ("Review", at(1, 4)), ("Doing", at(1, 5)), ("Done", at(1, 9))], closed: at(1, 9))
    let group = try flow(facts)
    #expect(group.current.flowTime.median == 7 * day)
    #expect(group.timeInStatus.first { $0.status == "Review" }?.totalSeconds == day)
  }

  @Test("A withdrawn item is left out of flow time with a reason, and has no age")
  func withdrawn() throws {
    var facts = TestFacts()
    facts.issue(
      created: at(1, 1), statuses: [("Doing", at(1, 2)), ("Done", at(1, 5))], closed: at(1, 5), traits: .isNotDone)
    let value = try flow(facts).current
    #expect(value.throughput == 0)
    #expect(value.flowTime.population.leftOut == [LeftOut(reason: .notDone, count: 1)])
    #expect(try AgeingReport(AgeingQuery(frame: january), from: facts).items.isEmpty)
  }

  @Test("Throughput has the idle days before the first and after the last completion")
  func idleDays() throws {
    var facts = TestFacts()
    for _ in 0..<2 { facts.issue(created: at(1, 1), statuses: [("Doing", at(1, 2)), ("Done", at(1, 9))], closed: at(1, 9)) }
    let counts = try flow(facts, FlowQuery(frame: january, buckets: .day)).throughput.map(\.count)
    #expect(counts == (1...31).map { $0 == 9 ? 2 : 0 })
  }

  @Test("Three days with a completion are too few for a forecast")
  func fewDays() throws {
    var facts = TestFacts()
    for date in [5, 5, 6, 6, 7, 7] {
      facts.issue(created: at(1, 1), statuses: [("Doing", at(1, 2)), ("Done", at(1, date))], closed: at(1, date))
    }
    let frame = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(1, 8, 0)), now: at(1, 8, 0))
    let report = try ForecastReport(ForecastQuery(frame: frame, items: 24, historyDays: 8), from: facts)
    #expect(report.refusal == .tooFewDays)
    #expect(report.when == nil)
  }

  @Test("Lead time is exact, and a rebase renews its beginning while the coding time is left out")
  func leadTime() throws {
    var facts = TestFacts()
    let plain = facts.change(firstCommit: at(1, 5, 4, 51), opened: at(1, 6, 4, 51), merged: at(1, 6, 5, 51))
    let rebased = facts.change(firstCommit: at(1, 8, 4, 51), opened: at(1, 7, 4, 51), merged: at(1, 7, 5, 51))
    facts.deploy("shop", 1, began: at(1, 8, 7, 28), ended: at(1, 8, 7, 29), brings: [plain, rebased])
    let query = LeadTimeQuery(frame: january)
    func seconds(_ stage: LeadTimeStage?, _ query: LeadTimeQuery, _ part: EvidencePart = .counted) throws -> [FactID: Double?] {
      let rows = try LeadTimeReport.evidence(LeadTimeEvidence(stage: stage, part: part), query, from: facts).rows
      return Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0.value) })
    }
    #expect(try seconds(nil, query) == [plain.id: 74 * hour + 38 * 60, rebased.id: 2 * hour + 38 * 60])
    #expect(try seconds(nil, LeadTimeQuery(frame: january, from: .opened))[rebased.id] == 26 * hour + 38 * 60)
    #expect(try seconds(.coding, query) == [plain.id: day])
    #expect(try seconds(.coding, query, .leftOut(.clock)) == [rebased.id: -day])
  }

  @Test("A change that a deploy brought before its merge has a lead time from its first commit, and none from its merge")
  func deployedBeforeMerge() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5), opened: at(1, 6), merged: at(1, 9))
    facts.deploy("shop", 1, began: at(1, 8, 11), ended: at(1, 8, 12), brings: [change])
    let report = try LeadTimeReport(LeadTimeQuery(frame: january), from: facts)
    let group = try #require(report.groups.first)
    #expect(group.leadTime.current.summary.median == 3 * day)
    let release = try #require(group.stages.first { $0.stage == .release })
    #expect(release.current.population.leftOut == [LeftOut(reason: .clock, count: 1)])
    let merged = try #require(try LeadTimeReport(LeadTimeQuery(frame: january, from: .merged), from: facts).groups.first)
    #expect(merged.leadTime.current.summary.median == nil)
    #expect(merged.leadTime.current.summary.population.leftOut == [LeftOut(reason: .clock, count: 1)])
  }

  @Test("What reached only staging, or failed, has no lead time")
  func notInProduction() throws {
    var facts = TestFacts()
    let staged = facts.change(firstCommit: at(1, 5), opened: at(1, 6), merged: at(1, 7))
    let failed = facts.change(firstCommit: at(1, 5), opened: at(1, 6), merged: at(1, 7))
    facts.deploy("shop", 1, to: "staging", began: at(1, 8), ended: at(1, 8, 13), brings: [staged])
    facts.deploy("shop", 2, began: at(1, 8), ended: at(1, 8, 13), outcome: .failure, brings: [failed])
    let groups = try LeadTimeReport(LeadTimeQuery(frame: january), from: facts).groups
    #expect(groups.allSatisfy { $0.leadTime.current.summary.n == 0 && $0.leadTime.current.summary.population.leftOut.isEmpty })
  }

  @Test("An incident is tied to a release of the last days, or to an older one if the settings say so")
  func incidents() throws {
    var facts = TestFacts()
    let release = facts.deploy("shop", 1, began: at(1, 5, 6), ended: at(1, 5, 7))
    let soon = facts.incident(began: at(1, 6, 2), resolved: at(1, 6, 3))
    let late = facts.incident(began: at(1, 25), resolved: at(1, 26))
    func causes(_ settings: ReportSettings) throws -> [FactID: FactID?] {
      let report = try IncidentsReport(IncidentsQuery(frame: january, settings: settings), from: facts)
      return Dictionary(uniqueKeysWithValues: report.resolved.map { ($0.incident, $0.cause.deploy) })
    }
    var settings = ReportSettings()
    #expect(try causes(settings) == [soon: release, late: nil])
    settings.blameWithinSeconds = 90 * day
    #expect(try causes(settings) == [soon: release, late: release])
  }
}
