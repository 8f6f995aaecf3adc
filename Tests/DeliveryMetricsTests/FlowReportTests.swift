import DeliveryMetrics
import Testing
import ValueStreamCore

@Suite struct FlowReportTests {
  func only(_ facts: TestFacts, _ query: FlowQuery = FlowQuery(frame: january)) throws -> FlowReport.Group {
    try #require(FlowReport(query, from: facts).groups.first)
  }

  func evidence(_ facts: TestFacts, _ part: FlowEvidence.Part, _ query: FlowQuery = FlowQuery(frame: january)) throws -> [FactID]
  {
    try FlowReport.evidence(FlowEvidence(part: part), query, from: facts).rows.map(\.id)
  }

  @Test("Flow time runs from the first started status to done, and moving back wipes later steps")
  func flowTime() throws {
    var facts = TestFacts()
    facts.issue(
      created: at(1, 1), statuses: [("To Do", at(1, 1)), ("In Progress", at(1, 5)), ("Done", at(1, 9))], closed: at(1, 9))
    facts.issue(
      created: at(1, 1),
      statuses: [
        ("In Progress", at(1, 2)), ("Review", at(1, 3)), ("Backlog", at(1, 4)), ("In Progress", at(1, 8)), ("Review", at(1, 9)),
        ("In Progress", at(1, 9, 14)), ("Done", at(1, 10)),
      ], closed: at(1, 10))
    let value = try only(facts).current
    #expect(value.flowTime.median == 3 * day)
    #expect(value.flowTime.n == 2)
    #expect(value.throughput == 2)
    #expect(try only(facts).distribution.map(\.count) == [2])
  }

  @Test("The time open runs from creation to done, also of items of which nothing tells when work began")
  func openTime() throws {
    var facts = TestFacts()
    let slow = facts.issue(created: at(1, 1), closed: at(1, 9))
    let quick = facts.issue(created: at(1, 1), statuses: [("In Progress", at(1, 2)), ("Done", at(1, 3))], closed: at(1, 3))
    let declined = facts.issue(created: at(1, 1), closed: at(1, 9), traits: .isNotDone)
    let early = facts.issue(created: at(1, 9), closed: at(1, 8))
    let value = try only(facts).current
    #expect(value.openTime.median == 5 * day)
    #expect(value.meanOpenSeconds == 5 * day)
    #expect(Set(try evidence(facts, .openTime(.counted))) == [slow, quick])
    #expect(try evidence(facts, .openTime(.leftOut(.notDone))) == [declined])
    #expect(try evidence(facts, .openTime(.leftOut(.clock))) == [early])
    #expect(value.openTime.n == 2)
    #expect(try only(TestFacts()).current.meanOpenSeconds == nil)
  }

  @Test("Without statuses, the first change or assignment begins the work, else the item is left out")
  func withoutStatuses() throws {
    var facts = TestFacts()
    facts.issue(created: at(1, 1), closed: at(1, 9), firstChange: at(1, 5), firstAssignment: at(1, 4))
    let unknown = facts.issue(created: at(1, 1), closed: at(1, 9))
    let declined = facts.issue(created: at(1, 1), closed: at(1, 9), traits: .isNotDone, firstChange: at(1, 5))
    let late = facts.issue(created: at(1, 1), closed: at(1, 9), firstChange: at(1, 10))
    let value = try only(facts).current
    #expect(value.flowTime.median == 5 * day)
    #expect(value.throughput == 3)
    #expect(value.flowTime.coverage == 0.25)
    #expect(try evidence(facts, .flowTime(.leftOut(.noStart))) == [unknown])
    #expect(try evidence(facts, .flowTime(.leftOut(.notDone))) == [declined])
    #expect(try evidence(facts, .flowTime(.leftOut(.clock))) == [late])
  }

  @Test("An item whose end nobody tells is done, and has no flow time unless a status has it")
  func unknownEnd() throws {
    var facts = TestFacts()
    facts.issue(created: at(1, 5), statuses: [("In Progress", at(1, 6))], closed: at(1, 8), traits: .isClosingUnknown)
    let report = try FlowReport(FlowQuery(frame: january), from: facts)
    let value = try #require(report.groups.first).current
    #expect(value.throughput == 1)
    #expect(value.flowTime.n == 0)
    #expect(value.flowTime.population.leftOut.map(\.reason) == [.endUnknown])
  }

  @Test("Settings say which statuses are started and done")
  func statusSettings() throws {
    var facts = TestFacts()
    facts.issue(
      created: at(1, 1), statuses: [("Analysis", at(1, 2)), ("Build", at(1, 4)), ("Verified", at(1, 9)), ("Live", at(1, 12))],
      closed: at(1, 12))
    let reopened = facts.issue(
      created: at(1, 1), statuses: [("Build", at(1, 4)), ("Verified", at(1, 9)), ("Build", at(1, 10))])
    let settings = ReportSettings(
      statuses: StatusSettings(started: [NamePattern("Build")], done: [NamePattern("Verified"), NamePattern("Live")]))
    let query = FlowQuery(frame: january, settings: settings)
    #expect(try only(facts, query).current.flowTime.median == 5 * day)
    #expect(try only(facts, query).current.throughput == 1)
    #expect(try evidence(facts, .load, query) == [reopened])
  }

  @Test("Load is what is in progress at the end of the window, and its mean covers the window")
  func load() throws {
    var facts = TestFacts()
    let open = facts.issue(created: at(1, 1), statuses: [("To Do", at(1, 1)), ("Doing", at(1, 16, 12))])
    facts.issue(created: at(1, 1), statuses: [("To Do", at(1, 1))])
    facts.issue(created: at(1, 1), statuses: [("Doing", at(1, 1, 0)), ("Done", at(1, 2, 0))], closed: at(1, 2, 0))
    let later = facts.issue(created: at(1, 1), statuses: [("Doing", at(1, 31, 0)), ("Done", at(2, 3))], closed: at(2, 3))
    let value = try only(facts).current
    #expect(value.load == 2)
    #expect(Set(try evidence(facts, .load)) == [open, later])
    #expect(abs((value.averageLoad ?? 0) - (15.5 + 1 + 1) / 31) < 1e-9)
  }

  @Test("Efficiency is active time by flow time, and unknown without a map of statuses")
  func efficiency() throws {
    var facts = TestFacts()
    facts.issue(
      created: at(1, 1),
      statuses: [
        ("Backlog", at(1, 1)), ("Doing", at(1, 2)), ("Waiting for QA", at(1, 3)), ("QA", at(1, 9)), ("Done", at(1, 10)),
      ],
      closed: at(1, 10))
    facts.issue(created: at(1, 1), closed: at(1, 9), firstChange: at(1, 5))
    #expect(try only(facts).current.efficiency == nil)
    let active = StatusSettings(active: [NamePattern("Doing"), NamePattern("QA")])
    let waiting = StatusSettings(waiting: [NamePattern("Waiting*")])
    for statuses in [active, waiting] {
      let query = FlowQuery(frame: january, settings: ReportSettings(statuses: statuses))
      let value = try only(facts, query).current
      #expect(value.efficiency == 0.25)
      #expect(value.efficiencyPopulation.leftOut == [LeftOut(reason: .statusesUnknown, count: 1)])
    }
  }

  @Test("Time in status adds the stays of an item, until it is done")
  func timeInStatus() throws {
    var facts = TestFacts()
    let item = facts.issue(
      created: at(1, 1), statuses: [("Doing", at(1, 2)), ("QA", at(1, 3)), ("Doing", at(1, 5)), ("Done", at(1, 6))],
      closed: at(1, 6))
    let times = try only(facts).timeInStatus
    #expect(times.map(\.status) == ["Doing", "QA"])
    #expect(times.map(\.totalSeconds) == [2 * day, 2 * day])
    #expect(try evidence(facts, .status("qa")) == [item])
  }

  @Test("Cumulative flow counts what was created, begun and done up to the end of each day")
  func cumulativeFlow() throws {
    var facts = TestFacts()
    facts.issue(created: at(1, 1), statuses: [("Doing", at(1, 2)), ("Done", at(1, 3))], closed: at(1, 3))
    facts.issue(created: at(1, 2), statuses: [("To Do", at(1, 2)), ("Doing", at(1, 3))])
    let frame = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(1, 5, 0)), now: at(1, 4, 12))
    let days = try only(facts, FlowQuery(frame: frame)).cumulativeFlow
    #expect(days.map(\.created) == [1, 2, 2, 2])
    #expect(days.map(\.started) == [0, 1, 2, 2])
    #expect(days.map(\.done) == [0, 0, 1, 1])
    #expect(days.map(\.inProgress) == [0, 1, 1, 1])
    #expect(days.last?.day.isPartial == true)
  }

  @Test("Throughput has all weeks, and limits from the whole ones")
  func throughput() throws {
    var facts = TestFacts()
    facts.issue(created: at(1, 1), closed: at(1, 1, 1), firstChange: at(1, 1, 0))
    for date in [6, 7, 8, 20, 21] { facts.issue(created: at(1, 1), closed: at(1, date), firstChange: at(1, 2)) }
    let group = try only(facts)
    #expect(group.throughput.map(\.count) == [1, 3, 0, 2, 0])
    #expect(group.throughput.map(\.isOutside) == [nil, false, false, false, nil])
    #expect(group.throughputLimits?.mean == 5.0 / 3)
    #expect(group.throughputLimits?.meanMovingRange == 2.5)
  }

  // MARK: Ageing

  @Test("Open items stand against the ages at which finished ones left their status")
  func ageing() throws {
    var facts = TestFacts()
    for days in 1...10 {
      let start = at(1, 1)
      facts.issue(
        created: start, statuses: [("Doing", start), ("Done", start.advanced(bySeconds: Double(days) * day))],
        closed: start.advanced(bySeconds: Double(days) * day))
    }
    let old = facts.issue(created: at(1, 19), statuses: [("Doing", at(1, 19))])
    let young = facts.issue(created: at(1, 24), statuses: [("Doing", at(1, 24))], traits: .isBlocked)
    let elsewhere = facts.issue(created: at(1, 25), statuses: [("QA", at(1, 25))])
    let unknown = facts.issue(created: at(1, 25))
    let frame = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(1, 26)), now: at(1, 26))
    let report = try AgeingReport(AgeingQuery(frame: frame), from: facts)
    #expect(report.items.map(\.issue) == [old, young, elsewhere])
    #expect(report.items.map(\.ageSeconds) == [7 * day, 2 * day, day])
    #expect(report.items.map(\.band) == [.p70, .belowP50, nil])
    #expect(report.items.map(\.isBlocked) == [false, true, false])
    let doing = try #require(report.statuses.first { $0.status == "Doing" })
    #expect([doing.p50, doing.p70, doing.p85, doing.p95] == [5 * day, 7 * day, 9 * day, 10 * day])
    #expect((doing.n, doing.open) == (10, 2))
    #expect(report.statuses.first { $0.status == "QA" }?.p50 == nil)
    #expect(report.population.leftOut == [LeftOut(reason: .noStart, count: 1)])
    let page = try AgeingReport.evidence(.leftOut(nil), AgeingQuery(frame: frame), from: facts)
    #expect(page.rows.map(\.id) == [unknown])
  }

  // MARK: Forecast

  @Test("A forecast is the same for the same seed, and certain for a steady pace")
  func forecast() throws {
    var facts = TestFacts()
    let now = at(3, 15)
    for back in 1...60 {
      let time = now.advanced(bySeconds: -Double(back) * day)
      facts.issue(created: time, closed: time, firstChange: time)
    }
    let frame = ReportFrame(lastDays: 90, now: now)
    let query = ForecastQuery(frame: frame, items: 7, by: at(3, 29), trials: 200)
    let report = try ForecastReport(query, from: facts)
    #expect(report.throughput == [Int](repeating: 1, count: 60))
    #expect(report.when?.days.map(\.day) == [7, 7, 7, 7])
    #expect(report.when?.days.first?.date == at(3, 22, 0))
    #expect(report.howMany?.counts.map(\.items) == [14, 14, 14, 14])
    #expect(report.when?.chanceByDate == ForecastReport.Chance(200, of: 200))
    #expect(report.when?.chanceByDate?.isAbove95 == true)
    let blackout = try ForecastReport(
      ForecastQuery(frame: frame, items: 7, by: at(3, 29), blackoutDays: [at(3, 16), at(3, 17), at(4, 20)], trials: 200),
      from: facts)
    #expect(blackout.when?.days.map(\.day) == [9, 9, 9, 9])
    #expect(blackout.howMany?.counts.map(\.items) == [12, 12, 12, 12])
    #expect(try ForecastReport(query, from: facts.shuffled(seed: 3)).when == report.when)
  }

  @Test("Fewer than five days with a completion give no number")
  func tooFewDays() throws {
    var facts = TestFacts()
    for date in 1...4 { for _ in 1...9 { facts.issue(created: at(3, 1), closed: at(3, date), firstChange: at(3, 1, 0)) } }
    let report = try ForecastReport(
      ForecastQuery(frame: ReportFrame(lastDays: 90, now: at(3, 15)), items: 5, by: at(4, 1)), from: facts)
    #expect(report.refusal == .tooFewDays)
    #expect(report.when == nil && report.howMany == nil)
    #expect(report.population.n == 36)
  }

  @Test("Eighty-five percent of the trials reach at least the fifteenth percentile")
  func percentiles() {
    let trials = [3, 4, 4, 5, 5, 5, 5, 7, 7, 9]
    #expect([10, 30, 50, 70, 85, 92].map { MonteCarlo.atLeast(at: $0, of: trials) } == [9, 7, 5, 5, 4, 3])
    let days: [Int?] = [3, 4, 4, 5, 5, 5, 6, 6, 7, nil]
    #expect([8, 30, 50, 90].map { MonteCarlo.firstDay(at: $0, of: days) } == [3, 4, 5, 7])
    #expect(MonteCarlo.firstDay(at: 95, of: days) == nil)
  }
}
