/// Deploys in order of time, read by day, each day once. Finds the previous deploy without reading all others again.
struct DeployTimeline {
  /// Selects deploys, and determines the time by which they are sorted.
  enum Selection: Hashable {
    /// The successful deploys to a deploy target, by their ends.
    case successes(in: DeployTarget)
    /// The deploys of a service that ended with success or an error, by when they started to run. If the environment is
    /// nil, the deploys to production.
    case runs(of: String, to: String?)

    fileprivate var name: DailyAlias {
      switch self {
      case .successes(let target): .deploys(in: target)
      case .runs(let service, _): .deploys(of: service)
      }
    }

    /// Returns the time that sorts an attempt. Nil if the attempt is not selected.
    fileprivate func time(of attempt: DeployAttempt, of subject: Subject) -> Timestamp? {
      let outline = attempt.outline
      switch self {
      case .successes(let target):
        return outline.outcome == .success && attempt.target == target ? outline.end : nil
      case .runs(let service, let environment):
        guard outline.end != nil, outline.outcome == .success || outline.outcome?.isError == true,
          attempt.target?.service == service,
          environment.map({ $0 == attempt.target?.environment }) ?? attempt.isToProduction
        else { return nil }
        return subject.runStart(of: outline)
      }
    }
  }

  /// One attempt in the timeline.
  struct Entry: Comparable {
    var time: Timestamp
    var key: SubjectKey
    var attempt: Int

    static func < (left: Entry, right: Entry) -> Bool {
      (left.time, left.key, left.attempt) < (right.time, right.key, right.attempt)
    }
  }

  /// The upper bound of a query.
  enum Bound {
    /// Entries before this one.
    case before(Entry)
    /// Entries at or before this time.
    case upTo(Timestamp)

    fileprivate var time: Timestamp {
      switch self {
      case .before(let entry): entry.time
      case .upTo(let time): time
      }
    }

    fileprivate func isAfter(_ entry: Entry) -> Bool {
      switch self {
      case .before(let bound): entry < bound
      case .upTo(let time): entry.time <= time
      }
    }
  }

  private let selection: Selection
  /// The entries found under the alias of each day that was read, in ascending order.
  private var days: [Int64: [Entry]] = [:]
  /// The number of entries over all days. A deploy that is found under two days counts twice.
  private(set) var count = 0

  init(_ selection: Selection) {
    self.selection = selection
  }

  fileprivate mutating func read(_ range: ClosedRange<Int64>, with reader: inout TraceReader) throws {
    let missing = range.filter { days[$0] == nil }
    guard !missing.isEmpty else { return }
    let references = missing.map(selection.name.reference(onDay:))
    let publishers = try reader.store.publishers(of: references)
    // A deploy that ended on another day than it started is found under both days.
    var entries: [SubjectKey: [Entry]] = [:]
    try reader.visitSubjects(Set(publishers.values.joined())) { subject in
      guard subject.operation == .deploy else { return }
      entries[subject.key] = subject.deployAttempts().compactMap { attempt in
        selection.time(of: attempt, of: subject).map {
          Entry(time: $0, key: subject.key, attempt: attempt.outline.number)
        }
      }
    }
    for (day, reference) in zip(missing, references) {
      let found = (publishers[reference] ?? []).flatMap { entries[$0] ?? [] }.sorted()
      days[day] = found
      count += found.count
    }
  }

  /// Returns the number of entries of a day within a bound.
  fileprivate func count(onDay day: Int64, before bound: Bound) -> Int {
    let entries = days[day] ?? []
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if bound.isAfter(entries[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  fileprivate func entry(_ index: Int, onDay day: Int64) -> Entry? {
    days[day].flatMap { $0.indices.contains(index) ? $0[index] : nil }
  }
}

/// Iterates backwards over a timeline, from a bound on. Reads only as many days as necessary, up to a year back.
struct EarlierDeploys {
  private let selection: DeployTimeline.Selection
  private let bound: DeployTimeline.Bound
  private var periods: ArraySlice<ClosedRange<Int64>>
  /// The first day that was read.
  private var firstDay = Int64.max
  /// For each day that was read, the number of entries not returned yet. Days without any are left out.
  private var rest: [(day: Int64, count: Int)] = []
  private var last: DeployTimeline.Entry?

  init(_ selection: DeployTimeline.Selection, _ bound: DeployTimeline.Bound) {
    self.selection = selection
    self.bound = bound
    let day = DailyAlias.day(of: bound.time)
    periods = [day - 1...day, day - 7...day - 2, day - 31...day - 8, day - 366...day - 32]
  }

  mutating func next(_ reader: inout TraceReader) throws -> Span? {
    while true {
      while let entry = takeLatest(from: reader.timeline(of: selection)) {
        if let span = try reader.subject(for: entry.key)?.span(ofAttempt: entry.attempt) { return span }
      }
      guard let range = periods.popFirst() else { return nil }
      var timeline = reader.takeTimeline(of: selection)
      defer { reader.keep(timeline, of: selection) }
      try timeline.read(range, with: &reader)
      firstDay = range.lowerBound
      rest += range.map { ($0, timeline.count(onDay: $0, before: bound)) }.filter { $0.1 > 0 }
    }
  }

  /// Removes and returns the latest remaining entry.
  ///
  /// Nil if an unread day may have a later one: an entry that started on an unread day and ended within the days read.
  private mutating func takeLatest(from timeline: DeployTimeline) -> DeployTimeline.Entry? {
    while true {
      var latest: (index: Int, entry: DeployTimeline.Entry)?
      for (index, day) in rest.enumerated() {
        guard let entry = timeline.entry(day.count - 1, onDay: day.day) else { continue }
        if latest.map({ $0.entry < entry }) ?? true { latest = (index, entry) }
      }
      guard let latest, periods.isEmpty || DailyAlias.day(of: latest.entry.time) >= firstDay else { return nil }
      rest[latest.index].count -= 1
      if rest[latest.index].count == 0 { rest.remove(at: latest.index) }
      // The entry is found under the days of its start and its end. Skip it the second time.
      guard latest.entry != last else { continue }
      last = latest.entry
      return latest.entry
    }
  }
}

/// The properties of an attempt that is a deploy.
struct DeployAttempt {
  var outline: AttemptOutline
  /// Nil if the service is unknown.
  var target: DeployTarget?
  /// True if the vendor or the environment's name says so. A deploy that names no environment counts as production.
  var isToProduction: Bool
}

extension Subject {
  /// The attempts of a deploy, computed at a fraction of the cost of ``spans()``.
  func deployAttempts() -> [DeployAttempt] {
    attempts().map { attempt in
      let names = [
        AttributeName.valuestreamService, AttributeName.deploymentEnvironmentName, AttributeName.valuestreamDeploymentProduction,
        AttributeName.valuestreamDeploymentTier,
      ]
      let attributes = names.compactMap(attempt.attribute)
      let target = DeployTarget(of: key, attributes: attributes)
      return DeployAttempt(
        outline: outline(of: attempt), target: target,
        isToProduction: attributes.areOfProduction(environment: target?.environment))
    }
  }
}

extension [Attribute] {
  fileprivate func areOfProduction(environment: String?) -> Bool {
    if case .bool(true) = value(of: AttributeName.valuestreamDeploymentProduction) { return true }
    if text(of: AttributeName.valuestreamDeploymentTier) == "production" { return true }
    guard let environment = environment?.lowercased() else { return true }
    return environment == "live" || environment.split { !$0.isLetter }.contains { $0 == "prod" || $0 == "production" }
  }
}
