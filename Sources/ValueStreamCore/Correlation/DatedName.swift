/// Names that things are found by which happened in a period: what happened around a moment is looked for period by period, and not
/// among everything there ever was.
struct DatedName: Sendable, Hashable {
  private let kind: Reference.Kind
  private let subject: String

  /// Deploys of a service, wherever they went, by days of UTC.
  static func deploys(of service: String) -> DatedName { DatedName(kind: .deployOn, subject: service) }

  /// Deploys of a service to an environment, by days.
  static func deploys(in lane: DeployLane) -> DatedName {
    DatedName(kind: .deployOn, subject: "\(lane.service)/\(PercentEncoding.encode(lane.environment ?? ""))")
  }

  /// Changes that were merged to a branch, by days.
  static func merges(to branch: SpanKey) -> DatedName { DatedName(kind: .mergeOn, subject: branch.description) }

  static func day(of time: Timestamp) -> Int64 {
    let (day, rest) = time.seconds.quotientAndRemainder(dividingBy: 86_400)
    return rest < 0 ? day - 1 : day
  }

  func reference(onDay day: Int64) -> Reference { Reference(kind, "\(subject)@\(day)") }

  func references(onDays days: ClosedRange<Int64>) -> [Reference] { days.map(reference) }
}

extension Event {
  /// With the names that follow from what it says: under which a merged change is found by its branch and day, and a commit by how
  /// its hash begins; and with branches only for the weeks around it, because the name of a branch is used again. The same again
  /// where it has them already.
  func withDerivedNames() -> Event {
    let merges = datedMerges
    let hasBranch = publishes.contains { $0.kind == .branch } || follows.contains { $0.rule == .branch }
    let hasCommit = publishes.contains { $0.kind == .commit } || follows.contains { $0.rule == .commit }
    guard merges != nil || hasBranch || hasCommit else { return self }
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

  private var datedMerges: DatedName? {
    guard operation == .pullRequest, outcome == .merged, let base = attributes.text(of: "vcs.ref.base.name") else { return nil }
    return key.branch(named: base).map(DatedName.merges)
  }

  fileprivate var daysOfMarks: Set<Int64> { Set(marks.map { DatedName.day(of: $0.time.timestamp) }) }

  /// A change has its branch in every month in which something was heard of it, a build looks into its own and those beside it.
  private mutating func dateBranches() {
    let months = Set((marks.map(\.time) + [time]).map { DatedName.day(of: $0.timestamp) / 30 }).sorted()
    publishes = Array(publishes.lazy.flatMap { $0.dated(inMonths: months) }.prefix(2 * Limit.aliases))
    let month = DatedName.day(of: (marks.map(\.time) + [time]).min()?.timestamp ?? .epoch) / 30
    for index in follows.indices where follows[index].rule == .branch {
      follows[index].references = follows[index].references.flatMap { $0.dated(inMonths: [month, month - 1, month + 1]) }
    }
  }
}

extension Reference {
  /// A branch in each of these months of 30 days; any other reference as it is.
  fileprivate func dated(inMonths months: [Int64]) -> [Reference] {
    kind == .branch ? months.map { Reference(.branchIn, "\(value)@\($0)") } : [self]
  }
}

extension Subject {
  /// Names under which a deploy is found: the service, with and without the environment, on the days on which an attempt began and
  /// ended. No more than four for each attempt. Nobody follows them.
  var deployNames: Set<Reference> {
    let isDeploy = facts.contains { $0.event.operation == .deploy || $0.event.usualOperation == .deploy }
    guard isDeploy else { return [] }
    var names: Set<Reference> = []
    for attempt in attempts() {
      let attributes = [DeployLane.serviceAttribute, DeployLane.environmentAttribute].compactMap { attempt.attribute($0) }
      guard let lane = DeployLane(of: key, attributes: attributes) else { continue }
      let end = attempt.ends.max()?.timestamp ?? attempt.supersededAt
      for day in Set([attempt.start, max(end ?? attempt.start, attempt.start)].map(DatedName.day)) {
        names.insert(DatedName.deploys(of: lane.service).reference(onDay: day))
        names.insert(DatedName.deploys(in: lane).reference(onDay: day))
      }
    }
    return names
  }
}

extension Subject.Attempt {
  /// An attribute of the semantic vocabulary as the span of the attempt has it, where its source states it.
  func attribute(_ name: String) -> Attribute? {
    var best: (fact: Subject.Fact, attribute: Attribute)?
    for fact in facts {
      guard let attribute = fact.event.attributes.last(where: { $0.name == name && $0.vocabulary == .semantic }) else { continue }
      if let best, !best.fact.yieldsWithinAttempt(to: fact) { continue }
      best = (fact, attribute)
    }
    return best?.attribute
  }
}
