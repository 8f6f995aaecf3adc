/// Deploys in the order of time, read a day at a time and each day once: what came before a deploy is then found without reading the
/// others again.
struct DeployTimeline {
  /// Which deploys, and what their time is.
  enum Selection: Hashable {
    /// The successful deploys of a service to an environment, by their ends.
    case successes(in: DeployLane)
    /// The deploys of a service that ended with success or an error, by when they began to run: to an environment, or to production
    /// where none is named.
    case runs(of: String, to: String?)

    fileprivate var name: DatedName {
      switch self {
      case .successes(let lane): .deploys(in: lane)
      case .runs(let service, _): .deploys(of: service)
      }
    }

    /// The time by which an attempt counts; nil where it does not count.
    fileprivate func time(of attempt: DeployAttempt, of subject: Subject) -> Timestamp? {
      let outline = attempt.outline
      switch self {
      case .successes(let lane):
        return outline.outcome == .success && attempt.lane == lane ? outline.end : nil
      case .runs(let service, let environment):
        guard outline.end != nil, outline.outcome == .success || outline.outcome?.isError == true,
          attempt.lane?.service == service,
          environment.map({ $0 == attempt.lane?.environment }) ?? attempt.isToProduction
        else { return nil }
        return subject.runStart(of: outline)
      }
    }
  }

  /// One attempt in its place.
  struct Entry: Comparable {
    var time: Timestamp
    var key: SpanKey
    var attempt: Int

    static func < (left: Entry, right: Entry) -> Bool {
      (left.time, left.key, left.attempt) < (right.time, right.key, right.attempt)
    }
  }

  /// Up to where entries are meant.
  enum Bound {
    /// Those before one of them.
    case before(Entry)
    /// Those not later than a moment.
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
  /// What stands under the name of each day that was read, in ascending order.
  private var days: [Int64: [Entry]] = [:]
  /// How many entries there are.
  private(set) var count = 0

  init(_ selection: Selection) {
    self.selection = selection
  }

  fileprivate mutating func read(_ range: ClosedRange<Int64>, with reader: inout TraceReader) throws {
    let missing = range.filter { days[$0] == nil }
    guard !missing.isEmpty else { return }
    let references = missing.map(selection.name.reference(onDay:))
    let publishers = try reader.store.publishers(of: references)
    // A deploy that ended the day after it began stands under both.
    var entries: [SpanKey: [Entry]] = [:]
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

  /// How many of a day come before a bound.
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

/// Goes back in a timeline from a moment, one deploy after the other, as far as days have to be read for that. What is more than a
/// year older is not looked for.
struct EarlierDeploys {
  private let selection: DeployTimeline.Selection
  private let bound: DeployTimeline.Bound
  private var periods: ArraySlice<ClosedRange<Int64>>
  /// The first day of what was read.
  private var firstDay = Int64.max
  /// Of each day that was read and has some left, how many are left.
  private var rest: [(day: Int64, count: Int)] = []
  private var last: DeployTimeline.Entry?

  init(_ selection: DeployTimeline.Selection, _ bound: DeployTimeline.Bound) {
    self.selection = selection
    self.bound = bound
    let day = DatedName.day(of: bound.time)
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

  /// The latest that is left; nil where one of the days that were not read yet may have a later one, because it began long before the
  /// days that were read and ended in them.
  private mutating func takeLatest(from timeline: DeployTimeline) -> DeployTimeline.Entry? {
    while true {
      var latest: (index: Int, entry: DeployTimeline.Entry)?
      for (index, day) in rest.enumerated() {
        guard let entry = timeline.entry(day.count - 1, onDay: day.day) else { continue }
        if latest.map({ $0.entry < entry }) ?? true { latest = (index, entry) }
      }
      guard let latest, periods.isEmpty || DatedName.day(of: latest.entry.time) >= firstDay else { return nil }
      rest[latest.index].count -= 1
      if rest[latest.index].count == 0 { rest.remove(at: latest.index) }
      // It stands under the days of its beginning and its end.
      guard latest.entry != last else { continue }
      last = latest.entry
      return latest.entry
    }
  }
}

/// What an attempt is as a deploy.
struct DeployAttempt {
  var outline: AttemptOutline
  /// Nil where the service is not known.
  var lane: DeployLane?
  /// As the vendor says, else by the name of the environment; a deploy that names none goes to the only one there is.
  var isToProduction: Bool
}

extension Subject {
  /// The attempts of a deploy, at a fraction of the cost of ``spans()``.
  fileprivate func deployAttempts() -> [DeployAttempt] {
    attempts().map { attempt in
      let names = [
        DeployLane.serviceAttribute, DeployLane.environmentAttribute, "valuestream.deployment.production",
        "valuestream.deployment.tier",
      ]
      let attributes = names.compactMap(attempt.attribute)
      let lane = DeployLane(of: key, attributes: attributes)
      return DeployAttempt(
        outline: outline(of: attempt), lane: lane, isToProduction: attributes.areOfProduction(environment: lane?.environment))
    }
  }
}

extension [Attribute] {
  fileprivate func areOfProduction(environment: String?) -> Bool {
    if case .bool(true) = value(of: "valuestream.deployment.production") { return true }
    if text(of: "valuestream.deployment.tier") == "production" { return true }
    guard let environment = environment?.lowercased() else { return true }
    return environment == "live" || environment.split { !$0.isLetter }.contains { $0 == "prod" || $0 == "production" }
  }
}
