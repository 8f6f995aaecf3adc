import DeliveryMetrics
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite struct ReviewsReportTests {
  @Test("Reviews count people's requests only, with response, rounds, waiting and size")
  func reviews() throws {
    var facts = TestFacts()
    let reviewed = facts.change(
      opened: at(1, 5, 8), firstResponse: at(1, 5, 10), lastApproval: at(1, 5, 18), merged: at(1, 5, 20), rounds: 2,
      reviewCount: 3, waitingForReviewer: 7200, waitingForAuthor: 3600, size: 700)
    let alone = facts.change(opened: at(1, 6, 8), merged: at(1, 6, 10), size: 5)
    let afterwards = facts.change(opened: at(1, 7, 8), firstResponse: at(1, 7, 12), merged: at(1, 7, 10))
    _ = facts.change(opened: at(1, 6, 8), merged: at(1, 6, 9), traits: .isByBot)
    _ = facts.change(merged: at(1, 6, 9), traits: .isDirect)
    let waiting = facts.change(opened: at(1, 20), state: .open)
    _ = facts.change(opened: at(1, 20), traits: .isDraft, state: .open)
    let query = ReviewsQuery(frame: january, buckets: .month)
    let group = try #require(ReviewsReport(query, from: facts).groups.first)
    #expect(group.current.merged == 3)
    #expect(group.current.population.leftOut == [LeftOut(reason: .byBot, count: 1)])
    #expect(group.current.firstResponse.median == 2 * hour)
    #expect(group.current.firstResponse.population.leftOut == [LeftOut(reason: .noResponse, count: 2)])
    #expect(group.current.readyToMerge.median == 2 * hour)
    #expect(group.current.waitingForReviewer.median == 2 * hour)
    #expect((group.current.averageRounds, group.current.rounds) == (2, [0, 0, 1, 0]))
    #expect((group.current.unreviewed, group.current.unreviewedShare) == (2, 2.0 / 3))
    #expect(group.sizes.filter { $0.count > 0 }.map(\.sizeClass) == [.upTo10, .upTo1000, nil])
    #expect(group.trend.map(\.merged) == [3])
    #expect(group.waitingNow.map(\.change) == [waiting.id])
    let rows = try ReviewsReport.evidence(ReviewsEvidence(part: .unreviewed), query, from: facts).rows
    #expect(rows.map(\.id) == [afterwards.id, alone.id])
    let responses = try ReviewsReport.evidence(ReviewsEvidence(part: .firstResponse(.counted)), query, from: facts).rows
    #expect(responses.map(\.id) == [reviewed.id])
  }
}

@Suite struct IncidentsReportTests {
  @Test("A change whose merge nobody dates has no time to merge")
  func unknownMerge() throws {
    var facts = TestFacts()
    _ = facts.change(opened: at(1, 5), firstResponse: at(1, 6), merged: at(1, 8), traits: .isClosingUnknown)
    let value = try #require(try ReviewsReport(ReviewsQuery(frame: january), from: facts).groups.first).current
    #expect(value.merged == 1)
    #expect(value.firstResponse.n == 1)
    #expect(value.readyToMerge.n == 0)
    #expect(value.readyToMerge.population.leftOut.map(\.reason) == [.mergeUnknown])
  }

  @Test("Incidents come with cause, basis and duration, and failures with recovery")
  func incidents() throws {
    var facts = TestFacts()
    let first = facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13))
    let second = facts.deploy("shop", 2, began: at(1, 8), ended: at(1, 8, 13))
    let stated = facts.incident(began: at(1, 5, 14), detected: at(1, 5, 15), resolved: at(1, 5, 20), cause: first)
    let open = facts.incident(began: at(1, 8, 14), resolved: nil)
    let alone = facts.incident("cart", began: at(1, 9), resolved: at(1, 10))
    let query = IncidentsQuery(frame: january)
    let report = try IncidentsReport(query, from: facts)
    #expect(report.open.map(\.incident) == [open])
    #expect(report.open.map(\.cause.deploy) == [second])
    #expect(report.resolved.map(\.incident) == [alone, stated])
    #expect(report.resolved.map(\.cause.basis) == [.none, .stated])
    #expect(report.current.began == 3)
    #expect(report.current.timeToResolve.median == 15 * hour)
    #expect(report.current.timeToDetect.median == hour / 2)
    #expect(report.current.causes.map(\.count) == [1, 1, 1])
    #expect(report.failures.map(\.recovered) == [nil, at(1, 5, 20)])
    #expect(report.recoveryTime.current.summary.median == 7 * hour)
    #expect(report.recoveryTime.current.open.count == 1)
    let rows = try IncidentsReport.evidence(
      IncidentsEvidence(part: .cause(.latestRelease)), query, from: facts
    ).rows
    #expect(rows.map(\.id) == [open])
  }

  @Test("An incident of which nobody tells the resolution is resolved, but has no duration")
  func resolutionUnknown() throws {
    var facts = TestFacts()
    let unknown = facts.incident("cart", began: at(1, 6), detected: at(1, 6, 14), resolved: at(1, 20), isResolutionUnknown: true)
    let known = facts.incident("cart", began: at(1, 9), resolved: at(1, 10))
    let query = IncidentsQuery(frame: january)
    let report = try IncidentsReport(query, from: facts)
    #expect(report.open.isEmpty)
    #expect(report.resolved.map(\.incident) == [unknown, known])
    #expect(report.resolved.map(\.seconds) == [nil, day])
    #expect(report.current.timeToResolve.median == day)
    #expect(report.current.timeToResolve.population.leftOut == [LeftOut(reason: .endUnknown, count: 1)])
    #expect(report.current.timeToDetect.n == 2)
    let left = try IncidentsReport.evidence(
      IncidentsEvidence(part: .timeToResolve(.leftOut(.endUnknown))), query, from: facts
    ).rows
    #expect(left.map(\.id) == [unknown])
    #expect(left.map(\.value) == [nil])
  }
}

@Suite struct PipelinesReportTests {
  @Test("A failed job that passed later with the same commit is flaky, and both cost minutes")
  func flaky() throws {
    var facts = TestFacts()
    func add(_ job: String?, _ outcome: RunOutcome, _ minute: Int, attempt: UInt16 = 1, commit: UInt64 = 1) -> FactID {
      let id = facts.newID()
      facts.add(
        RunFact(
          id: id, attempt: attempt, repository: facts.name("acme/shop"), workflow: facts.name("ci"), job: facts.name(job),
          commit: CommitPrefix(rawValue: commit), created: at(1, 5, 12, minute), started: at(1, 5, 12, minute + 1),
          ended: at(1, 5, 12, minute + 5), outcome: outcome, change: FactID(rawValue: 7)))
      return id
    }
    let run = add(nil, .failure, 0)
    _ = add(nil, .success, 10, attempt: 2)
    let job = add("test", .failure, 0)
    _ = add("test", .success, 10, attempt: 2)
    _ = add("lint", .failure, 0, commit: 2)
    let query = PipelinesQuery(frame: january)
    let report = try PipelinesReport(query, from: facts)
    #expect(report.window == january.window)
    #expect((report.current.runs, report.current.failed, report.current.rerun) == (2, 1, 1))
    #expect(report.current.flaky == 1)
    #expect((report.current.failureMinutes, report.current.flakyMinutes) == (4, 4))
    #expect(isNear(report.current.runTime.median, 240))
    #expect(isNear(report.current.queueTime.median, 60))
    #expect(report.current.runTime.population == Population(n: 2))
    #expect(report.workflows.map(\.value.failed) == [1])
    #expect(report.jobs.map(\.job) == ["lint", "test"])
    #expect(try PipelinesReport.evidence(PipelinesEvidence(part: .flaky), query, from: facts).rows.map(\.id) == [job])
    #expect(try PipelinesReport.evidence(PipelinesEvidence(part: .failed), query, from: facts).rows.map(\.id) == [run])
  }

  /// True if a number is within the accuracy of the sketches.
  private func isNear(_ value: Double?, _ expected: Double) -> Bool {
    value.map { abs($0 - expected) <= 0.01 * expected } ?? false
  }

  /// A run or job that takes a number of minutes, after two minutes in the queue.
  private func run(
    _ facts: inout TestFacts, _ repository: String, _ job: String?, _ outcome: RunOutcome, on day: Int, minutes: Double,
    runner: String? = nil
  ) -> FactID {
    let id = facts.newID()
    let start = at(1, day, 12, 2)
    facts.add(
      RunFact(
        id: id, repository: facts.name(repository), workflow: facts.name("ci"), job: facts.name(job),
        runner: facts.name(runner), created: at(1, day, 12, 0), started: start,
        ended: start.advanced(bySeconds: minutes * 60), outcome: outcome))
    return id
  }

  @Test("All runs of whole days count, by repository, workflow, job and runner, without excluded ones")
  func rollUps() throws {
    var facts = TestFacts()
    var longest: FactID?
    for day in 5...14 {
      let minutes = Double(day)
      _ = run(&facts, "acme/shop", nil, day == 5 ? .failure : .success, on: day, minutes: minutes)
      _ = run(&facts, "acme/shop", "test", day == 5 ? .failure : .success, on: day, minutes: minutes, runner: "large")
      longest = run(&facts, "acme/shop", "lint", .success, on: day, minutes: 2 * minutes, runner: "small")
      _ = run(&facts, "acme/till", nil, day == 6 ? .other : .success, on: day, minutes: 1)
    }
    let window = TimeWindow(start: at(1, 10, 0, 0), end: at(1, 15, 0, 0))
    var query = PipelinesQuery(frame: ReportFrame(window: window, now: at(1, 20, 0, 0)))
    var report = try PipelinesReport(query, from: facts)
    #expect(report.current.runs == 10)
    #expect(report.current.failureShare == 0)
    #expect(report.previous?.runs == 10)
    #expect(isNear(report.previous?.failureShare, 1.0 / 9))
    #expect(report.previous?.undecided == 1)
    #expect(report.comparedWindow == window.previous)
    #expect(report.current.minutes == 65)
    #expect(report.slowestJobs.map(\.job) == ["lint", "test"])
    #expect(isNear(report.slowestJobs.first?.value.runTime.p95, 1680))
    #expect(Set(report.repositories.map(\.repository)) == ["acme/shop", "acme/till"])
    #expect(report.workflows.map(\.value.runs) == [5, 5])
    #expect(Set(report.runners.map(\.runner)) == ["large", "small"])

    // A window that begins or ends within a day counts the days that begin in it.
    query.frame.window = TimeWindow(start: at(1, 9, 11, 30), end: at(1, 14, 13, 0))
    #expect(try PipelinesReport(query, from: facts).window == window)
    query.frame.window = TimeWindow(start: at(1, 9, 11, 30), end: at(1, 9, 13, 0))
    report = try PipelinesReport(query, from: facts)
    #expect(report.window == TimeWindow(start: at(1, 9, 0, 0), end: at(1, 10, 0, 0)))
    #expect(report.current.runs == 2)

    query.frame.window = window
    query.scope.repositories = [NamePattern("acme/s*")]
    report = try PipelinesReport(query, from: facts)
    #expect((report.current.runs, report.previous?.runs, report.repositories.count) == (5, 5, 1))
    #expect(Set(report.runners.map(\.runner)) == ["large", "small"])
    query.settings.exclusions = [try #require(longest): "a runner was broken"]
    report = try PipelinesReport(query, from: facts)
    #expect(isNear(report.slowestJobs.first?.value.runTime.p95, 1560))
    #expect(report.jobs.map(\.value.runs) == [4, 5])
  }

  @Test("The run times of repositories and teams are those of their own reports, without excluded runs")
  func runTimes() throws {
    var facts = TestFacts()
    var excluded: FactID?
    for day in 5...14 {
      excluded = run(&facts, "acme/shop", nil, .success, on: day, minutes: Double(day))
      _ = run(&facts, "acme/shop", "test", .success, on: day, minutes: 50)
      _ = run(&facts, "acme/till", nil, day == 6 ? .other : .failure, on: day, minutes: 1)
      _ = run(&facts, "acme/lamp", nil, .success, on: day, minutes: 7)
    }
    let window = TimeWindow(start: at(1, 5, 0, 0), end: at(1, 15, 0, 0))
    var query = PipelinesQuery(frame: ReportFrame(window: window, now: at(1, 20, 0, 0)))
    query.settings.exclusions = [try #require(excluded): "a runner was broken"]
    query.settings.teams = [
      .init(name: "shops", patterns: [NamePattern("acme/shop"), NamePattern("acme/till")]),
      .init(name: "all", patterns: [NamePattern("acme/*")]),
    ]
    let repositories = try PipelinesReport.runTimes(query, by: .repository, from: facts)
    #expect(Set(repositories.keys) == ["acme/shop", "acme/till", "acme/lamp"])
    #expect(repositories["acme/shop"]?.n == 9 && isNear(repositories["acme/shop"]?.median, 9 * 60))
    for (name, times) in repositories {
      query.scope.repositories = [NamePattern(name)]
      #expect(try PipelinesReport(query, from: facts).current.runTime == times)
    }
    query.scope.repositories = []
    let teams = try PipelinesReport.runTimes(query, by: .team, from: facts)
    for name in ["shops", "all"] {
      query.scope.team = name
      #expect(try PipelinesReport(query, from: facts).current.runTime == teams[name])
    }
    query.scope.team = nil
    query.scope.repositories = [NamePattern("acme/l*")]
    #expect(try Set(PipelinesReport.runTimes(query, by: .team, from: facts).keys) == ["all"])
  }

  @Test("Short lists begin like long ones if the source reads parts of roll-ups", arguments: 1...8 as ClosedRange<UInt64>)
  func shortLists(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    func one<Value>(_ values: [Value]) -> Value { values[Int(random.next() % UInt64(values.count))] }
    var facts = TestFacts()
    var query = PipelinesQuery(frame: january)
    query.limit = 1000
    for _ in 0..<300 {
      let (start, id) = (at(1, 1 + Int(random.next() % 28), 12, 0), facts.newID())
      // Texts that differ in case are one name, whose roll-ups are apart. So are those of a job on two runners.
      let job = one([nil, "build", "Build", "test", "lint", "deploy", "scan", "pack"])
      facts.add(
        RunFact(
          id: id, repository: facts.name(one(["acme/shop", "acme/Shop", "acme/till", "acme/site"])),
          workflow: facts.name(one(["ci", "CI", "nightly", nil])), job: facts.name(job),
          runner: facts.name(one(["small", "large", nil])), created: start.advanced(bySeconds: -Double(random.next() % 300)),
          started: start, ended: start.advanced(bySeconds: Double(random.next() % 4000)),
          outcome: one([.success, .success, .failure, .other])))
      if random.next() % 20 == 0 { query.settings.exclusions[id] = "a runner was broken" }
    }
    let long = try PipelinesReport(query, from: facts)
    query.limit = 2
    let short = try PipelinesReport(query, from: PartialRollUps(facts: facts))
    #expect(short.current == long.current)
    #expect(short.previous == long.previous)
    #expect(short.repositories == Array(long.repositories.prefix(2)))
    #expect(short.workflows == Array(long.workflows.prefix(2)))
    #expect(short.jobs == Array(long.jobs.prefix(2)))
    #expect(short.slowestJobs == Array(long.slowestJobs.prefix(2)))
    #expect(long.jobs.count > 10)
  }
}

/// Gives no more of a roll-up than is asked for.
private struct PartialRollUps: FactSource {
  let facts: TestFacts

  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, parts: RollUpParts,
    _ visit: (RollUpKey, RollUp, _ whole: () throws -> RollUp) throws -> Void
  ) throws {
    try facts.visitRollUps(level, days: days) { key, rollUp in
      var part = rollUp
      if parts != .all { part.queue = DurationSketch() }
      if parts == .counts { part.run = DurationSketch() }
      try visit(key, part) { rollUp }
    }
  }

  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    try facts.visitFacts(type, days: days, includesOpen: includesOpen, visit)
  }

  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    try facts.visitRollUps(level, days: days, visit)
  }

  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    try facts.facts(type, of: ids)
  }
  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] { try facts.deliveries(of: changes) }
  func tallies(of ids: Set<FactID>) -> [FactID: [RunTally]] { facts.tallies(of: ids) }
  func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] { try facts.texts(of: names) }
  func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] { try facts.factSubjects(ids) }
  func factValues() throws(StoreError) -> [String: [UInt8]] { try facts.factValues() }
  func factProgress() throws(StoreError) -> FactProgress { try facts.factProgress() }
}
