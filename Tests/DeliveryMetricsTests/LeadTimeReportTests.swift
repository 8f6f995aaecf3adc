import DeliveryMetrics
import Testing
import ValueStreamCore

@Suite struct LeadTimeReportTests {
  func only(_ facts: TestFacts, _ query: LeadTimeQuery = LeadTimeQuery(frame: january)) throws -> LeadTimeReport.Group {
    try #require(LeadTimeReport(query, from: facts).groups.first)
  }

  func medians(_ group: LeadTimeReport.Group) -> [Double?] { group.stages.map { $0.current.median.map { $0 / hour } } }

  @Test("The stages of a reviewed change add up to its lead time")
  func stages() throws {
    var facts = TestFacts()
    let change = facts.change(
      firstCommit: at(1, 5, 0), opened: at(1, 5, 1), ready: at(1, 5, 3), firstResponse: at(1, 5, 4), lastApproval: at(1, 5, 8),
      merged: at(1, 5, 9))
    facts.deploy("shop", 1, began: at(1, 5, 15), ended: at(1, 5, 16), brings: [change])
    let group = try only(facts)
    #expect(medians(group) == [3, 1, 4, 1, 6, 1])
    #expect(group.leadTime.current.summary.median == 16 * hour)
    #expect(group.slowest.first?.stages.values.reduce(0, +) == 16 * hour)
    #expect(group.distribution.filter { $0.count > 0 }.map(\.lower) == [8 * hour])
    #expect(medians(try only(facts, LeadTimeQuery(frame: january, from: .opened))) == [2, 1, 4, 1, 6, 1])
    #expect(medians(try only(facts, LeadTimeQuery(frame: january, from: .merged))) == [nil, nil, nil, nil, 6, 1])
  }

  @Test("Without review, merge runs from ready to merged; a response after the merge is none")
  func unreviewed() throws {
    var facts = TestFacts()
    let change = facts.change(
      firstCommit: at(1, 5, 0), opened: at(1, 5, 1), firstResponse: at(1, 5, 10), merged: at(1, 5, 9))
    facts.deploy("shop", 1, began: at(1, 5, 15), ended: at(1, 5, 16), brings: [change])
    #expect(medians(try only(facts)) == [1, nil, nil, 8, 6, 1])
  }

  @Test("A response without approval leaves the rest to the merge")
  func unapproved() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5, 0), opened: at(1, 5, 1), firstResponse: at(1, 5, 4), merged: at(1, 5, 9))
    facts.deploy("shop", 1, began: at(1, 5, 15), ended: at(1, 5, 16), brings: [change])
    #expect(medians(try only(facts)) == [1, 3, nil, 5, 6, 1])
  }

  @Test("A push is coded until it is there, and has no merge")
  func direct() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5, 0), merged: at(1, 5, 9), traits: .isDirect)
    facts.deploy("shop", 1, began: at(1, 5, 15), ended: at(1, 5, 16), brings: [change])
    #expect(medians(try only(facts)) == [9, nil, nil, nil, 6, 1])
  }

  @Test("A negative stage is left out because of the clock, and listed; the lead time stands")
  func clock() throws {
    var facts = TestFacts()
    // Rebased after it was opened, so that its first commit is younger.
    let change = facts.change(firstCommit: at(1, 5, 5), opened: at(1, 5, 1), merged: at(1, 5, 9))
    facts.deploy("shop", 1, began: at(1, 5, 15), ended: at(1, 5, 16), brings: [change])
    let group = try only(facts)
    #expect(group.leadTime.current.summary.median == 11 * hour)
    #expect(group.stages[0].current.median == nil)
    #expect(group.stages[0].current.population.leftOut == [LeftOut(reason: .clock, count: 1)])
    let rows = try LeadTimeReport.evidence(
      LeadTimeEvidence(stage: .coding, part: .leftOut(.clock)), LeadTimeQuery(frame: january), from: facts
    ).rows
    #expect(rows.map(\.id) == [change.id])
    #expect(rows.map(\.value) == [-4 * hour])
  }

  @Test("An unknown milestone leaves out the stages on both sides of it")
  func unknown() throws {
    var facts = TestFacts()
    let change = facts.change(firstCommit: at(1, 5, 0), lastApproval: at(1, 5, 8), merged: at(1, 5, 9))
    facts.deploy("shop", 1, began: at(1, 5, 15), ended: at(1, 5, 16), brings: [change])
    let group = try only(facts)
    #expect(medians(group) == [nil, nil, nil, 1, 6, 1])
    #expect(group.stages[0].current.population.leftOut == [LeftOut(reason: .readyUnknown, count: 1)])
    #expect(group.stages[2].current.population.leftOut == [LeftOut(reason: .readyUnknown, count: 1)])
  }

  @Test("The slowest changes come first, and the trend has the changes of each week")
  func slowest() throws {
    var facts = TestFacts()
    for date in 5...20 {
      let change = facts.change(firstCommit: at(1, 4))
      facts.deploy("shop", UInt64(date), began: at(1, date), ended: at(1, date, 13), brings: [change])
    }
    let group = try only(facts, LeadTimeQuery(frame: january, buckets: .week, slowest: 2))
    #expect(group.slowest.map(\.released) == [at(1, 20, 13), at(1, 19, 13)])
    #expect(group.trend.map(\.summary.n) == [0, 7, 7, 2, 0])
    #expect(group.trend.map(\.bucket.isPartial) == [true, false, false, false, true])
  }
}
