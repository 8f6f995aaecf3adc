package import ValueStreamCore

extension IncidentsReport {
  /// Lists incidents with their causes, and failures with their recovery.
  package init(_ query: IncidentsQuery, from source: any FactSource) throws {
    self = try IncidentsComputation(query, source).report()
  }

  /// - Parameter population: the rows for the same question.
  init(_ query: IncidentsQuery, _ population: DeliveryPopulation) {
    self = IncidentsComputation(query, population).report()
  }

  /// Returns the open incidents of the report alone.
  static func open(_ query: IncidentsQuery, _ population: DeliveryPopulation) -> [IncidentRow] {
    IncidentsComputation(query, population).openRows()
  }

  /// Returns the rows behind one number of the report, from the same computation as the number.
  package static func evidence(
    _ evidence: IncidentsEvidence, _ query: IncidentsQuery, from source: any FactSource, page: PageRequest = PageRequest()
  ) throws -> EvidencePage {
    try EvidencePage(IncidentsComputation(query, source).rows(evidence), page)
  }
}

struct IncidentsComputation {
  let query: IncidentsQuery
  private let dora: DORAComputation
  private let history: ReleaseHistory

  private typealias Entry = ReleaseHistory.IncidentEntry

  init(_ query: IncidentsQuery, _ source: any FactSource) throws {
    let query = try query.excluding(source)
    self.query = query
    dora = try DORAComputation(query.dora, source, countsChanges: false)
    history = dora.population.history
  }

  init(_ query: IncidentsQuery, _ population: DeliveryPopulation) {
    self.query = query
    dora = DORAComputation(query.dora, population)
    history = population.history
  }

  /// The incidents of the scope, by beginning.
  private var incidents: [Entry] {
    history.incidents.filter {
      $0.isCounted && dora.population.scope.includes(service: $0.service, repository: $0.repository)
    }
  }

  private func began(_ window: TimeWindow) -> [Entry] { incidents.filter { window.contains($0.fact.began) } }

  private func resolved(_ window: TimeWindow) -> [Entry] {
    incidents.filter { $0.fact.resolved.map { window.contains($0) } ?? false }
  }

  private func open(_ window: TimeWindow) -> [Entry] {
    let last = min(window.end, query.frame.now)
    return incidents.filter { $0.fact.began < last && ($0.fact.resolved.map { $0 >= window.end } ?? true) }
  }

  // MARK: Report

  func report() -> IncidentsReport {
    let frame = query.frame
    let last = min(frame.window.end, frame.now)
    let rows = dora.population.rows(.current, 0) ?? DeliveryPopulation.GroupRows()
    return IncidentsReport(
      window: frame.window, comparedWindow: frame.comparedWindow,
      open: openRows(),
      resolved: resolved(frame.window).map { row($0, until: last) }
        .sorted { ($1.resolved ?? last, $0.incident) < ($0.resolved ?? last, $1.incident) },
      current: value(frame.window), previous: frame.comparedWindow.map { value($0) },
      failures: (rows.recovered + rows.open).map { failure($0, until: last) }
        .sorted { ($1.began, $0.deploys[0]) < ($0.began, $1.deploys[0]) },
      recoveryTime: dora.recoveryTime())
  }

  /// The beginning and the end of the incidents that the report lists.
  func openAndResolved() -> [(began: Timestamp, resolved: Timestamp?)] {
    (open(query.frame.window) + resolved(query.frame.window)).map { ($0.fact.began, $0.fact.resolved) }
  }

  func openRows() -> [IncidentRow] {
    let last = min(query.frame.window.end, query.frame.now)
    return open(query.frame.window).map { row($0, until: last) }
  }

  private func value(_ window: TimeWindow) -> IncidentsReport.Value {
    let began = began(window).filter { !$0.isExcluded }
    let resolved = resolved(window)
    return IncidentsReport.Value(
      began: began.count, timeToResolve: summary(resolved, needsEnd: true) { $0.fact.resolved?.seconds(since: $0.fact.began) },
      timeToDetect: summary(resolved) { $0.fact.detected.seconds(since: $0.fact.began) },
      causes: IncidentCause.Basis.allCases.map { basis in
        IncidentsReport.CauseCount(basis: basis, count: began.count { $0.basis == basis })
      })
  }

  private func leftOut(_ entry: Entry, _ seconds: Double?, needsEnd: Bool = false) -> LeftOutReason? {
    if entry.isExcluded { return .excluded }
    if needsEnd, entry.fact.isResolutionUnknown { return .endUnknown }
    return seconds.flatMap { $0 < 0 ? .clock : nil }
  }

  /// - Parameter needsEnd: whether the duration lasts until the resolution.
  private func summary(_ entries: [Entry], needsEnd: Bool = false, _ duration: (Entry) -> Double?) -> DurationSummary {
    var seconds: [Double] = []
    var leftOut: [LeftOutReason: Int] = [:]
    for entry in entries {
      let value = duration(entry)
      if let reason = self.leftOut(entry, value, needsEnd: needsEnd) {
        leftOut[reason, default: 0] += 1
      } else if let value {
        seconds.append(value)
      }
    }
    return DurationSummary(of: seconds, leftOut: leftOut)
  }

  private func row(_ entry: Entry, until end: Timestamp) -> IncidentRow {
    let deploy = entry.release < 0 ? nil : history.deploys[Int(history.releases[Int(entry.release)].ending)]
    let seconds = (entry.fact.resolved ?? end).seconds(since: entry.fact.began)
    return IncidentRow(
      incident: entry.fact.id, service: history.names.text(of: entry.service),
      environment: history.names.text(of: entry.fact.environment), repository: history.names.text(of: entry.repository),
      severity: history.names.text(of: entry.fact.severity), began: entry.fact.began, detected: entry.fact.detected,
      resolved: entry.fact.resolved, seconds: seconds < 0 || entry.fact.isResolutionUnknown ? nil : seconds,
      cause: IncidentCause(basis: entry.basis, deploy: deploy?.id, attempt: deploy?.attempt ?? 0),
      exclusion: query.settings.exclusions[entry.fact.id])
  }

  private func failure(_ index: Int32, until end: Timestamp) -> FailureRow {
    let failure = dora.population.failures[Int(index)]
    let releases = failure.releases.map { history.releases[Int($0)] }
    let recovered = failure.end.flatMap { $0 < query.frame.window.end ? $0 : nil }
    let remedy = releases.map(\.remedy).filter { $0 >= 0 }
      .min { history.releases[Int($0)].end < history.releases[Int($1)].end }
    return FailureRow(
      service: history.names.text(of: releases[0].service), began: failure.start, recovered: recovered,
      detected: failure.detected,
      seconds: recovered != nil && failure.isEndUnknown ? nil : (recovered ?? end).seconds(since: failure.start),
      deploys: releases.map { history.deploys[Int($0.ending)].id },
      rules: releases.reduce(into: ReleaseHistory.Rules()) { $0.formUnion($1.rules) }.list,
      remediedBy: remedy.map { history.deploys[Int(history.releases[Int($0)].ending)].id },
      incidents: failure.releases.flatMap { history.incidents(of: Int($0)) }.map { history.incidents[Int($0)].fact.id })
  }

  // MARK: Evidence

  func rows(_ evidence: IncidentsEvidence) throws -> [EvidenceRow] {
    guard let window = query.frame.window(of: evidence.period) else { return [] }
    func row(_ entry: Entry, _ time: Timestamp, _ value: Double?, needsEnd: Bool = false) -> EvidenceRow {
      let deploy = entry.release < 0 ? nil : history.deploys[Int(history.releases[Int(entry.release)].ending)].id
      return EvidenceRow(
        kind: .incident, id: entry.fact.id, time: time, value: needsEnd && entry.fact.isResolutionUnknown ? nil : value,
        reasons: [entry.basis.rawValue], leftOut: leftOut(entry, value, needsEnd: needsEnd),
        exclusion: query.settings.exclusions[entry.fact.id],
        related: deploy.map { [.init(.deploy, $0)] } ?? [])
    }
    switch evidence.part {
    case .began:
      return began(window).filter { !$0.isExcluded }.map { row($0, $0.fact.began, nil) }
    case .cause(let basis):
      return began(window).filter { !$0.isExcluded && $0.basis == basis }.map { row($0, $0.fact.began, nil) }
    case .timeToResolve(let part):
      return resolved(window).map { entry in
        row(entry, entry.fact.resolved ?? window.end, entry.fact.resolved?.seconds(since: entry.fact.began), needsEnd: true)
      }
      .filter { $0.belongs(to: part) }
    case .timeToDetect(let part):
      return resolved(window).map { row($0, $0.fact.resolved ?? window.end, $0.fact.detected.seconds(since: $0.fact.began)) }
        .filter { $0.belongs(to: part) }
    case .open:
      let last = min(window.end, query.frame.now)
      return open(window).map { row($0, $0.fact.began, last.seconds(since: $0.fact.began)) }
    }
  }
}

extension IncidentsQuery {
  /// The question for the releases behind the incidents.
  fileprivate var dora: DORAQuery { DORAQuery(frame: frame, scope: scope, settings: settings) }
}
