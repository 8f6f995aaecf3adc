package import ValueStreamCore

extension DeploysReport {
  /// Lists deploys with their verdicts.
  package init(_ query: DeploysQuery, from source: any FactSource) throws {
    let query = try query.excluding(source)
    try self.init(query, DeliveryPopulation(source, query.population))
  }

  /// - Parameter population: the rows of ``DeploysQuery/population``.
  init(_ query: DeploysQuery, _ population: DeliveryPopulation) throws {
    let frame = population.frame
    let history = population.history
    let environments = EnvironmentRule(query.settings, query.scope, history.names)
    var found: [PlacedDeploy] = []
    for (index, deploy) in history.deploys.enumerated() {
      let time = deploy.ended ?? deploy.started ?? deploy.created
      guard frame.window.contains(time), query.includesAllEnvironments || environments.includes(deploy.target, history.names),
        population.scope.includes(
          service: history.names.number(of: deploy.target.service),
          repository: history.names.number(of: deploy.target.repository))
      else { continue }
      found.append(PlacedDeploy(position: Position(time: time, id: deploy.id, attempt: deploy.attempt), deploy: index))
    }
    let (page, hasMore) = try found.page(after: query.cursor, limit: query.limit, \.position)
    window = frame.window
    total = found.count
    next = hasMore ? page.last?.position.text : nil
    rows = page.map { placed in
      let deploy = history.deploys[placed.deploy]
      return DeployRow(deploy, history, isProduction: environments.includes(deploy.target, history.names))
    }
  }

  /// Returns the changes that a deploy brought, the newest merge first.
  ///
  /// The values are the seconds from the first commit to the end of the deploy.
  package static func changes(
    of deploy: FactID, attempt: UInt16, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    let rows = (try source.facts(DeliveredChange.self, of: [deploy])[deploy] ?? []).filter { $0.attempt == attempt }
    let evidence = rows.map { row in
      var reasons = row.labels.traits.words
      if row.isRepeated { reasons.append("repeated") }
      return EvidenceRow(
        kind: .change, id: row.change, time: row.times.merged ?? row.deployEnded,
        value: row.times.firstCommit.map { row.deployEnded.seconds(since: $0) }, reasons: reasons,
        related: [.init(.deployedBy, deploy)])
    }
    return try EvidencePage(evidence, page)
  }
}

extension DeploysQuery {
  /// What to read. A list of deploys compares with nothing.
  var population: DeliveryPopulation.Question {
    var frame = frame
    frame.comparison = .none
    return DeliveryPopulation.Question(
      frame: frame, scope: scope, grouping: nil, basis: .commit, settings: settings, keepsAllDeploys: true, countsChanges: false)
  }
}

extension DeployRow {
  fileprivate init(_ deploy: DeployFact, _ history: ReleaseHistory, isProduction: Bool) {
    self.init(
      deploy: deploy.id, attempt: deploy.attempt, service: history.names.text(of: deploy.target.service),
      environment: history.names.text(of: deploy.target.environment),
      repository: history.names.text(of: deploy.target.repository), commit: deploy.commit, created: deploy.created,
      started: deploy.started, ended: deploy.ended, outcome: deploy.outcome, step: deploy.step, isProduction: isProduction,
      changeCount: Int(deploy.changeCount), basis: deploy.basis, previous: deploy.previous,
      exclusion: history.question.settings.exclusions[deploy.id],
      release: history.releaseOfDeploy[deploy.id, deploy.attempt].map { Release(Int($0.release), history) })
  }
}

extension DeployRow.Release {
  fileprivate init(_ index: Int, _ history: ReleaseHistory) {
    let release = history.releases[index]
    self.init(
      deploy: history.deploys[Int(release.ending)].id, ended: release.end, verdict: history.verdict(on: release),
      rules: release.rules.list, rework: release.rework.list,
      recovered: release.rules.isEmpty ? nil : history.recovery(of: index)?.time,
      remediedBy: release.remedy < 0 ? nil : history.deploys[Int(history.releases[Int(release.remedy)].ending)].id,
      incidents: history.incidents(of: index).map { history.incidents[Int($0)].fact.id })
  }
}

/// A deploy at its place in the list.
private struct PlacedDeploy: Comparable {
  var position: Position
  var deploy: Int

  static func < (left: PlacedDeploy, right: PlacedDeploy) -> Bool { left.position < right.position }
}
