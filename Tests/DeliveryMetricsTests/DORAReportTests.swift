import DeliveryMetrics
import Testing
import ValueStreamCore

@Suite struct DORAReportTests {
  func only(_ facts: TestFacts, _ query: DORAQuery = DORAQuery(frame: january)) throws -> DORAReport.Group {
    let report = try DORAReport(query, from: facts)
    #expect(report.groups.count == 1)
    return try #require(report.groups.first)
  }

  func evidence(_ facts: TestFacts, _ evidence: DORAEvidence, _ query: DORAQuery = DORAQuery(frame: january)) throws -> [FactID] {
    try DORAReport.evidence(evidence, query, from: facts).rows.map(\.id)
  }

  @Test("Nothing known gives no numbers, and one group")
  func empty() throws {
    let group = try only(TestFacts())
    #expect(group.leadTime.current.summary.median == nil)
    #expect(group.leadTime.current.summary.coverage == nil)
    #expect(group.changeFailRate.current.ratio == nil)
    #expect(group.recoveryTime.current.summary.median == nil)
    #expect(group.reworkRate.current.ratio == nil)
    #expect(group.deploymentFrequency.current.releases == 0)
    #expect(group.deploymentFrequency.current.medianDaysPerWeek == nil)
    #expect(group.quickCheck.overall == nil)
  }

  // MARK: Releases

  @Test("Deploys of one commit to different environments within an hour are one release, which ends at its first success")
  func oneRelease() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5, 10), merged: at(1, 5, 11))
    facts.deploy("shop", 1, to: "prod-eu", began: at(1, 5, 12), ended: at(1, 5, 12, 30), brings: [change])
    facts.deploy("shop", 1, to: "prod-us", began: at(1, 5, 13), ended: at(1, 5, 13, 10), brings: [change])
    facts.deploy("shop", 1, to: "prod-asia", began: at(1, 5, 13, 1), ended: at(1, 5, 13, 5), brings: [change])
    let group = try only(facts)
    #expect(group.deploymentFrequency.current.releases == 2)
    #expect(group.deploymentFrequency.current.deploys == 3)
    #expect(group.leadTime.current.summary.median == 2.5 * hour)
    #expect(group.leadTime.current.summary.n == 1)
  }

  @Test("Another commit, another service, the same environment again and unknown commits are releases of their own")
  func ownReleases() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, to: "prod-eu", began: at(1, 5, 12), ended: at(1, 5, 12, 1))
    facts.deploy("shop", 2, to: "prod-us", began: at(1, 5, 12), ended: at(1, 5, 12, 2))
    facts.deploy("cart", 1, to: "prod-us", began: at(1, 5, 12), ended: at(1, 5, 12, 2))
    facts.deploy("shop", 1, to: "prod-eu", began: at(1, 5, 12, 10), ended: at(1, 5, 12, 11), step: .redeploy)
    facts.deploy("shop", 0, to: "prod-us", began: at(1, 5, 12, 20), ended: at(1, 5, 12, 21), step: .unknown)
    facts.deploy("shop", 0, to: "prod-eu", began: at(1, 5, 12, 20), ended: at(1, 5, 12, 22), step: .unknown)
    #expect(try only(facts).deploymentFrequency.current.releases == 6)
  }

  @Test("A release has as many environments as there are, and the same ones again are the next release")
  func manyEnvironments() throws {
    var facts = TestFacts()
    for round in 0..<3 {
      for number in 0..<60 {
        let began = at(1, 5, 12).advanced(bySeconds: Double(round * 600 + number))
        facts.deploy("shop", 1, to: "prod-\(number)", began: began, ended: began.advanced(bySeconds: 1))
      }
    }
    let value = try only(facts).deploymentFrequency.current
    #expect(value.releases == 3)
    #expect(value.deploys == 180)
  }

  @Test("Thousands of deploys of one service within an hour are all counted")
  func manyDeploys() throws {
    var facts = TestFacts()
    for number in 0..<4000 {
      let began = at(1, 5, 12).advanced(bySeconds: Double(number) / 2)
      facts.deploy("shop", number % 2 == 0 ? 1 : UInt64(number), to: "prod", began: began, ended: began.advanced(bySeconds: 1))
    }
    #expect(try only(facts).deploymentFrequency.current.releases == 4000)
  }

  @Test("A report has the largest groups that fit, by name, and counts the others")
  func manyGroups() throws {
    var facts = TestFacts()
    for number in 100..<500 {
      let began = at(1, 5, 12).advanced(bySeconds: Double(number))
      for time in number % 4 == 0 ? [began, began.advanced(bySeconds: 7200)] : [began] {
        facts.deploy("service-\(number)", 1, began: time, ended: time.advanced(bySeconds: 1))
      }
    }
    var query = DORAQuery(frame: january, grouping: .service)
    #expect(try DORAReport(query, from: facts).groups.count == 400)
    #expect(try DORAReport(query, from: facts).leftOutGroupCount == 0)
    query.buckets = .day
    query.frame.window = TimeWindow(start: at(1, 1, 0).advanced(bySeconds: -298 * day), end: at(2, 1, 0))
    let report = try DORAReport(query, from: facts)
    #expect(report.groups.count == 15_000 / 330)
    #expect(report.leftOutGroupCount == 400 - 15_000 / 330)
    #expect(report.groups.prefix(45).map(\.key.name) == (25..<70).map { "service-\($0 * 4)" })
  }

  @Test(
    "Without patterns, production is what the vendor says, or a name with the word",
    arguments: [
      ("production", true), ("prod", true), ("Prod-EU", true), ("eu/live", true), ("staging", false), ("products", false),
      ("pre-prod", false), ("delivery", false), ("non_production", false),
    ])
  func productionByWord(environment: String, isProduction: Bool) throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, to: environment, began: at(1, 5), ended: at(1, 5, 13))
    #expect(try only(facts).deploymentFrequency.current.releases == (isProduction ? 1 : 0))
  }

  @Test("The vendor's word beats the name, and patterns beat both")
  func productionByVendor() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, to: "blue", began: at(1, 5), ended: at(1, 5, 13), traits: .isProduction)
    facts.deploy("shop", 2, to: "production", began: at(1, 6), ended: at(1, 6, 13), traits: .isNotProduction)
    facts.deploy("shop", 3, to: "green", began: at(1, 7), ended: at(1, 7, 13))
    #expect(try only(facts).deploymentFrequency.current.releases == 1)
    let settings = ReportSettings(production: [NamePattern("gr*"), NamePattern("production")])
    #expect(try only(facts, DORAQuery(frame: january, settings: settings)).deploymentFrequency.current.releases == 2)
    let scope = ReportScope(environments: [NamePattern("green")])
    #expect(
      try only(facts, DORAQuery(frame: january, scope: scope, settings: settings)).deploymentFrequency.current.releases == 1)
  }

  @Test("Deploys without environment or end are left out with the reason")
  func leftOutDeploys() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let nowhere = facts.deploy("shop", 2, to: nil, began: at(1, 6), ended: at(1, 6, 13))
    let endless = facts.deploy("shop", 3, began: at(1, 7), ended: nil)
    let population = try only(facts).deploymentFrequency.current.population
    #expect(population.n == 1)
    #expect(Set(population.leftOut.map(\.reason)) == [.environmentUnknown, .endUnknown])
    #expect(population.coverage == 1.0 / 3)
    let rows = try evidence(facts, DORAEvidence(.deploymentFrequency, part: .leftOut(nil)))
    #expect(rows == [endless, nowhere])
    #expect(try evidence(facts, DORAEvidence(.deploymentFrequency, part: .leftOut(.endUnknown))) == [endless])
  }

  // MARK: Lead time

  @Test("A deploy whose end nobody tells is left out")
  func unknownEnd() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5, 12), ended: at(1, 5, 12, 1))
    let unknown = facts.deploy("shop", 2, began: at(1, 6, 12), ended: at(1, 6, 14), traits: .isEndUnknown)
    let frequency = try only(facts).deploymentFrequency.current
    #expect(frequency.releases == 1)
    #expect(frequency.population.leftOut.map(\.reason) == [.endUnknown])
    #expect(try evidence(facts, DORAEvidence(.deploymentFrequency, part: .leftOut(nil))) == [unknown])
  }

  @Test("Lead time runs from the first commit, the opening or the merge")
  func leadTimeBases() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5, 10), opened: at(1, 5, 14), merged: at(1, 6, 10))
    facts.deploy("shop", 1, began: at(1, 6, 11), ended: at(1, 6, 12), brings: [change])
    #expect(try only(facts).leadTime.current.summary.median == 26 * hour)
    #expect(try only(facts, DORAQuery(frame: january, leadTimeFrom: .opened)).leadTime.current.summary.median == 22 * hour)
    #expect(try only(facts, DORAQuery(frame: january, leadTimeFrom: .merged)).leadTime.current.summary.median == 2 * hour)
  }

  @Test("Median, percentiles, and changes that are left out")
  func leadTimeSummary() throws {
    var facts = TestFacts()
    var changes = (1...10).map { facts.change(firstCommit: at(1, 20, 12).advanced(bySeconds: -Double($0) * hour)) }
    changes.append(facts.change(merged: at(1, 19)))
    changes.append(facts.change(firstCommit: at(1, 20, 13)))
    facts.deploy("shop", 1, began: at(1, 20, 11), ended: at(1, 20, 12), brings: changes)
    let summary = try only(facts).leadTime.current.summary
    #expect(summary.median == 5.5 * hour)
    #expect(summary.p75 == 8 * hour)
    #expect(summary.p85 == 9 * hour)
    #expect(summary.p95 == 10 * hour)
    #expect(summary.n == 10)
    #expect(summary.population.leftOut == [LeftOut(reason: .clock, count: 1), LeftOut(reason: .firstCommitUnknown, count: 1)])
    let clock = try DORAReport.evidence(
      DORAEvidence(.leadTime, part: .leftOut(.clock)), DORAQuery(frame: january), from: facts)
    #expect(clock.rows.map(\.value) == [-hour])
  }

  @Test("A change counts once, at its first release, also if that was long ago or it came again")
  func firstRelease() throws {
    var facts = TestFacts()
    let old = facts.change(firstCommit: at(1, 1, 1), merged: at(1, 1, 2))
    facts.deploy("shop", 1, began: at(1, 2), ended: at(1, 2, 13), brings: [old])
    facts.deploy("shop", 2, began: at(1, 3), ended: at(1, 3, 13), step: .rollback)
    facts.deploy("shop", 1, began: at(2, 20), ended: at(2, 20, 13), brings: [old.repeated])
    facts.deploy("cart", 5, began: at(2, 21), ended: at(2, 21, 13), brings: [old])
    #expect(try only(facts).leadTime.current.summary.n == 1)
    let later = ReportFrame(
      window: TimeWindow(start: at(2, 15), end: at(3, 1)), comparison: .none, now: at(3, 2))
    #expect(try only(facts, DORAQuery(frame: later)).leadTime.current.summary.n == 0)
    let byService = try DORAReport(DORAQuery(frame: later, grouping: .service), from: facts)
    #expect(byService.groups.map(\.key.name) == ["cart", "shop"])
    #expect(byService.groups.map(\.leadTime.current.summary.n) == [1, 0])
  }

  @Test("Bots count unless they are switched off, and are told apart")
  func bots() throws {
    var facts = TestFacts()
    let person = facts.change(firstCommit: at(1, 4))
    let bot = facts.change(firstCommit: at(1, 5), traits: .isByBot)
    let push = facts.change(firstCommit: at(1, 5), traits: [.isDirect, .isRevert])
    facts.deploy("shop", 1, began: at(1, 6), ended: at(1, 6, 13), brings: [person, bot, push])
    let value = try only(facts).leadTime.current
    #expect(value.summary.n == 3)
    #expect((value.byBots, value.direct, value.reverts) == (1, 1, 1))
    let settings = ReportSettings(includesBots: false)
    #expect(try only(facts, DORAQuery(frame: january, settings: settings)).leadTime.current.summary.n == 2)
  }

  // MARK: Frequency

  @Test("The rate is that of the whole window up to the present")
  func rate() throws {
    var facts = TestFacts()
    for date in [2, 3, 4] { facts.deploy("shop", UInt64(date), began: at(1, date), ended: at(1, date, 13)) }
    let frame = ReportFrame(window: TimeWindow(start: at(1, 2, 0), end: at(1, 6, 0)), now: at(3, 1))
    let value = try only(facts, DORAQuery(frame: frame)).deploymentFrequency.current
    #expect(value.perDay == 0.75)
    #expect(value.perWeek == 5.25)
    #expect(value.rhythm == nil)
    let early = ReportFrame(window: frame.window, now: at(1, 5, 0))
    #expect(try only(facts, DORAQuery(frame: early)).deploymentFrequency.current.perDay == 1)
  }

  @Test("The median takes whole ISO weeks since history began, with those of no release")
  func medianOfWeeks() throws {
    var facts = TestFacts()
    // 2026-01-05 is a Monday. The first deploy begins history.
    facts.deploy("other", 99, to: "staging", began: at(1, 3), ended: at(1, 3, 13))
    for date in [5, 6, 7, 8, 12, 13, 14, 28] { facts.deploy("shop", UInt64(date), began: at(1, date), ended: at(1, date, 13)) }
    facts.deploy("shop", 50, began: at(1, 5, 15), ended: at(1, 5, 16))
    let frame = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(2, 4, 0)), now: at(3, 1))
    let value = try only(facts, DORAQuery(frame: frame)).deploymentFrequency.current
    // Weeks from 5, 12, 19, 26 January: 4, 3, 0 and 1 days.
    #expect(value.wholeWeeks == 4)
    #expect(value.medianDaysPerWeek == 2)
    #expect(value.rhythm == .weekly)
    let short = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(1, 31, 0)), now: at(3, 1))
    #expect(try only(facts, DORAQuery(frame: short)).deploymentFrequency.current.medianDaysPerWeek == nil)
  }

  @Test("Half of the months with a release are monthly, fewer are rarer")
  func months() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 1, 0), ended: at(1, 1, 1))
    facts.deploy("shop", 2, began: at(3, 10), ended: at(3, 10, 13))
    let frame = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(5, 1, 0)), now: at(6, 1))
    #expect(try only(facts, DORAQuery(frame: frame)).deploymentFrequency.current.rhythm == .monthly)
    let longer = ReportFrame(window: TimeWindow(start: at(1, 1, 0), end: at(6, 1, 0)), now: at(6, 1))
    #expect(try only(facts, DORAQuery(frame: longer)).deploymentFrequency.current.rhythm == .rarer)
  }

  // MARK: Verdicts

  @Test("A rollback from V3 to V1 blames V2, and takes V3 back")
  func rollback() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let second = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13))
    let third = facts.deploy("shop", 3, began: at(1, 7), ended: at(1, 7, 13))
    let back = facts.deploy("shop", 1, began: at(1, 7, 15), ended: at(1, 7, 16), step: .rollback)
    facts.deploy("shop", 1, began: at(1, 8), ended: at(1, 8, 13), step: .rollback)
    let group = try only(facts)
    let value = group.changeFailRate.current
    #expect((value.failed, value.takenBack, value.total, value.ratio) == (1, 1, 5, 0.2))
    #expect(value.rules.filter { $0.count > 0 }.map(\.rule) == [.rollback])
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .rule(.rollback))) == [second])
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.takenBack))) == [third])
    #expect(group.recoveryTime.current.summary.median == 27 * hour)
    #expect(try evidence(facts, DORAEvidence(.reworkRate, part: .rework(.rollback))) == [back])
    #expect(group.reworkRate.current.ratio == 0.2)
  }

  @Test("A rollback to a release before the days that are read finds the first release after it")
  func distantRollback() throws {
    var facts = TestFacts()
    let first = facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let second = facts.deploy("shop", 2, began: at(3, 6), ended: at(3, 6, 13), previous: first)
    facts.deploy("shop", 1, began: at(3, 7), ended: at(3, 7, 13), step: .rollback, previous: second)
    let frame = ReportFrame(window: TimeWindow(start: at(3, 1), end: at(4, 1)), comparison: .none, now: at(5, 1))
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.failed)), DORAQuery(frame: frame)) == [second])
  }

  @Test("A rollback to a release before others that were not read only takes back")
  func veryDistantRollback() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let second = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13))
    let third = facts.deploy("shop", 3, began: at(3, 6), ended: at(3, 6, 13), previous: second)
    facts.deploy("shop", 1, began: at(3, 7), ended: at(3, 7, 13), step: .rollback, previous: third)
    let frame = ReportFrame(window: TimeWindow(start: at(3, 1), end: at(4, 1)), comparison: .none, now: at(5, 1))
    let value = try only(facts, DORAQuery(frame: frame)).changeFailRate.current
    #expect((value.failed, value.takenBack, value.total) == (0, 1, 2))
  }

  @Test("Evidence of a verdict rests on the same days as the number, those of the previous period too")
  func evidenceOfVerdicts() throws {
    var facts = TestFacts()
    let first = facts.deploy("shop", 1, began: at(1, 25), ended: at(1, 25, 13))
    let second = facts.deploy("shop", 2, began: at(3, 6), ended: at(3, 6, 13), previous: first)
    let third = facts.deploy("shop", 3, began: at(3, 7), ended: at(3, 7, 13), previous: second)
    facts.deploy("shop", 9, began: at(3, 8), ended: at(3, 8, 13), step: .rollback, previous: third)
    let query = DORAQuery(frame: ReportFrame(window: TimeWindow(start: at(3, 1), end: at(4, 1)), now: at(5, 1)))
    #expect(try only(facts, query).changeFailRate.current.failed == 1)
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.failed)), query) == [third])
    #expect(try evidence(facts, DORAEvidence(.recoveryTime), query) == [third])
  }

  @Test("A deploy that waited for approval while another one ran is no rollback")
  func approvedOutOfOrder() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    facts.deploy("shop", 3, began: at(1, 6), ended: at(1, 6, 13))
    facts.deploy("shop", 2, created: at(1, 6, 11), began: at(1, 6, 15), ended: at(1, 6, 16), step: .rollback)
    let group = try only(facts)
    #expect(group.changeFailRate.current.failed == 0)
    #expect(group.reworkRate.current.rework == 0)
  }

  @Test("Of unknown direction, a return to an older commit is a rollback, and going on again is not")
  func unknownSteps() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13), step: .unknown)
    let bad = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13), step: .unknown)
    facts.deploy("shop", 1, began: at(1, 7), ended: at(1, 7, 13), step: .unknown)
    facts.deploy("shop", 2, began: at(1, 8), ended: at(1, 8, 13), step: .unknown)
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.failed))) == [bad])
  }

  @Test("A revert blames the release that brought the original, unless both came at once")
  func revert() throws {
    var facts = TestFacts()
    let first = facts.change(firstCommit: at(1, 4), merged: at(1, 4))
    let other = facts.change(firstCommit: at(1, 4), merged: at(1, 4))
    let bad = facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13), brings: [first])
    facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13), brings: [other])
    let revert = facts.change(firstCommit: at(1, 6), merged: at(1, 6, 14), traits: .isRevert, reverts: first.id)
    let fix = facts.deploy("shop", 3, began: at(1, 6, 15), ended: at(1, 6, 16), brings: [revert])
    let short = facts.change(firstCommit: at(1, 8), merged: at(1, 8))
    let undone = facts.change(firstCommit: at(1, 8), merged: at(1, 8), traits: .isRevert, reverts: short.id)
    facts.deploy("shop", 4, began: at(1, 9), ended: at(1, 9, 13), brings: [short, undone])
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.failed))) == [bad])
    #expect(try evidence(facts, DORAEvidence(.reworkRate, part: .rework(nil))) == [fix])
    #expect(try only(facts).recoveryTime.current.summary.median == 27 * hour)
  }

  @Test("A revert of a revert brings the change again, and a revert of that takes it back again")
  func reapply() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 4), merged: at(1, 4))
    let revert = facts.change(firstCommit: at(1, 5), merged: at(1, 5), traits: .isRevert, reverts: change.id)
    let again = facts.change(firstCommit: at(1, 6), merged: at(1, 6), traits: .isRevert, reverts: revert.id)
    let final = facts.change(firstCommit: at(1, 7), merged: at(1, 7), traits: .isRevert, reverts: again.id)
    let one = facts.deploy("shop", 1, began: at(1, 4, 13), ended: at(1, 4, 14), brings: [change])
    facts.deploy("shop", 2, began: at(1, 5, 13), ended: at(1, 5, 14), brings: [revert])
    let three = facts.deploy("shop", 3, began: at(1, 6, 13), ended: at(1, 6, 14), brings: [again])
    facts.deploy("shop", 4, began: at(1, 7, 13), ended: at(1, 7, 14), brings: [final])
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.failed))) == [three, one])
    #expect(try only(facts).reworkRate.current.rework == 2)
  }

  @Test("A hotfix blames the release before, where it first arrives")
  func hotfix() throws {
    var facts = TestFacts()
    let fix = facts.change(firstCommit: at(1, 6), merged: at(1, 6), traits: .isHotfix)
    facts.deploy("shop", 1, to: "prod-eu", began: at(1, 5), ended: at(1, 5, 13))
    let bad = facts.deploy("shop", 2, to: "prod-eu", began: at(1, 6), ended: at(1, 6, 13))
    let remedy = facts.deploy("shop", 3, to: "prod-eu", began: at(1, 6, 14), ended: at(1, 6, 15), brings: [fix])
    facts.deploy("shop", 3, to: "prod-us", began: at(1, 6, 18), ended: at(1, 6, 19), brings: [fix])
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .rule(.hotfix))) == [bad])
    #expect(try evidence(facts, DORAEvidence(.reworkRate, part: .rework(.hotfix))) == [remedy])
    let off = DORAQuery(frame: january, settings: ReportSettings(failureRules: [.incident]))
    #expect(try only(facts, off).changeFailRate.current.failed == 0)
    #expect(try only(facts, off).reworkRate.current.rework == 0)
  }

  @Test("An incident blames the deploy that it names, or the latest release of the service")
  func incidents() throws {
    var facts = TestFacts()
    let first = facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let second = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13))
    facts.deploy("shop", 3, began: at(1, 9), ended: at(1, 9, 13))
    facts.incident(began: at(1, 6, 14), detected: at(1, 6, 15), resolved: at(1, 6, 18))
    facts.incident(began: at(1, 7), resolved: at(1, 7, 14), cause: first)
    let group = try only(facts)
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .rule(.incident))) == [second, first])
    // The first failure, from 5 January 13:00 to 7 January 14:00, contains the second.
    #expect(group.recoveryTime.current.summary.n == 1)
    #expect(group.recoveryTime.current.summary.median == 49 * hour)
    #expect(group.recoveryTime.current.fromDetection.median == 23 * hour)
  }

  @Test("An incident without a recent release is left out, and so is one of another environment")
  func incidentWithoutRelease() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 12))
    let late = facts.incident(began: at(1, 12, 12), resolved: at(1, 13))
    let later = facts.incident(began: at(1, 12, 13), resolved: at(1, 13))
    facts.incident(environment: "staging", began: at(1, 6), resolved: at(1, 7))
    let value = try only(facts).changeFailRate.current
    #expect((value.failed, value.total) == (1, 1))
    #expect(value.population.leftOut == [LeftOut(reason: .incidentWithoutRelease, count: 1)])
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .leftOut(nil))) == [later])
    #expect(late != later)
  }

  @Test("A release is pending for a day, whatever is known, and recovers all the same")
  func pending() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let young = facts.deploy("shop", 2, began: at(1, 9), ended: at(1, 9, 13))
    facts.incident(began: at(1, 9, 14), resolved: at(1, 9, 15))
    let frame = ReportFrame(window: TimeWindow(start: at(1, 1), end: at(1, 10)), now: at(1, 10))
    let group = try only(facts, DORAQuery(frame: frame))
    let value = group.changeFailRate.current
    #expect((value.failed, value.total, value.pending, value.ratio) == (0, 1, 1, 0))
    #expect(value.population.coverage == 0.5)
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .verdict(.pending)), DORAQuery(frame: frame)) == [young])
    #expect(group.recoveryTime.current.summary.median == 2 * hour)
  }

  @Test("A failed deploy counts only with its rule, and then also in the total")
  func failedDeploys() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let failed = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13), outcome: .failure)
    facts.deploy("shop", 3, began: at(1, 6, 14), ended: at(1, 6, 15))
    #expect(try only(facts).changeFailRate.current.ratio == 0)
    let query = DORAQuery(frame: january, settings: ReportSettings(failureRules: FailureRule.usual.union([.failed])))
    let group = try only(facts, query)
    #expect((group.changeFailRate.current.failed, group.changeFailRate.current.total) == (1, 3))
    #expect(group.deploymentFrequency.current.releases == 2)
    #expect(group.recoveryTime.current.summary.median == 2 * hour)
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .rule(.failed)), query) == [failed])
  }

  // MARK: Recovery

  @Test("A failure recovers with its remedy or the last of its incidents, whichever is first")
  func recovery() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 12))
    facts.incident(began: at(1, 5, 13), resolved: at(1, 5, 14))
    facts.incident(began: at(1, 5, 13), resolved: at(1, 5, 20))
    #expect(try only(facts).recoveryTime.current.summary.median == 8 * hour)
    let fix = facts.change(firstCommit: at(1, 5, 13), merged: at(1, 5, 13), traits: .isHotfix)
    facts.deploy("shop", 2, began: at(1, 5, 16), ended: at(1, 5, 17), brings: [fix])
    #expect(try only(facts).recoveryTime.current.summary.median == 5 * hour)
  }

  @Test("A failure that ended at an unknown time is over and left out, unless its remedy tells the end")
  func recoveryUnknown() throws {
    var facts = TestFacts()
    let bad = facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 12))
    facts.incident(began: at(1, 5, 13), resolved: at(1, 5, 14))
    facts.incident(began: at(1, 5, 13), resolved: at(1, 9), isResolutionUnknown: true)
    let value = try only(facts).recoveryTime.current
    #expect(value.open.isEmpty)
    #expect(value.summary.population == Population(n: 0, leftOut: [.endUnknown: 1]))
    #expect(value.fromDetection.population == Population(n: 0, leftOut: [.endUnknown: 1]))
    #expect(try evidence(facts, DORAEvidence(.recoveryTime, part: .leftOut(.endUnknown))) == [bad])
    let fix = facts.change(firstCommit: at(1, 5, 13), merged: at(1, 5, 13), traits: .isHotfix)
    facts.deploy("shop", 2, began: at(1, 5, 16), ended: at(1, 5, 17), brings: [fix])
    let remedied = try only(facts).recoveryTime.current
    #expect(remedied.summary.median == 5 * hour)
    #expect(remedied.summary.population.leftOut.isEmpty)
  }

  @Test("A failure counts in the window in which it ends, and is open in those before")
  func recoveryWindow() throws {
    var facts = TestFacts()
    let bad = facts.deploy("shop", 1, began: at(1, 30), ended: at(1, 30, 12))
    facts.incident(began: at(1, 30, 13), resolved: at(2, 15, 12))
    let first = try only(facts).recoveryTime.current
    #expect(first.summary.n == 0)
    #expect(first.open.map(\.deploy) == [bad])
    #expect(first.open.map(\.ageSeconds) == [1.5 * day])
    #expect(try evidence(facts, DORAEvidence(.recoveryTime, part: .open)) == [bad])
    let february = ReportFrame(window: TimeWindow(start: at(2, 12, 0), end: at(3, 1, 0)), comparison: .none, now: at(3, 1))
    let second = try only(facts, DORAQuery(frame: february)).recoveryTime.current
    #expect(second.summary.median == 16 * day)
    #expect(second.open.isEmpty)
  }

  // MARK: Groups, exclusions, comparison

  @Test("Teams own repositories and services by pattern, and may overlap")
  func teams() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    facts.deploy("cart", 2, began: at(1, 6), ended: at(1, 6, 13))
    facts.deploy("pay", 3, began: at(1, 7), ended: at(1, 7, 13))
    let settings = ReportSettings(teams: [
      .init(name: "Front", patterns: [NamePattern("shop"), NamePattern("acme/cart")]),
      .init(name: "Back", patterns: [NamePattern("ca*")]),
    ])
    let report = try DORAReport(DORAQuery(frame: january, grouping: .team, settings: settings), from: facts)
    #expect(report.groups.map(\.key.name) == [nil, "Back", "Front"])
    #expect(report.groups.map(\.deploymentFrequency.current.releases) == [1, 1, 2])
    let scope = ReportScope(team: "front")
    #expect(
      try only(facts, DORAQuery(frame: january, scope: scope, settings: settings)).deploymentFrequency.current.releases == 2)
    #expect(throws: ReportError.self) {
      try DORAReport(DORAQuery(frame: january, scope: ReportScope(team: "None"), settings: settings), from: facts)
    }
  }

  @Test("Each environment has releases of its own if they are groups")
  func environments() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, to: "prod-eu", began: at(1, 5), ended: at(1, 5, 13))
    facts.deploy("shop", 1, to: "prod-us", began: at(1, 5), ended: at(1, 5, 14))
    facts.deploy("shop", 2, to: "prod-us", began: at(1, 6), ended: at(1, 6, 14))
    facts.incident(environment: "prod-eu", began: at(1, 7), resolved: at(1, 8))
    let report = try DORAReport(DORAQuery(frame: january, grouping: .environment), from: facts)
    #expect(report.groups.map(\.key.name) == ["prod-eu", "prod-us"])
    #expect(report.groups.map(\.deploymentFrequency.current.releases) == [1, 2])
    #expect(report.groups.map(\.changeFailRate.current.failed) == [1, 0])
  }

  @Test("What a person excluded is left out with the reason, and counts again when that is undone")
  func exclusions() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5, 11))
    let other = facts.change(firstCommit: at(1, 5, 10))
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13), brings: [change, other])
    let second = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13))
    facts.incident(began: at(1, 6, 14), resolved: at(1, 6, 15))
    var query = DORAQuery(frame: january)
    let before = try only(facts, query)
    query.settings.exclusions = [second: "a drill", change.id: "imported twice"]
    let group = try only(facts, query)
    #expect(group.deploymentFrequency.current.releases == 1)
    #expect(group.deploymentFrequency.current.population.leftOut == [LeftOut(reason: .excluded, count: 1)])
    #expect(group.leadTime.current.summary.median == 3 * hour)
    // Without the second release, the incident falls to the first.
    #expect(try evidence(facts, DORAEvidence(.changeFailRate, part: .rule(.incident)), query).count == 1)
    let rows = try DORAReport.evidence(DORAEvidence(.leadTime, part: .leftOut(.excluded)), query, from: facts).rows
    #expect(rows.map(\.exclusion) == ["imported twice"])
    query.settings.exclusions = [:]
    #expect(try only(facts, query).changeFailRate.current == before.changeFailRate.current)
    #expect(try only(facts, query).leadTime.current == before.leadTime.current)
  }

  @Test("The previous period has the same length, right before")
  func previous() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    facts.deploy("shop", 2, began: at(1, 15), ended: at(1, 15, 13))
    facts.deploy("shop", 3, began: at(1, 16), ended: at(1, 16, 13))
    let frame = ReportFrame(window: TimeWindow(start: at(1, 11, 0), end: at(1, 21, 0)), now: at(3, 1))
    let group = try only(facts, DORAQuery(frame: frame))
    #expect(group.deploymentFrequency.current.releases == 2)
    #expect(group.deploymentFrequency.previous?.releases == 1)
    let none = ReportFrame(window: frame.window, comparison: .none, now: at(3, 1))
    #expect(try only(facts, DORAQuery(frame: none)).deploymentFrequency.previous == nil)
  }

  @Test("A trend has all buckets of the window, marks cut ones, and its rows are those of the bucket")
  func trend() throws {
    var facts = TestFacts()
    facts.deploy("other", 9, to: "staging", began: at(1, 7, 0), ended: at(1, 7, 1))
    facts.deploy("shop", 1, began: at(1, 8), ended: at(1, 8, 13))
    let second = facts.deploy("shop", 2, began: at(1, 20), ended: at(1, 20, 13))
    let frame = ReportFrame(window: TimeWindow(start: at(1, 5, 0), end: at(1, 29, 0)), now: at(3, 1))
    let query = DORAQuery(frame: frame, buckets: .week)
    let trend = try only(facts, query).trend
    #expect(trend.map(\.bucket.window.start) == [at(1, 5, 0), at(1, 12, 0), at(1, 19, 0), at(1, 26, 0)])
    #expect(trend.map(\.bucket.isPartial) == [true, false, false, true])
    #expect(trend.map(\.deploymentFrequency.releases) == [1, 0, 1, 0])
    #expect(trend.map(\.changeFailRate.ratio) == [0, nil, 0, nil])
    let rows = try evidence(facts, DORAEvidence(.deploymentFrequency, bucket: at(1, 19, 0)), query)
    #expect(rows == [second])
  }

  @Test("Pages of evidence follow each other without gap or repetition")
  func paging() throws {
    var facts = TestFacts()
    for date in 1...9 { facts.deploy("shop", UInt64(date), began: at(1, date), ended: at(1, date, 13)) }
    var found: [FactID] = []
    var cursor: String?
    repeat {
      let page = try DORAReport.evidence(
        DORAEvidence(.deploymentFrequency), DORAQuery(frame: january), from: facts, page: PageRequest(cursor: cursor, limit: 2))
      #expect(page.total == 9)
      found += page.rows.map(\.id)
      cursor = page.next
    } while cursor != nil
    #expect(found == (2...10).reversed().map { FactID(rawValue: UInt64($0)) })
    #expect(throws: ReportError.self) {
      try DORAReport.evidence(
        DORAEvidence(.leadTime), DORAQuery(frame: january), from: facts, page: PageRequest(cursor: "nonsense"))
    }
  }
}
