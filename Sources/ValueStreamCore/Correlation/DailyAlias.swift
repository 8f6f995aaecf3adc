/// Aliases by day, so that a lookup scans only the days around a time instead of the whole history.
struct DailyAlias: Sendable, Hashable {
  private let kind: Reference.Kind
  let subject: String

  /// Creates the alias of a service's deploys to any environment, by UTC day.
  static func deploys(of service: String) -> DailyAlias { DailyAlias(kind: .deployOn, subject: service) }

  /// Creates the alias of deploys to one deploy target, by UTC day.
  static func deploys(in target: DeployTarget) -> DailyAlias {
    DailyAlias(kind: .deployOn, subject: "\(target.service)/\(PercentEncoding.encode(target.environment ?? ""))")
  }

  /// Creates the alias of changes merged to a branch, by UTC day.
  static func merges(to branch: SubjectKey) -> DailyAlias { DailyAlias(kind: .mergeOn, subject: branch.description) }

  static func day(of time: Timestamp) -> Int64 {
    let (day, rest) = time.seconds.quotientAndRemainder(dividingBy: 86_400)
    return rest < 0 ? day - 1 : day
  }

  func reference(onDay day: Int64) -> Reference { Reference(kind, "\(subject)@\(day)") }

  func references(onDays days: ClosedRange<Int64>) -> [Reference] { days.map(reference) }
}

extension Event {
  /// The event with the references that derive from its content. Nil if there are none.
  ///
  /// - A merged change publishes an alias by branch and day.
  /// - A commit is also published under the start of its hash, and an abbreviated hash is followed as such.
  /// - A branch counts only for the 30-day periods around the event, because branch names are reused.
  var namesDerived: Event? {
    let merges = datedMerges
    let hasBranch = publishes.contains { $0.kind == .branch } || follows.contains { $0.rule == .branch }
    let hasCommit = publishes.contains { $0.kind == .commit } || follows.contains { $0.rule == .commit }
    guard merges != nil || hasBranch || hasCommit else { return nil }
    var event = self
    if hasCommit { event.addShortCommits() }
    for day in merges == nil ? [] : daysOfMarks.sorted() {
      guard let reference = merges?.reference(onDay: day), !event.publishes.contains(reference) else { continue }
      event.publishes.append(reference)
    }
    if hasBranch { event.dateBranches() }
    return event
  }

  private mutating func addShortCommits() {
    for short in publishes.compactMap(\.shortCommit) where !publishes.contains(short) { publishes.append(short) }
    for index in follows.indices where follows[index].rule == .commit {
      follows[index].references = follows[index].references.map(\.recognizingShortCommit)
    }
  }

  private var datedMerges: DailyAlias? {
    guard operation == .pullRequest, outcome == .merged, let base = attributes.text(of: AttributeName.vcsRefBaseName) else {
      return nil
    }
    return key.branch(named: base).map(DailyAlias.merges)
  }

  fileprivate var daysOfMarks: Set<Int64> { Set(marks.map { DailyAlias.day(of: $0.time.timestamp) }) }

  /// Replaces branches with branches by 30-day period.
  ///
  /// A change publishes its branch for every period in which it has an event. A build follows the branch in its own
  /// period and the two next to it.
  private mutating func dateBranches() {
    let months = Set((marks.map(\.time) + [time]).map { DailyAlias.day(of: $0.timestamp) / 30 }).sorted()
    publishes = Array(publishes.lazy.flatMap { $0.dated(inMonths: months) }.prefix(2 * Limit.aliases))
    let month = DailyAlias.day(of: (marks.map(\.time) + [time]).min()?.timestamp ?? .epoch) / 30
    for index in follows.indices where follows[index].rule == .branch {
      follows[index].references = follows[index].references.flatMap { $0.dated(inMonths: [month, month - 1, month + 1]) }
    }
  }
}

extension Reference {
  /// Returns one reference for each 30-day period if this is a branch, otherwise the reference itself.
  fileprivate func dated(inMonths months: [Int64]) -> [Reference] {
    kind == .branch ? months.map { Reference(.branchIn, "\(value)@\($0)") } : [self]
  }
}

extension Subject {
  /// Aliases under which others find a deploy: its service with and without the environment, on the days of each start and end.
  ///
  /// At most four for each attempt. Nobody follows these references; ``DeployTimeline`` looks them up.
  var deployNames: Set<Reference> {
    let isDeploy = facts.contains { $0.event.operation == .deploy || $0.event.usualOperation == .deploy }
    guard isDeploy else { return [] }
    var names: Set<Reference> = []
    for attempt in attempts() {
      let attributes = [AttributeName.valuestreamService, AttributeName.deploymentEnvironmentName].compactMap {
        attempt.attribute($0)
      }
      guard let target = DeployTarget(of: key, attributes: attributes) else { continue }
      let end = attempt.ends.max()?.timestamp ?? attempt.supersededAt
      for day in Set([attempt.start, max(end ?? attempt.start, attempt.start)].map(DailyAlias.day)) {
        names.insert(DailyAlias.deploys(of: target.service).reference(onDay: day))
        names.insert(DailyAlias.deploys(in: target).reference(onDay: day))
      }
    }
    return names
  }
}

extension Subject.Attempt {
  /// Returns a semantic attribute with the value that the attempt's span has. Nil if its source does not state it.
  func attribute(_ name: String) -> Attribute? {
    var best: (fact: Subject.Fact, attribute: Attribute)?
    for fact in facts {
      guard let attribute = fact.event.attributes.last(named: name) else { continue }
      if let best, !best.fact.yieldsWithinAttempt(to: fact) { continue }
      best = (fact, attribute)
    }
    return best?.attribute
  }
}
