import DeliveryMetrics
import Testing
import ValueStreamCore

/// Laws that hold for every history.
@Suite struct DeliveryMetricsPropertyTests {
  /// A generated history of three services over sixty days, with all traps.
  struct History {
    var facts = TestFacts()
    var changes: [TestChange] = []
    var deploys: [FactID] = []

    init(seed: UInt64) {
      var random = SeededRandom(seed: seed)
      for service in ["shop", "cart", "pay"] {
        var commits: [UInt64] = []
        var waiting: [TestChange] = []
        var delivered: [TestChange] = []
        for step in 0..<40 {
          let time = at(1, 1, 0).advanced(bySeconds: Double(step) * 1.5 * day + Double.random(in: 0..<day, using: &random))
          for _ in 0..<Int.random(in: 0...3, using: &random) {
            waiting.append(addChange(service, time, delivered, &random))
          }
          addDeploys(service, time, step, &commits, &waiting, &delivered, &random)
          if random.oneIn(6) {
            let began = time.advanced(bySeconds: Double.random(in: 0..<9 * day, using: &random))
            facts.incident(
              service, environment: random.oneIn(4) ? "prod-eu" : nil, began: began,
              detected: began.advanced(bySeconds: 600),
              resolved: random.oneIn(5) ? nil : began.advanced(bySeconds: Double.random(in: 60..<4 * day, using: &random)),
              cause: random.oneIn(3) ? deploys.randomElement(using: &random) : nil)
          }
        }
      }
    }

    private mutating func addChange(
      _ service: String, _ time: Timestamp, _ delivered: [TestChange], _ random: inout SeededRandom
    ) -> TestChange {
      func before(_ limit: Double) -> Timestamp { time.advanced(bySeconds: -Double.random(in: 0..<limit, using: &random)) }
      var traits: ChangeLabels.Traits = []
      if random.oneIn(6) { traits.insert(.isByBot) }
      if random.oneIn(8) { traits.insert(.isHotfix) }
      if random.oneIn(9) { traits.insert(.isForIncident) }
      if random.oneIn(9) { traits.insert(.isDirect) }
      let reverts = random.oneIn(5) ? delivered.randomElement(using: &random)?.id : nil
      if reverts != nil { traits.insert(.isRevert) }
      let merged = before(day)
      let change = facts.change(
        random.oneIn(7) ? "acme/library" : "acme/\(service)", firstCommit: random.oneIn(9) ? nil : before(9 * day),
        opened: merged.advanced(bySeconds: -Double.random(in: 0..<3 * day, using: &random)),
        firstResponse: random.oneIn(3) ? nil : before(2 * day), lastApproval: random.oneIn(3) ? nil : before(2 * day),
        merged: merged, traits: traits, reverts: reverts, size: UInt32.random(in: 0...3000, using: &random))
      changes.append(change)
      return change
    }

    private mutating func addDeploys(
      _ service: String, _ time: Timestamp, _ step: Int, _ commits: inout [UInt64], _ waiting: inout [TestChange],
      _ delivered: inout [TestChange], _ random: inout SeededRandom
    ) {
      let isBack = commits.count > 2 && random.oneIn(6)
      let commit = isBack ? commits[commits.count - 2] : UInt64(step + 1)
      let brings = isBack ? [] : waiting
      for environment in ["prod-eu", "prod-us", "staging"] where !random.oneIn(4) {
        let began = time.advanced(bySeconds: Double.random(in: 0..<5000, using: &random))
        deploys.append(
          facts.deploy(
            service, commit, to: random.oneIn(20) ? nil : environment, began: began,
            ended: began.advanced(bySeconds: Double.random(in: 60..<3000, using: &random)),
            outcome: random.oneIn(8) ? .failure : .success, step: isBack ? .rollback : random.oneIn(9) ? .unknown : .forward,
            brings: brings))
      }
      if isBack { return }
      commits.append(commit)
      delivered += waiting
      waiting = random.oneIn(3) ? waiting.map(\.repeated) : []
    }
  }

  static let frame = ReportFrame(window: TimeWindow(start: at(1, 20, 0), end: at(2, 20, 0)), now: at(2, 25))
  static let allRules = ReportSettings(failureRules: Set(FailureRule.allCases))

  @Test("Each number of the five metrics equals what its evidence gives", arguments: 0..<4)
  func evidence(seed: UInt64) throws {
    let facts = History(seed: seed).facts
    for grouping in [nil, Grouping.service, .repository, .environment] {
      let query = DORAQuery(frame: Self.frame, grouping: grouping, buckets: .week, settings: Self.allRules)
      let report = try DORAReport(query, from: facts)
      for group in report.groups {
        func rows(
          _ metric: DORAMetric, _ part: DORAEvidence.Part, _ period: Period = .current, _ bucket: Timestamp? = nil
        ) throws -> [EvidenceRow] {
          try DORAReport.evidence(
            DORAEvidence(metric, group: group.key, period: period, bucket: bucket, part: part), query, from: facts,
            page: PageRequest(limit: 100_000)
          ).rows
        }
        for period in Period.allCases {
          let lead = try #require(period == .current ? group.leadTime.current : group.leadTime.previous)
          #expect(try Statistics.median(of: rows(.leadTime, .counted, period).compactMap(\.value)) == lead.summary.median)
          #expect(try rows(.leadTime, .counted, period).count == lead.summary.n)
          let rate = try #require(period == .current ? group.changeFailRate.current : group.changeFailRate.previous)
          #expect(try rows(.changeFailRate, .counted, period).count == rate.total)
          #expect(try rows(.changeFailRate, .verdict(.failed), period).count == rate.failed)
          for rule in rate.rules { #expect(try rows(.changeFailRate, .rule(rule.rule), period).count == rule.count) }
          let recovery = try #require(period == .current ? group.recoveryTime.current : group.recoveryTime.previous)
          let times = try rows(.recoveryTime, .counted, period).compactMap(\.value)
          #expect(Statistics.median(of: times) == recovery.summary.median)
          #expect(times.count == recovery.summary.n)
        }
        #expect(try rows(.recoveryTime, .open).count == group.recoveryTime.current.open.count)
        let detected = try rows(.recoveryTime, .detected).compactMap(\.value)
        #expect(Statistics.median(of: detected) == group.recoveryTime.current.fromDetection.median)
        #expect(try rows(.deploymentFrequency, .counted).count == group.deploymentFrequency.current.releases)
        for left in group.deploymentFrequency.current.population.leftOut {
          #expect(try rows(.deploymentFrequency, .leftOut(left.reason)).count == left.count)
        }
        for left in group.changeFailRate.current.population.leftOut {
          #expect(try rows(.changeFailRate, .leftOut(left.reason)).count == left.count)
        }
        #expect(try rows(.reworkRate, .rework(nil)).count == group.reworkRate.current.rework)
        for reason in group.reworkRate.current.reasons {
          #expect(try rows(.reworkRate, .rework(reason.reason)).count == reason.count)
        }
        for bucket in group.trend where grouping == nil {
          let start = bucket.bucket.window.start
          #expect(try rows(.leadTime, .counted, .current, start).count == bucket.leadTime.summary.n)
          #expect(try rows(.changeFailRate, .counted, .current, start).count == bucket.changeFailRate.total)
        }
      }
    }
  }

  /// The counts of a report that add up over groups and over parts of a window.
  func counts(_ group: DORAReport.Group) -> [Int] {
    [
      group.deploymentFrequency.current.releases, group.deploymentFrequency.current.deploys,
      group.changeFailRate.current.failed, group.changeFailRate.current.takenBack, group.changeFailRate.current.total,
      group.changeFailRate.current.pending, group.recoveryTime.current.summary.n, group.reworkRate.current.rework,
      group.leadTime.current.summary.n,
    ]
  }

  func sum(_ lists: [[Int]]) -> [Int] {
    lists.dropFirst().reduce(lists.first ?? []) { zip($0, $1).map(+) }
  }

  @Test("Groups that do not overlap add up to the whole", arguments: 0..<6)
  func groups(seed: UInt64) throws {
    let facts = History(seed: seed).facts
    let whole = try DORAReport(DORAQuery(frame: Self.frame), from: facts).groups[0]
    let repositories = try DORAReport(DORAQuery(frame: Self.frame, grouping: .repository), from: facts).groups
    #expect(sum(repositories.map(counts)) == counts(whole))
    let services = try DORAReport(DORAQuery(frame: Self.frame, grouping: .service), from: facts).groups
    // A change counts once for each service that it reaches.
    #expect(Array(sum(services.map(counts)).dropLast()) == Array(counts(whole).dropLast()))
  }

  @Test("A window and its two parts have the same counts", arguments: 0..<6)
  func splitWindow(seed: UInt64) throws {
    let facts = History(seed: seed).facts
    func report(_ start: Timestamp, _ end: Timestamp) throws -> [Int] {
      let frame = ReportFrame(window: TimeWindow(start: start, end: end), comparison: .none, now: at(2, 25))
      return counts(try DORAReport(DORAQuery(frame: frame, settings: Self.allRules), from: facts).groups[0])
    }
    let whole = try report(at(1, 10), at(2, 20))
    for middle in [at(1, 15, 7), at(1, 31, 1), at(2, 19)] {
      #expect(try sum([report(at(1, 10), middle), report(middle, at(2, 20))]) == whole)
    }
    let later = TimeWindow(start: at(1, 31), end: at(2, 20))
    let both = ReportFrame(window: later, comparison: .window(TimeWindow(start: at(1, 10), end: at(1, 31))), now: at(2, 25))
    let compared = try DORAReport(DORAQuery(frame: both, settings: Self.allRules), from: facts).groups[0]
    #expect(try compared.changeFailRate.previous?.total == report(at(1, 10), at(1, 31))[4])
    #expect(try compared.leadTime.previous?.summary.n == report(at(1, 10), at(1, 31))[8])
  }

  @Test("The order of rows does not matter", arguments: 0..<4)
  func order(seed: UInt64) throws {
    let facts = History(seed: seed).facts
    let shuffled = facts.shuffled(seed: seed + 100)
    let query = DORAQuery(frame: Self.frame, grouping: .service, buckets: .week, settings: Self.allRules)
    #expect(try "\(DORAReport(query, from: facts))" == "\(DORAReport(query, from: shuffled))")
    let lead = LeadTimeQuery(frame: Self.frame)
    func text(_ facts: TestFacts) throws -> [String] {
      let group = try LeadTimeReport(lead, from: facts).groups[0]
      return ["\(group.stages)", "\(group.distribution)", "\(group.slowest.map(\.change))"]
    }
    #expect(try text(facts) == text(shuffled))
    let deploys = DeploysQuery(frame: Self.frame, limit: 1000)
    #expect(try DeploysReport(deploys, from: facts).rows == DeploysReport(deploys, from: shuffled).rows)
    let incidents = IncidentsQuery(frame: Self.frame)
    #expect(try "\(IncidentsReport(incidents, from: facts))" == "\(IncidentsReport(incidents, from: shuffled))")
  }

  @Test("Excluding removes exactly the excluded row from the changes, and undoing brings it back", arguments: 0..<4)
  func exclusions(seed: UInt64) throws {
    let history = History(seed: seed)
    let query = DORAQuery(frame: Self.frame)
    func changes(_ query: DORAQuery) throws -> Set<FactID> {
      Set(
        try DORAReport.evidence(DORAEvidence(.leadTime), query, from: history.facts, page: PageRequest(limit: 100_000)).rows
          .map(\.id))
    }
    let all = try changes(query)
    for id in all.sorted().prefix(5) {
      var excluding = query
      excluding.settings.exclusions = [id: "a test"]
      #expect(try changes(excluding) == all.subtracting([id]))
      let report = try DORAReport(excluding, from: history.facts).groups[0]
      #expect(report.leadTime.current.summary.population.leftOut.contains(LeftOut(reason: .excluded, count: 1)))
    }
    #expect(try changes(query) == all)
  }

  @Test("Every report and its evidence leave out what the store says, as if the question said it", arguments: 0..<2)
  func exclusionsOfStore(seed: UInt64) throws {
    let history = History(seed: seed)
    let frame = Self.frame
    let ids =
      history.changes.map(\.id).prefix(9) + history.deploys.prefix(9) + history.facts.all(IncidentFact.self).map(\.id).prefix(2)
    let excluded = Dictionary(ids.map { ($0, "because \($0.rawValue)") }) { first, _ in first }
    var told = history.facts
    told.excluded = excluded
    let settings = ReportSettings(exclusions: excluded)
    let page = PageRequest(limit: 100_000)
    func texts(_ facts: TestFacts, _ settings: ReportSettings) throws -> [String] {
      let dora = DORAQuery(frame: frame, settings: settings)
      let lead = LeadTimeQuery(frame: frame, settings: settings)
      let incidents = IncidentsQuery(frame: frame, settings: settings)
      let reviews = ReviewsQuery(frame: frame, settings: settings)
      return [
        "\(try DORAReport(dora, from: facts))", "\(try LeadTimeReport(lead, from: facts).groups[0].leadTime)",
        "\(try DeploysReport(DeploysQuery(frame: frame, limit: 1000, settings: settings), from: facts).rows)",
        "\(try ChangesReport(ChangesQuery(frame: frame, limit: 1000, settings: settings), from: facts).rows)",
        "\(try FlowReport(FlowQuery(frame: frame, settings: settings), from: facts))",
        "\(try AgeingReport(AgeingQuery(frame: frame, settings: settings), from: facts))",
        "\(try ForecastReport(ForecastQuery(frame: frame, settings: settings), from: facts))",
        "\(try ReviewsReport(reviews, from: facts))",
        "\(try PipelinesReport(PipelinesQuery(frame: frame, settings: settings), from: facts))",
        "\(try IncidentsReport(incidents, from: facts))",
        "\(try DORAReport.evidence(DORAEvidence(.leadTime, part: .leftOut(.excluded)), dora, from: facts, page: page).rows)",
        "\(try DORAReport.evidence(DORAEvidence(.deploymentFrequency), dora, from: facts, page: page).rows)",
        "\(try LeadTimeReport.evidence(LeadTimeEvidence(part: .leftOut(nil)), lead, from: facts, page: page).rows)",
        "\(try ReviewsReport.evidence(ReviewsEvidence(part: .merged(.leftOut(nil))), reviews, from: facts, page: page).rows)",
        "\(try IncidentsReport.evidence(IncidentsEvidence(part: .began), incidents, from: facts, page: page).rows)",
      ]
    }
    let expected = try texts(history.facts, settings)
    #expect(try texts(told, ReportSettings()) == expected)
    #expect(try texts(history.facts, ReportSettings()) != expected)
  }

  @Test("Stages that are all known add up to the lead time", arguments: 0..<4)
  func stagesAddUp(seed: UInt64) throws {
    let facts = History(seed: seed).facts
    for basis in LeadTimeBasis.allCases {
      let query = LeadTimeQuery(frame: Self.frame, from: basis, slowest: 10_000)
      let rows = try LeadTimeReport(query, from: facts).groups[0].slowest
      #expect(!rows.isEmpty)
      for row in rows {
        #expect(abs(row.stages.values.reduce(0, +) - (row.seconds ?? 0)) < 1e-3)
      }
    }
  }

  @Test("The lead time of the lead-time report is that of the five metrics", arguments: 0..<4)
  func sameLeadTime(seed: UInt64) throws {
    let facts = History(seed: seed).facts
    let dora = try DORAReport(DORAQuery(frame: Self.frame), from: facts).groups[0].leadTime
    let lead = try LeadTimeReport(LeadTimeQuery(frame: Self.frame), from: facts).groups[0].leadTime
    #expect(dora.current == lead.current)
    #expect(dora.previous == lead.previous)
  }
}
