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
  /// With the names that follow from what it says: under which a deploy is found by its service and day, and a merged change by its
  /// branch and day, and a commit by how its hash begins; and with branches only for the weeks around it, because the name of a
  /// branch is used again.
  func withDerivedNames() -> Event {
    let names = datedNames
    let hasBranch = publishes.contains { $0.kind == .branch } || follows.contains { $0.rule == .branch }
    let hasCommit = publishes.contains { $0.kind == .commit } || follows.contains { $0.rule == .commit }
    guard !names.isEmpty || hasBranch || hasCommit else { return self }
    var event = self
    if hasCommit { event.addShortCommits() }
    for day in Set(marks.map { DatedName.day(of: $0.time.timestamp) }).sorted() {
      for reference in names.map({ $0.reference(onDay: day) }) where !event.publishes.contains(reference) {
        event.publishes.append(reference)
      }
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

  private var datedNames: [DatedName] {
    if operation == .deploy {
      return DeployLane(of: key, attributes: attributes).map { [.deploys(of: $0.service), .deploys(in: $0)] } ?? []
    }
    guard operation == .pullRequest, outcome == .merged, let base = attributes.text(of: "vcs.ref.base.name"),
      let branch = key.branch(named: base)
    else { return [] }
    return [.merges(to: branch)]
  }

  /// A change has its branch in every month in which something was heard of it, a build looks into its own and those beside it.
  private mutating func dateBranches() {
    let months = Set((marks.map(\.time) + [time]).map { DatedName.day(of: $0.timestamp) / 30 }).sorted()
    publishes = publishes.flatMap { reference in
      reference.kind == .branch ? months.map { Reference(.branchIn, "\(reference.value)@\($0)") } : [reference]
    }
    let month = DatedName.day(of: (marks.map(\.time) + [time]).min()?.timestamp ?? .epoch) / 30
    for index in follows.indices where follows[index].rule == .branch {
      follows[index].references = follows[index].references.flatMap { reference in
        [month, month - 1, month + 1].map { Reference(.branchIn, "\(reference.value)@\($0)") }
      }
    }
  }
}
