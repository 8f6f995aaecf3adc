/// Deploys in order of time, read by day, each day once. Finds the previous deploy without reading all others again.
///
/// A day with more than ``TraceReader/dayLimit`` deploys is not read as a whole: each query reads the deploys that arrived next to
/// the subject that asks.
struct DeployTimeline {
  /// Selects deploys, and determines the time by which they are sorted.
  enum Selection: Hashable {
    /// The successful deploys to a deploy target, by their ends.
    case successes(in: DeployTarget)
    /// The deploys to a deploy target that ended with success or an error, by when they started to run. If the environment is
    /// nil, the deploys of the service to production.
    case runs(in: DeployTarget)

    fileprivate var name: DailyAlias {
      switch self {
      case .successes(let target): .deploys(in: target)
      case .runs(let target): target.environment == nil ? .deploys(of: target.service) : .deploys(in: target)
      }
    }

    /// Returns the time that sorts an attempt. Nil if the attempt is not selected.
    fileprivate func time(of attempt: DeployAttempt, of subject: Subject) -> Timestamp? {
      let outline = attempt.outline
      switch self {
      case .successes(let target):
        return outline.outcome == .success && attempt.target == target ? outline.end : nil
      case .runs(let target):
        guard outline.end != nil, outline.outcome == .success || outline.outcome?.isError == true,
          let own = attempt.target, ExactText(own.service) == ExactText(target.service),
          target.environment.map({ ExactText($0) == own.environment.map(ExactText.init) }) ?? attempt.isToProduction
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

  /// The deploys found under the alias of one day.
  struct Day {
    /// In ascending order.
    var entries: [Entry] = []
    /// The number of deploys that were read for it, including those without an entry.
    var deployCount = 0

    /// Returns the number of entries within a bound.
    fileprivate func count(before bound: Bound) -> Int {
      var (low, high) = (0, entries.count)
      while low < high {
        let middle = (low + high) / 2
        if bound.isAfter(entries[middle]) { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  private let selection: Selection
  /// The days that were read as a whole.
  private var days: [Int64: Day] = [:]
  /// The deploys of other days that were read.
  private var others: [SubjectKey: [Entry]] = [:]
  /// The number of entries over all days. A deploy that is found under two days counts twice.
  private(set) var count = 0

  init(_ selection: Selection) {
    self.selection = selection
  }

  /// Returns these days, the last one first.
  ///
  /// - Parameters:
  ///   - asker: the subject that asks.
  ///   - limit: the maximum number of deploys. Earlier days are left out if there are more.
  fileprivate mutating func read(
    _ range: ClosedRange<Int64>, for asker: SubjectKey, atMost limit: Int, with reader: inout TraceReader
  ) throws -> [Day] {
    let name = selection.name
    let unread = range.filter { days[$0] == nil }
    let names = unread.map(name.reference(onDay:))
    let references = Dictionary(uniqueKeysWithValues: zip(unread, names))
    let publishers = names.isEmpty ? [:] : try reader.publishers(onDays: names, near: asker)
    var (rest, included): (Int, [Int64]) = (limit, [])
    for day in range.reversed() {
      rest -= days[day]?.deployCount ?? references[day].flatMap { publishers[$0] }?.keys.count ?? 0
      guard rest >= 0 else { break }
      included.append(day)
    }
    let missing = included.compactMap { day in references[day].flatMap { publishers[$0] }?.keys }.joined()
    // A deploy that ended on another day than it started is found under both days.
    var entries: [SubjectKey: [Entry]] = [:]
    try reader.visitSubjects(Set(missing).subtracting(others.keys)) { [selection] subject in
      guard subject.operation == .deploy else { return }
      entries[subject.key] = subject.deployAttempts().compactMap { attempt in
        selection.time(of: attempt, of: subject).map {
          Entry(time: $0, key: subject.key, attempt: attempt.outline.number)
        }
      }
    }
    return included.map { day -> Day in
      if let known = days[day] { return known }
      guard let found = references[day].flatMap({ publishers[$0] }) else { return Day() }
      let sorted = found.keys.flatMap { entries[$0] ?? others[$0] ?? [] }.sorted()
      let read = Day(entries: sorted, deployCount: found.keys.count)
      if found.isComplete {
        days[day] = read
        count += sorted.count
      } else {
        for key in found.keys where others[key] == nil {
          others[key] = entries[key] ?? []
          count += 1 + (entries[key]?.count ?? 0)
        }
      }
      return read
    }
  }
}

/// Iterates backwards over a timeline, from a bound on. Reads only as many days as necessary, up to a year back.
struct EarlierDeploys {
  private let selection: DeployTimeline.Selection
  private let bound: DeployTimeline.Bound
  private let asker: SubjectKey
  /// The days that are not read yet. Nil at the end.
  private var unread: ClosedRange<Int64>?
  /// The number of days to read next.
  private var width: Int64 = 2
  /// The number of deploys that may still be read. Earlier ones are left out.
  private var deploysLeft = TraceReader.earlierDeployLimit
  /// For each day that was read, the number of entries not returned yet. Days without any are left out.
  private var rest: [(day: DeployTimeline.Day, count: Int)] = []
  private var last: DeployTimeline.Entry?

  /// - Parameter asker: the subject that asks, which tells the deploys to read on a day with too many of them.
  init(_ selection: DeployTimeline.Selection, _ bound: DeployTimeline.Bound, for asker: SubjectKey) {
    self.selection = selection
    self.bound = bound
    self.asker = asker
    let day = DailyAlias.day(of: bound.time)
    unread = day - 366...day
  }

  mutating func next(_ reader: inout TraceReader) throws -> Span? {
    while true {
      while let entry = takeLatest() {
        if let span = try reader.subject(for: entry.key)?.span(ofAttempt: entry.attempt) { return span }
      }
      guard let range = takeDays() else { return nil }
      var timeline = reader.takeTimeline(of: selection)
      defer { reader.keep(timeline, of: selection) }
      let days = try timeline.read(range, for: asker, atMost: deploysLeft, with: &reader)
      deploysLeft -= days.reduce(0) { $0 + $1.deployCount }
      if days.count < range.count {
        reader.cutLookUpCount += 1
        unread = nil
      }
      rest += days.map { ($0, $0.count(before: bound)) }.filter { $0.1 > 0 }
    }
  }

  /// Removes and returns the last unread days. Most deploys have an earlier one shortly before, so the first ones are few.
  private mutating func takeDays() -> ClosedRange<Int64>? {
    guard let days = unread else { return nil }
    let first = max(days.lowerBound, days.upperBound - width + 1)
    unread = first > days.lowerBound ? days.lowerBound...first - 1 : nil
    width = min(width * 2, Self.widthLimit)
    return first...days.upperBound
  }

  private static let widthLimit: Int64 = 16

  /// Removes and returns the latest remaining entry.
  ///
  /// Nil if an unread day may have a later one: an entry that started on an unread day and ended within the days read.
  private mutating func takeLatest() -> DeployTimeline.Entry? {
    while true {
      var latest: (index: Int, entry: DeployTimeline.Entry)?
      for (index, day) in rest.enumerated() {
        let entry = day.day.entries[day.count - 1]
        if latest.map({ $0.entry < entry }) ?? true { latest = (index, entry) }
      }
      guard let latest, unread.map({ DailyAlias.day(of: latest.entry.time) > $0.upperBound }) ?? true else { return nil }
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
