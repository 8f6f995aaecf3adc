package import ValueStreamCore

/// The day on which the history of each repository begins: the first one with something that ended.
///
/// What is known before that day is not all that happened, so reports say where a window begins before it.
package struct HistoryReport: Sendable, Hashable {
  /// The sources and their repositories, in the order of their names.
  package private(set) var rows: [Row]

  /// A repository, or a project of a tracker, as one source knows it.
  package struct Row: Sendable, Hashable {
    /// Nil if nothing tells the source any more.
    package var source: String?
    package var repository: String
    /// The first day with an item of each kind. Kinds that the source does not tell are absent.
    package var firstDays: [Kind: FactDay]

    /// The first day with an item of any kind.
    package var firstDay: FactDay? { firstDays.values.min() }

    /// The start of the first day with an item of one of these kinds. Nil if the source tells none of them.
    package func began(_ kinds: Set<Kind>) -> Timestamp? { firstDays.filter { kinds.contains($0.key) }.values.min()?.start }
  }

  /// What a history consists of.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case changes, deploys, issues, incidents
    /// Runs of CI.
    case runs
  }

  /// Reads all facts of the store, so that the caller should cache the report.
  package init(from source: any FactSource) throws {
    var reading = HistoryReading(source)
    try reading.read()
    rows = try reading.rows()
  }

  /// Creates a report of known rows.
  package init(rows: [Row]) {
    self.rows = rows
  }

  /// Where the history of a scope begins.
  ///
  /// - Parameter kinds: the kinds of items that count.
  /// - Throws: ``ReportError`` if the scope names an unknown team.
  package func beginning(
    of kinds: Set<Kind>, in scope: ReportScope, _ settings: ReportSettings
  ) throws(ReportError) -> HistoryBeginning {
    let times = try self.rows(in: scope, settings).compactMap { $0.began(kinds) }.sorted()
    return HistoryBeginning(times: times)
  }

  /// The rows of the repositories of a scope.
  ///
  /// - Throws: ``ReportError`` if the scope names an unknown team.
  package func rows(in scope: ReportScope, _ settings: ReportSettings) throws(ReportError) -> [Row] {
    var patterns: [NamePattern]?
    if let team = scope.team {
      guard let found = settings.teams.first(where: { $0.name.lowercased() == team.lowercased() }) else {
        throw ReportError(.unknownTeam, "unknown team '\(team)': the setting of teams does not name it")
      }
      patterns = found.patterns
    }
    return rows.filter { row in
      (scope.repositories.isEmpty || scope.repositories.match(row.repository)) && patterns?.match(row.repository) ?? true
    }
  }
}

extension FactDay {
  /// The first instant of the day in UTC.
  package var start: Timestamp { Timestamp(seconds: Int64(rawValue) * 86_400) }
}

/// The days on which the histories of several repositories begin.
package struct HistoryBeginning: Sendable, Hashable {
  /// One for each source and repository, in order.
  private let times: [Timestamp]

  init(times: [Timestamp]) {
    self.times = times
  }

  package var repositoryCount: Int { times.count }
  /// The beginning of the longest history.
  package var first: Timestamp? { times.first }
  /// The beginning of the shortest history. From here on, the history of all repositories is known.
  package var last: Timestamp? { times.last }

  /// The number of repositories whose history begins after a time.
  package func count(after time: Timestamp) -> Int { times.count { $0 > time } }
}

/// Finds the first days.
private struct HistoryReading {
  private let source: any FactSource
  /// For each kind, the first day of each name, and a fact of it that tells the source.
  private var found: [HistoryReport.Kind: [FactName: (day: FactDay, id: FactID?)]] = [:]

  init(_ source: any FactSource) {
    self.source = source
  }

  mutating func read() throws {
    guard let first = try source.factProgress().firstDay else { return }
    let days = first...max(first, FactDay(.latest))
    try read(ChangeFact.self, as: .changes, days) { $0.labels.repository }
    try read(DeployFact.self, as: .deploys, days) { $0.target.repository }
    try read(IssueFact.self, as: .issues, days) { $0.project }
    try read(IncidentFact.self, as: .incidents, days) { $0.repository }
    try readRuns(days)
  }

  private mutating func read<Row: Fact>(
    _ type: Row.Type, as kind: HistoryReport.Kind, _ days: ClosedRange<FactDay>, _ name: (Row) -> FactName
  ) throws {
    var first: [FactName: (day: FactDay, id: FactID?)] = [:]
    var last = FactName.none
    // Facts come in order of days, so that the first one of a name counts.
    try source.visitFacts(type, days: days, includesOpen: false) { row in
      let name = name(row)
      guard name != last else { return }
      last = name
      if name.isKnown, first[name] == nil, let day = row.day { first[name] = (day, row.id) }
    }
    found[kind] = first
  }

  /// Reads the runs from roll-ups, of which there are far fewer than runs.
  private mutating func readRuns(_ days: ClosedRange<FactDay>) throws {
    let names = try repositories(ranOn: days)
    guard !names.isEmpty else { return }
    // Roll-ups reach at most a day beyond the facts: they count days of another time zone.
    let start = FactDay(rawValue: days.lowerBound.rawValue - 1)
    var first: [FactName: (day: FactDay, id: FactID?)] = [:]
    var ranges = [(days: start...(try lastDay(of: names, from: start, to: days.upperBound)), names: names)]
    while let (range, names) = ranges.popLast() {
      let count = range.upperBound.rawValue - range.lowerBound.rawValue
      guard count > 0 else {
        for name in names { first[name] = (range.lowerBound, nil) }
        continue
      }
      let middle = FactDay(rawValue: range.lowerBound.rawValue + count / 2)
      let early = try repositories(ranOn: range.lowerBound...middle).intersection(names)
      if !early.isEmpty { ranges.append((range.lowerBound...middle, early)) }
      let late = names.subtracting(early)
      if !late.isEmpty { ranges.append((FactDay(rawValue: middle.rawValue + 1)...range.upperBound, late)) }
    }
    try addSources(to: &first)
    found[.runs] = first
  }

  /// Returns a day by which all of these repositories ran.
  private func lastDay(of names: Set<FactName>, from start: FactDay, to end: FactDay) throws -> FactDay {
    var length: Int32 = 64
    while length < end.rawValue - start.rawValue {
      let day = FactDay(rawValue: start.rawValue + length)
      if try repositories(ranOn: start...day).isSuperset(of: names) { return day }
      length *= 2
    }
    return end
  }

  private func repositories(ranOn days: ClosedRange<FactDay>) throws -> Set<FactName> {
    var names: Set<FactName> = []
    try source.visitRollUps(.repository, days: days) { key, _ in
      if key.repository.isKnown { names.insert(key.repository) }
    }
    return names
  }

  /// Adds a run of the first day to each repository, to learn its source.
  private func addSources(to first: inout [FactName: (day: FactDay, id: FactID?)]) throws {
    for day in Set(first.values.map(\.day)) {
      let days = FactDay(rawValue: day.rawValue - 1)...FactDay(rawValue: day.rawValue + 1)
      try source.visitFacts(RunFact.self, days: days, includesOpen: false) { run in
        if first[run.repository]?.day == day { first[run.repository]?.id = run.id }
      }
    }
  }

  func rows() throws -> [HistoryReport.Row] {
    let ids = Set(found.values.flatMap { $0.values.compactMap(\.id) })
    let sources = try source.factSubjects(ids).mapValues(\.key.source)
    let texts = try source.texts(of: Set(found.values.flatMap(\.keys)))
    var rows: [Place: [HistoryReport.Kind: FactDay]] = [:]
    for (kind, first) in found {
      for (name, place) in first {
        guard let text = texts[name] else { continue }
        let row = Place(source: place.id.flatMap { sources[$0] }, repository: text)
        rows[row, default: [:]][kind] = place.day
      }
    }
    return rows.map { HistoryReport.Row(source: $0.source, repository: $0.repository, firstDays: $1) }
      .sorted { ($0.source ?? "", $0.repository) < ($1.source ?? "", $1.repository) }
  }

  private struct Place: Hashable {
    var source: String?
    var repository: String
  }
}
