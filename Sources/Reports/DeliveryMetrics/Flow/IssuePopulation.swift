import ValueStreamCore

/// The issues behind reports about flow, with the start and end of work on each.
struct IssuePopulation: Sendable {
  var names = NameTable()
  private(set) var items: [Item] = []
  let scope: ScopeRule
  let statuses: StatusRule
  let settings: ReportSettings
  /// The first day with a closed issue.
  let historyBegan: Timestamp?

  struct Item: Sendable {
    var fact: IssueFact
    var project: Int32
    var type: Int32
    /// When work began. Nil if it did not, or if nothing tells.
    var started: Timestamp?
    /// True if nothing tells whether work began.
    var isStartUnknown: Bool
    /// When the issue was done, or closed without being done.
    var ended: Timestamp?
    var isDone: Bool
    var isExcluded: Bool

    /// True if the issue was in progress at a time.
    func isInProgress(at time: Timestamp) -> Bool {
      started.map { $0 <= time } ?? false && (ended.map { $0 > time } ?? true)
    }

    var flowSeconds: Double? { started.flatMap { started in ended.map { $0.seconds(since: started) } } }

    /// Why a done issue has no flow time.
    var leftOut: LeftOutReason? {
      if isExcluded { return .excluded }
      if !isDone { return .notDone }
      guard let flowSeconds else { return .noStart }
      return flowSeconds < 0 ? .clock : nil
    }
  }

  /// Reads the issues that ended since the first window began, and those that are open.
  init(
    _ source: any FactSource, windows: [TimeWindow], now: Timestamp, scope: ReportScope, grouping: Grouping?,
    settings: ReportSettings
  ) throws {
    guard grouping != .service, grouping != .environment else {
      throw ReportError(.badQuestion, "issues belong to no service or environment: group them by repository or team")
    }
    guard windows.allSatisfy({ $0.start <= $0.end }) else {
      throw ReportError(.badWindow, "the window ends before it starts")
    }
    let start = windows.map(\.start).reduce(now, min)
    var facts: [IssueFact] = []
    var names = NameTable()
    let days = FactDay(start)...max(FactDay(start), FactDay(windows.map(\.end).reduce(now, max)))
    try source.visitFacts(IssueFact.self, days: days, includesOpen: true) { fact in
      names.note(fact.project)
      names.note(fact.type)
      for stay in fact.statuses { names.note(stay.status) }
      facts.append(fact)
    }
    try names.resolve(in: source)
    self.scope = try ScopeRule(settings, scope, grouping, names)
    statuses = StatusRule(settings.statuses, names)
    self.settings = settings
    historyBegan = try source.firstDay(of: IssueFact.self)?.start
    for fact in facts {
      let project = names.number(of: fact.project)
      let type = names.number(of: fact.type)
      guard self.scope.includes(service: nil, repository: project), self.scope.includes(workType: type) else { continue }
      items.append(Item(fact, project, type, statuses, names, isExcluded: settings.exclusions[fact.id] != nil))
    }
    items.sort { ($0.fact.created, $0.fact.id) < ($1.fact.created, $1.fact.id) }
    self.names = names
  }

  /// The items of each group, by number.
  func groups() -> [Int32: [Int]] {
    var groups: [Int32: [Int]] = scope.grouping == nil ? [0: []] : [:]
    for (index, item) in items.enumerated() {
      scope.forEachGroup(service: 0, repository: item.project, environment: 0) { groups[$0, default: []].append(index) }
    }
    return groups
  }

  func key(ofGroup number: Int32) -> GroupKey { scope.key(ofGroup: number, settings, names) }

  func status(_ stay: IssueFact.StatusStay) -> Int { Int(names.number(of: stay.status)) }
}

extension IssuePopulation.Item {
  fileprivate init(
    _ fact: IssueFact, _ project: Int32, _ type: Int32, _ statuses: StatusRule, _ names: NameTable, isExcluded: Bool
  ) {
    let kinds = fact.statuses.map { statuses.kind[Int(names.number(of: $0.status))] }
    var ended = fact.closed
    var isDone = fact.closed != nil && !fact.traits.contains(.isNotDone)
    if statuses.namesDone, !kinds.isEmpty {
      // Moving back takes an issue out of the done statuses, so only the last stay in them counts.
      let doneCount = kinds.reversed().prefix { $0 == .done }.count
      if doneCount > 0 {
        ended = fact.statuses[kinds.count - doneCount].start
        isDone = !fact.traits.contains(.isNotDone)
      } else if fact.closed != nil {
        isDone = false
      }
    }
    // Moving back before work wipes what came later. A status that was left in the instant of the end took no time, but counts.
    var started: Timestamp?
    for (stay, kind) in zip(fact.statuses, kinds) where ended.map({ stay.start < $0 || stay.end == $0 }) ?? true {
      switch kind {
      case .before: started = nil
      case .work: started = started ?? stay.start
      case .done: break
      }
    }
    var isStartUnknown = false
    if kinds.isEmpty || started == nil && ended != nil {
      started = [fact.firstChange, fact.firstAssignment].compactMap { $0 }.min()
      isStartUnknown = started == nil
    }
    self.init(
      fact: fact, project: project, type: type, started: started, isStartUnknown: isStartUnknown, ended: ended, isDone: isDone,
      isExcluded: isExcluded)
  }
}

/// What each status means, by number of its name.
struct StatusRule: Sendable {
  enum Kind: Sendable {
    case before, work, done
  }

  let kind: [Kind]
  /// Nil where it is unknown whether somebody works on the issue.
  let isActive: [Bool?]
  /// True if settings name the statuses that are done.
  let namesDone: Bool
  let knowsActivity: Bool

  init(_ settings: StatusSettings, _ names: NameTable) {
    let isDone = names.texts.map { (settings.done.isEmpty ? StatusSettings.afterWork : settings.done).match($0) }
    kind = names.texts.enumerated().map { index, name in
      if isDone[index] { return .done }
      let isBefore = settings.started.isEmpty ? StatusSettings.beforeWork.match(name) : !settings.started.match(name)
      return isBefore ? .before : .work
    }
    namesDone = !settings.done.isEmpty
    knowsActivity = !settings.active.isEmpty || !settings.waiting.isEmpty
    isActive = names.texts.map { name in
      if settings.active.match(name) { return true }
      if settings.waiting.match(name) { return false }
      if settings.active.isEmpty, !settings.waiting.isEmpty { return true }
      if settings.waiting.isEmpty, !settings.active.isEmpty { return false }
      return nil
    }
  }
}
