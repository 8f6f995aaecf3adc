import DeliveryMetrics
import Testing
import ValueStreamCore

/// Reports that answer several questions from one reading of the facts.
@Suite struct OverviewReportTests {
  private let frame = DeliveryMetricsPropertyTests.frame
  private let settings = DeliveryMetricsPropertyTests.allRules

  /// A generated history with issues of the same repositories.
  private func history(_ seed: UInt64) -> TestFacts {
    var facts = DeliveryMetricsPropertyTests.History(seed: seed).facts
    var random = SeededRandom(seed: seed)
    for _ in 0..<60 {
      let created = at(1, 5).advanced(bySeconds: Double.random(in: 0..<50 * day, using: &random))
      let began = created.advanced(bySeconds: Double.random(in: 0..<5 * day, using: &random))
      let done = began.advanced(bySeconds: Double.random(in: 0..<9 * day, using: &random))
      let isOpen = random.oneIn(4)
      facts.issue(
        ["acme/shop", "acme/cart", "TP"].randomElement(using: &random) ?? "TP", created: created,
        statuses: [("To Do", created), ("In Progress", began)] + (isOpen ? [] : [("Done", done)]), closed: isOpen ? nil : done)
    }
    return facts
  }

  @Test("The overview has the figures of the reports that it stands for", arguments: 0..<4)
  func overview(seed: UInt64) throws {
    let facts = history(seed)
    let dora = DORAQuery(frame: frame, buckets: .week, settings: settings)
    let overview = try OverviewReport(
      OverviewQuery(dora: dora, itemScope: ReportScope(), projects: .repository, limit: 10), from: facts)
    #expect(try "\(overview.dora)" == "\(DORAReport(dora, from: facts))")
    var alone = frame
    alone.comparison = .none
    let releases = try DORAReport(
      DORAQuery(frame: alone, grouping: .repository, buckets: .week, settings: settings), from: facts
    ).groups
    let flow = try FlowReport(FlowQuery(frame: alone, grouping: .repository, settings: settings), from: facts).groups
    let reviews = try ReviewsReport(ReviewsQuery(frame: alone, grouping: .repository, settings: settings), from: facts).groups
    let deploys = try DeploysReport(DeploysQuery(frame: alone, limit: 10_000, settings: settings), from: facts).rows
    #expect(Set(overview.projects.map(\.name)).isSuperset(of: ["acme/shop", "acme/cart", "acme/pay", "TP"]))
    for project in overview.projects {
      let group = releases.first { $0.key.name == project.name }
      #expect(project.frequency?.releases ?? 0 == group?.deploymentFrequency.current.releases ?? 0)
      #expect(project.frequency == nil || project.frequency == group?.deploymentFrequency.current)
      if let group, project.frequency != nil {
        #expect(project.weeks.map(\.releases) == group.trend.map(\.deploymentFrequency.releases))
        #expect(project.weeks.map(\.bucket) == group.trend.map(\.bucket))
      }
      #expect(project.issues == flow.first { $0.key.name == project.name }?.current)
      if let known = project.reviews { #expect(known == reviews.first { $0.key.name == project.name }?.current) }
      let own = deploys.filter { $0.repository == project.name && ($0.outcome == .success || $0.outcome == .failure) }
      #expect(project.finished == own.count)
      #expect(project.succeeded == own.count { $0.outcome == .success })
      let times = own.compactMap { row in row.started.flatMap { start in row.ended.map { $0.seconds(since: start) } } }
      #expect(project.deployTime.median == Statistics.median(of: times))
    }
    var now = alone
    now.window = TimeWindow(start: frame.now.advanced(bySeconds: -86_400), end: frame.now)
    #expect(overview.openIncidents == (try IncidentsReport(IncidentsQuery(frame: now, settings: settings), from: facts).open))
  }

  @Test("The overview shows the projects of which most is known, and counts the others")
  func limit() throws {
    let facts = history(7)
    func names(_ limit: Int) throws -> (shown: [String], hidden: Int) {
      let query = OverviewQuery(dora: DORAQuery(frame: frame), itemScope: ReportScope(), projects: .repository, limit: limit)
      let report = try OverviewReport(query, from: facts)
      return (report.projects.map(\.name), report.hiddenProjects)
    }
    let all = try names(10)
    #expect(all.hidden == 0 && all.shown.count > 2)
    let two = try names(2)
    #expect(two.shown == Array(all.shown.prefix(2)) && two.hidden == all.shown.count - 2)
  }

  @Test("A breakdown has the groups, rows and events of the reports that it stands for", arguments: 0..<4)
  func breakdown(seed: UInt64) throws {
    let facts = history(seed)
    let query = DORAQuery(frame: frame, buckets: .week, settings: settings)
    let breakdown = try DORABreakdown(query, by: [.service, .repository], from: facts)
    #expect(try "\(breakdown.whole)" == "\(DORAReport(query, from: facts))")
    #expect(breakdown.divided.map(\.grouping) == [.service, .repository])
    for (grouping, groups) in breakdown.divided {
      let alone = try DORAReport(DORAQuery(frame: frame, grouping: grouping, settings: settings), from: facts).groups
      #expect(groups.count > 1 && "\(groups)" == "\(alone)")
    }
    let rolling = DORAQuery(frame: frame, grouping: .environment, buckets: .week, settings: settings)
    let keys = [GroupKey.all] + breakdown.divided.flatMap { $0.groups.map(\.key) }
    let others = try DORAReport(rolling, from: facts).groups.map(\.key)
    let parts: [DORAEvidence.Part] = [
      .counted, .leftOut(nil), .verdict(.failed), .rule(.rollback), .rework(nil), .open, .detected,
    ]
    let bucket = try #require(breakdown.whole.groups.first?.trend.dropFirst(2).first?.bucket.window.start)
    for key in keys + others {
      var own = query
      own.grouping = key.grouping
      for metric in DORAMetric.allCases {
        for part in parts {
          for period in Period.allCases {
            let evidence = DORAEvidence(metric, group: key, period: period, part: part)
            let rows = try breakdown.rows(evidence, page: PageRequest(limit: 40), from: facts)
            #expect(try "\(rows)" == "\(DORAReport.evidence(evidence, own, from: facts, page: PageRequest(limit: 40)))")
          }
          let evidence = DORAEvidence(metric, group: key, bucket: bucket, part: part)
          let rows = try breakdown.rows(evidence, page: PageRequest(), from: facts)
          #expect(try "\(rows)" == "\(DORAReport.evidence(evidence, own, from: facts))")
        }
      }
    }
    var alone = frame
    alone.comparison = .none
    let events = try DeliveryEvents(DORAQuery(frame: alone, settings: settings), from: facts)
    let deploys = try DeploysReport(DeploysQuery(frame: alone, limit: 10_000, settings: settings), from: facts).rows
    let ends = deploys.compactMap { row in row.release.flatMap { $0.deploy == row.deploy ? $0 : nil } }
    #expect(events.releases.count > 10 && events.releases.map(\.ended).sorted() == ends.map(\.ended).sorted())
    #expect(events.releases.count(where: \.isFailed) == ends.count { $0.verdict == .failed })
    let incidents = try IncidentsReport(IncidentsQuery(frame: alone, settings: settings), from: facts)
    #expect(events.incidents.map(\.began).sorted() == (incidents.open + incidents.resolved).map(\.began).sorted())
    #expect("\(breakdown.events)" == "\(events)")
  }

  @Test("Dividing a report by groups gives the groups of their own reports", arguments: 0..<4)
  func divided(seed: UInt64) throws {
    let facts = history(seed)
    var alone = frame
    alone.comparison = .none
    let leadTime = LeadTimeQuery(frame: frame, buckets: .week, slowest: 3, settings: settings)
    for grouping in [Grouping.service, .repository] {
      let both = try LeadTimeReport.divided(leadTime, by: grouping, from: facts)
      #expect(try "\(both.report.groups.map(\.stages))" == "\(LeadTimeReport(leadTime, from: facts).groups.map(\.stages))")
      #expect(both.report.groups.map { $0.slowest.map(\.change) }.joined().count == 3)
      let groups = try LeadTimeReport(
        LeadTimeQuery(frame: alone, grouping: grouping, slowest: 0, settings: settings), from: facts
      ).groups
      #expect(both.groups.map(\.key) == groups.map(\.key))
      #expect("\(both.groups.map(\.leadTime))" == "\(groups.map(\.leadTime))")
      #expect("\(both.groups.map(\.stages))" == "\(groups.map(\.stages))")
    }
    let reviews = ReviewsQuery(frame: frame, buckets: .week, settings: settings)
    let both = try ReviewsReport.divided(reviews, by: [.repository], from: facts)
    #expect(try "\(both.report)" == "\(ReviewsReport(reviews, from: facts))")
    let groups = try ReviewsReport(ReviewsQuery(frame: alone, grouping: .repository, settings: settings), from: facts).groups
    #expect("\(both.groups)" == "\([groups])")
    let flow = FlowQuery(frame: frame, settings: settings)
    let evidence = FlowEvidence(part: .flowTime(.counted))
    let withRows = try FlowReport.withEvidence(evidence, flow, from: facts)
    #expect(try "\(withRows.rows)" == "\(FlowReport.evidence(evidence, flow, from: facts))")
    #expect(withRows.report.groups.map(\.current) == (try FlowReport(flow, from: facts).groups.map(\.current)))
  }
}
