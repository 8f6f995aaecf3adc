package import ValueStreamCore

/// Asks for what the first page shows, which is computed from one reading of the facts.
package struct OverviewQuery: Sendable {
  /// The five metrics.
  package var dora: DORAQuery
  /// The scope of issues and changes, which have no service.
  package var itemScope: ReportScope
  /// What a project is: ``Grouping/team`` or ``Grouping/repository``.
  package var projects: Grouping
  /// How many projects to show.
  package var limit: Int

  package init(dora: DORAQuery, itemScope: ReportScope, projects: Grouping, limit: Int = 8) {
    self.dora = dora
    self.itemScope = itemScope
    self.projects = projects
    self.limit = limit
  }
}

/// The five metrics, the open incidents, and the projects of which most is known.
package struct OverviewReport: Sendable {
  /// The same as a ``DORAReport`` alone.
  package var dora: DORAReport
  /// The incidents that are open now, by beginning.
  package var openIncidents: [IncidentRow]
  /// The projects with most deploys, changes and issues, without what is compared.
  package var projects: [Project]
  package var hiddenProjects: Int

  package struct Project: Sendable {
    package var name: String
    /// Nil if no deploy is known.
    package var frequency: DeploymentFrequency.Value?
    /// The releases of each week.
    package var weeks: [(bucket: TimeBucket, releases: Int)] = []
    /// The deploys to production that passed, and those that passed or failed.
    package var succeeded = 0
    package var finished = 0
    /// How long these deploys ran.
    package var deployTime = DurationSummary(population: Population())
    package var issues: FlowReport.Value?
    package var reviews: ReviewsReport.Value?

    package init(name: String) { self.name = name }
  }
}

extension OverviewReport {
  package init(_ query: OverviewQuery, from source: any FactSource) throws {
    let (releases, work) = try ParallelReading.both(
      throwing: {
        try DeliverySide(query, source)
      },
      {
        try ItemSide(query, source)
      })
    dora = releases.report
    openIncidents = releases.openIncidents
    var weights: [String: Int] = [:]
    for (name, deploys) in releases.deploys { weights[name, default: 0] += deploys.finished }
    for (name, count) in work.counts { weights[name, default: 0] += count }
    let known = weights.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    hiddenProjects = max(0, known.count - query.limit)
    projects = try known.prefix(query.limit).map { name, _ in
      var project = Project(name: name)
      try releases.fill(&project)
      work.fill(&project)
      return project
    }
  }

  /// What deploys tell.
  private struct DeliverySide: Sendable {
    let report: DORAReport
    let openIncidents: [IncidentRow]
    var deploys: [String: Deploys] = [:]
    private let grouped: DORAComputation
    private let groups: [String: Int32]

    struct Deploys: Sendable {
      var succeeded = 0
      var finished = 0
      var seconds: [Double] = []
    }

    init(_ query: OverviewQuery, _ source: any FactSource) throws {
      let dora = try query.dora.excluding(source)
      let population = try DeliveryPopulation(
        source,
        DeliveryPopulation.Question(
          frame: dora.frame, scope: dora.scope, grouping: dora.grouping, basis: dora.leadTimeFrom, settings: dora.settings,
          keepsAllDeploys: true))
      report = try DORAComputation(dora, population).report()
      // What is open now, whatever the window is.
      var today = dora.frame
      today.comparison = .none
      today.window = TimeWindow(start: today.now.advanced(bySeconds: -86_400), end: today.now)
      openIncidents = IncidentsReport.open(
        IncidentsQuery(frame: today, scope: dora.scope, settings: dora.settings), population)
      var query = DORAQuery(
        frame: dora.frame, scope: dora.scope, grouping: query.projects, leadTimeFrom: dora.leadTimeFrom, buckets: .week,
        settings: dora.settings)
      query.frame.comparison = .none
      let projects = try DeliveryPopulation(dividing: population, frame: query.frame, groupedBy: query.grouping)
      grouped = DORAComputation(query, projects)
      var groups: [String: Int32] = [:]
      for number in projects.groups() {
        if let name = projects.scope.key(ofGroup: number, query.settings, population.history.names).name { groups[name] = number }
      }
      self.groups = groups
      countDeploys(projects)
    }

    /// Counts the deploys to production that ended in the window.
    private mutating func countDeploys(_ population: DeliveryPopulation) {
      let (history, scope, frame, settings) = (
        population.history, population.scope, population.frame, population.settings
      )
      let environments = EnvironmentRule(settings, history.question.scope, history.names)
      var byGroup: [Int32: Deploys] = [:]
      for deploy in history.deploys where deploy.outcome == .success || deploy.outcome == .failure {
        guard frame.window.contains(deploy.ended ?? deploy.started ?? deploy.created),
          environments.includes(deploy.target, history.names), settings.exclusions[deploy.id] == nil
        else { continue }
        let service = history.names.number(of: deploy.target.service)
        let repository = history.names.number(of: deploy.target.repository)
        guard scope.includes(service: service, repository: repository) else { continue }
        scope.forEachGroup(service: service, repository: repository, environment: 0) { group in
          byGroup[group, default: Deploys()].finished += 1
          if deploy.outcome == .success { byGroup[group]?.succeeded += 1 }
          if let start = deploy.started, let end = deploy.ended, end >= start {
            byGroup[group]?.seconds.append(end.seconds(since: start))
          }
        }
      }
      for (group, found) in byGroup {
        if let name = scope.key(ofGroup: group, settings, history.names).name { deploys[name] = found }
      }
    }

    func fill(_ project: inout Project) throws {
      if let found = deploys[project.name] {
        (project.succeeded, project.finished) = (found.succeeded, found.finished)
        project.deployTime = DurationSummary(of: found.seconds)
      }
      guard let group = groups[project.name] else { return }
      (project.frequency, project.weeks) = try grouped.releases(ofGroup: group)
    }
  }

  /// What issues and changes tell.
  private struct ItemSide: Sendable {
    /// The finished and open issues, and the merged changes, of each project.
    var counts: [String: Int] = [:]
    private let flow: FlowComputation
    private let reviews: ReviewsComputation
    private var flowGroups: [String: Int32] = [:]
    private var reviewGroups: [String: Int32] = [:]

    init(_ query: OverviewQuery, _ source: any FactSource) throws {
      var frame = query.dora.frame
      frame.comparison = .none
      flow = try FlowComputation(
        FlowQuery(frame: frame, scope: query.itemScope, grouping: query.projects, settings: query.dora.settings), source)
      reviews = try ReviewsComputation(
        ReviewsQuery(frame: frame, scope: query.itemScope, grouping: query.projects, settings: query.dora.settings), source)
      for group in flow.groups.keys {
        guard let name = flow.population.key(ofGroup: group).name else { continue }
        flowGroups[name] = group
        counts[name, default: 0] += flow.finishedAndOpen(inGroup: group)
      }
      for (group, name) in reviews.groupNames {
        reviewGroups[name] = group
        counts[name, default: 0] += reviews.mergedCount(inGroup: group)
      }
    }

    func fill(_ project: inout Project) {
      project.issues = flowGroups[project.name].map { flow.value(ofGroup: $0) }
      project.reviews = reviewGroups[project.name].map { reviews.value(ofGroup: $0) }
    }
  }
}
