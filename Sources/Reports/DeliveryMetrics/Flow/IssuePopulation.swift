import ValueStreamCore

/// The issues behind reports about flow, with the start and end of work on each.
struct IssuePopulation: Sendable {
  var names = NameTable()
  /// In no particular order.
  private(set) var items: [Item] = []
  let scope: ScopeRule
  let statuses: StatusRule
  let settings: ReportSettings
  /// The first day with a closed issue.
  let historyBegan: Timestamp?

  /// The statuses of all items. See ``Item/stays``.
  private var stays: [Stay] = []

  /// Has no memory of its own, because reports copy and sort a hundred thousand of them.
  struct Item: Sendable {
    var id: FactID
    var created: Timestamp
    var traits: IssueFact.Traits
    var project: Int32
    var type: Int32
    /// The range of its statuses among those of all items.
    fileprivate var stays: Range<Int32>
    /// When work began. Nil if it did not, or if nothing tells.
    var started: Timestamp?
    /// True if nothing tells whether work began.
    var isStartUnknown: Bool
    /// When the issue was done, or closed without being done.
    var ended: Timestamp?
    /// True if ``ended`` is only the latest time known, because nothing tells when the issue was closed.
    var isEndUnknown: Bool
    var isDone: Bool
    var isExcluded: Bool

    var hasStatuses: Bool { !stays.isEmpty }

    /// True if the issue was in progress at a time.
    func isInProgress(at time: Timestamp) -> Bool {
      started.map { $0 <= time } ?? false && (ended.map { $0 > time } ?? true)
    }

    var flowSeconds: Double? { flowNanoseconds.map { Double($0) / 1e9 } }

    var flowNanoseconds: Int64? { started.flatMap { started in ended.map { $0.nanoseconds(since: started) } } }

    var openSeconds: Double? { openNanoseconds.map { Double($0) / 1e9 } }

    /// The time since its creation at which the issue was done.
    var openNanoseconds: Int64? { ended.map { $0.nanoseconds(since: created) } }

    /// Why a done issue has no time in which it was open.
    var openLeftOut: LeftOutReason? {
      if isExcluded { return .excluded }
      if !isDone { return .notDone }
      if isEndUnknown { return .endUnknown }
      return openNanoseconds.map { $0 < 0 } ?? true ? .clock : nil
    }

    /// Why a done issue has no flow time.
    var leftOut: LeftOutReason? {
      if isExcluded { return .excluded }
      if !isDone { return .notDone }
      if isEndUnknown { return .endUnknown }
      guard let flowSeconds else { return .noStart }
      return flowSeconds < 0 ? .clock : nil
    }
  }

  /// The time that an issue spent in one status.
  struct Stay: Sendable {
    var start: Timestamp
    /// In nanoseconds. -1 for the present status of an open issue.
    fileprivate var endNanoseconds: Int64
    /// The number of its name. While parts are read, that of the store.
    var status: Int32

    /// Nil for the present status of an open issue.
    var end: Timestamp? { IssuePopulation.time(endNanoseconds) }
  }

  /// The issues of some days, in the order in which they were read. Names are those of the store.
  private struct Part: Sendable {
    var rows: [Row] = []
    var stays: [Stay] = []

    struct Row: Sendable {
      var id: FactID
      var created: Timestamp
      var project: FactName
      var type: FactName
      var traits: IssueFact.Traits
      var stays: Range<Int32>
      var firstChange: Int64
      var firstAssignment: Int64
      var closed: Int64
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) throws(DamagedFact) {
      let issue = try IssueColumns(bytes)
      let first = Int32(truncatingIfNeeded: stays.count)
      for index in 0..<issue.stayCount {
        let stay = issue.stay(index)
        stays.appendSparingly(
          Stay(
            start: Timestamp(nanoseconds: stay.start), endNanoseconds: stay.end, status: Int32(bitPattern: stay.status.rawValue)))
      }
      rows.appendSparingly(
        Row(
          id: issue.id, created: Timestamp(nanoseconds: issue.created), project: issue.project, type: issue.type,
          traits: issue.traits, stays: first..<Int32(truncatingIfNeeded: stays.count), firstChange: issue.firstChange,
          firstAssignment: issue.firstAssignment, closed: issue.closed))
    }
  }

  fileprivate static func time(_ nanoseconds: Int64) -> Timestamp? {
    nanoseconds < 0 ? nil : Timestamp(nanoseconds: nanoseconds)
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
    let days = FactDay(start)...max(FactDay(start), FactDay(windows.map(\.end).reduce(now, max)))
    var parts = try ParallelReading.parts(of: [days]) { range in
      var part = Part()
      try source.visitFactBytes(.issue, days: range, includesOpen: range.upperBound == days.upperBound) { try part.add($0) }
      return part
    }
    var names = NameTable()
    for part in parts {
      for row in part.rows {
        names.note(row.project)
        names.note(row.type)
      }
      for stay in part.stays { names.note(FactName(rawValue: UInt32(bitPattern: stay.status))) }
    }
    try names.resolve(in: source)
    self.scope = try ScopeRule(settings, scope, grouping, names)
    statuses = StatusRule(settings.statuses, names)
    self.settings = settings
    historyBegan = try source.firstDay(of: IssueFact.self)?.start
    items.reserveCapacity(parts.reduce(0) { $0 + $1.rows.count })
    let firstStays = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.stays.count) }
    stays = parts.takeAll(\.stays)
    stays.withUnsafeMutableBufferPointer { stays in
      for index in stays.indices {
        stays[index].status = names.number(of: FactName(rawValue: UInt32(bitPattern: stays[index].status)))
      }
    }
    for (part, first) in zip(parts, firstStays) {
      let first = Int32(truncatingIfNeeded: first)
      for row in part.rows { add(row, stays: row.stays.lowerBound + first..<row.stays.upperBound + first, names) }
    }
    self.names = names
  }

  private mutating func add(_ row: Part.Row, stays range: Range<Int32>, _ names: NameTable) {
    let (project, type) = (names.number(of: row.project), names.number(of: row.type))
    guard scope.includes(service: nil, repository: project), scope.includes(workType: type) else { return }
    let stays = stays[Int(range.lowerBound)..<Int(range.upperBound)]
    let closed = Self.time(row.closed)
    var ended = closed
    var isDone = closed != nil && !row.traits.contains(.isNotDone)
    if statuses.namesDone, !stays.isEmpty {
      // Moving back takes an issue out of the done statuses, so only the last stay in them counts.
      let doneCount = stays.reversed().prefix { statuses.kind[Int($0.status)] == .done }.count
      if doneCount > 0 {
        ended = stays[stays.endIndex - doneCount].start
        isDone = !row.traits.contains(.isNotDone)
      } else if closed != nil {
        isDone = false
      }
    }
    // Moving back before work wipes what came later. A status that was left in the instant of the end took no time, but counts.
    var started: Timestamp?
    for stay in stays where ended.map({ stay.start < $0 || stay.end == $0 }) ?? true {
      switch statuses.kind[Int(stay.status)] {
      case .before: started = nil
      case .work: started = started ?? stay.start
      case .done: break
      }
    }
    var isStartUnknown = false
    if stays.isEmpty || started == nil && ended != nil {
      let (change, assignment) = (Self.time(row.firstChange), Self.time(row.firstAssignment))
      started = change.map { change in assignment.map { min(change, $0) } ?? change } ?? assignment
      isStartUnknown = started == nil
    }
    items.append(
      Item(
        id: row.id, created: row.created, traits: row.traits, project: project, type: type, stays: range, started: started,
        isStartUnknown: isStartUnknown, ended: ended,
        isEndUnknown: row.traits.contains(.isClosingUnknown) && ended == closed, isDone: isDone,
        isExcluded: !settings.exclusions.isEmpty && settings.exclusions[row.id] != nil))
  }

  /// The items of each group, by number.
  func groups() -> [Int32: [Int]] {
    if scope.grouping == nil { return [0: Array(items.indices)] }
    var groups: [Int32: [Int]] = [:]
    for (index, item) in items.enumerated() {
      scope.forEachGroup(service: 0, repository: item.project, environment: 0) { groups[$0, default: []].append(index) }
    }
    return groups
  }

  func key(ofGroup number: Int32) -> GroupKey { scope.key(ofGroup: number, settings, names) }

  /// The statuses of an item in order of time.
  func stays(of item: Item) -> ArraySlice<Stay> { stays[Int(item.stays.lowerBound)..<Int(item.stays.upperBound)] }
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
