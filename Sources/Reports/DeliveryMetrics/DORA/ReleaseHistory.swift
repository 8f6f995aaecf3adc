import ValueStreamCore

/// The releases that a report about deploys rests on, with what became of them.
///
/// All reports about deploys, changes in production and failures use this one computation.
struct ReleaseHistory: Sendable {
  /// What to read.
  struct Question: Sendable {
    var windows: [TimeWindow]
    var now: Timestamp
    var settings: ReportSettings
    var scope: ReportScope
    /// True if each environment has releases of its own.
    var separatesEnvironments = false
    /// True to also keep the deploys that are in no release, for lists.
    var keepsAllDeploys = false
    /// Where lead time begins.
    var basis = LeadTimeBasis.commit
    /// True to keep all milestones of changes, for stages.
    var keepsMilestones = false
    /// False if nobody asks for changes, but only for releases.
    var countsChanges = true
  }

  let question: Question
  var names = NameTable()
  /// The deploys that were read and may count.
  var deploys: [DeployFact] = []
  /// By service (and environment, if they are apart), in the order of their ends. Failed deploys follow all others.
  var releases: [Release] = []
  /// The number of releases that are not failed deploys.
  var successCount = 0
  /// The releases of each service and environment.
  var lists: [Range<Int>] = []
  /// The lists of a service.
  var listsOfService: [Int32: [Int]] = [:]
  /// The next deploy of the same release. -1 for the last.
  var nextDeploy: [Int32] = []
  var releaseOfDeploy = DeployMap()
  /// Deploys that could not count, and why.
  var leftOut: [(deploy: Int32, reason: LeftOutReason)] = []
  var incidents: [IncidentEntry] = []
  /// The incidents blamed on a release.
  var incidentsOfRelease: [Int32: [Int32]] = [:]
  /// All deliveries, or without ``Question/countsChanges`` those that the rules about failures look at.
  var deliveries: [Delivery] = []
  /// The deliveries at which the rules about failures look.
  var judged: [Int32] = []
  /// The changes of all deliveries, to tell which came once. Nil without ``Question/countsChanges``.
  var repeats: RepeatFilter?
  /// The changes that a delivery is known to revert, by the number of the delivery.
  var reverts: [Int32: UInt64] = [:]
  /// Without ``Question/countsChanges``, the other deliveries.
  var otherDeliveries: [(change: UInt64, release: Int32)] = []
  /// The milestones of the change of each delivery, if asked.
  var milestones: [DeliveryMilestones] = []
  /// The days that were read, and where the period of each begins.
  var days: [ClosedRange<FactDay>] = []
  var historyBegan: Timestamp?

  /// Successful deploys of one service and commit, or one failed deploy.
  struct Release: Sendable {
    var service: Int32
    var repository: Int32
    /// 0 unless environments are apart.
    var environment: Int32
    var commit: CommitPrefix
    var start: Timestamp
    var end: Timestamp
    /// When the deploy that goes back was created. The latest time if none goes back.
    var rollbackCreated: Timestamp
    /// The start of ``ending``, in nanoseconds. -1 if unknown.
    var endingStarted: Int64
    /// The deploy whose success ended the release.
    var ending: Int32
    var firstDeploy: Int32
    var lastDeploy: Int32
    var list: Int32 = 0
    /// The first release that remedied this one.
    var remedy: Int32 = -1
    var isRollback: Bool
    var isStepUnknown: Bool
    var rules = Rules()
    var isTakenBack = false
    var rework = Rework()
  }

  struct Rules: OptionSet, Sendable {
    var rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }
    init(_ rule: FailureRule) {
      switch rule {
      case .incident: rawValue = 1
      case .rollback: rawValue = 2
      case .revert: rawValue = 4
      case .hotfix: rawValue = 8
      case .failed: rawValue = 16
      }
    }

    var list: [FailureRule] { FailureRule.allCases.filter { contains(Rules($0)) } }
  }

  struct Rework: OptionSet, Sendable {
    var rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }
    init(_ reason: ReworkReason) {
      switch reason {
      case .rollback: rawValue = 1
      case .revert: rawValue = 2
      case .hotfix: rawValue = 4
      case .incident: rawValue = 8
      }
    }

    var list: [ReworkReason] { ReworkReason.allCases.filter { contains(Rework($0)) } }
  }

  struct IncidentEntry: Sendable {
    var fact: IncidentFact
    var service: Int32
    var repository: Int32
    /// -1 if it is blamed on no release.
    var release: Int32 = -1
    var basis = IncidentCause.Basis.none
    var isExcluded = false
    /// False for an incident of an environment that does not count.
    var isCounted = true
  }

  /// A change that a release brought. Small, because there are hundreds of thousands.
  struct Delivery: Sendable {
    var change: FactID
    /// Where lead time begins, in nanoseconds. -1 if unknown.
    var startNanoseconds: Int64
    /// The end of the release.
    var released: Timestamp
    var release: Int32
    var repository: Int32
    var workType: Int32
    var traits: ChangeLabels.Traits
    /// True if the change was merged before the days around its release that were read, or nobody knows when.
    var mayBeOlder: Bool

    var start: Timestamp? { startNanoseconds < 0 ? nil : Timestamp(nanoseconds: startNanoseconds) }
  }

  init(_ source: any FactSource, _ question: Question) throws {
    self.question = question
    try readIncidents(source)
    days = self.daysToRead()
    try readDeploys(source)
    try names.resolve(in: source)
    formReleases()
    try readDeliveries(source)
    try names.resolve(in: source)
    for index in incidents.indices {
      incidents[index].service = names.number(of: incidents[index].fact.service)
      incidents[index].repository = names.number(of: incidents[index].fact.repository)
    }
    try judge(source)
  }

  // MARK: Reading

  private static let marginSeconds = 2 * 86_400.0

  /// Incidents older than this before the windows blame only deploys that they name.
  private static let inferenceSeconds = 366 * 86_400.0

  private mutating func readIncidents(_ source: any FactSource) throws {
    let first = try source.factProgress().firstDay
    let last = FactDay(question.windows.map(\.end).reduce(question.now, max))
    var incidents: [IncidentEntry] = []
    var names = self.names
    try source.visitFacts(
      IncidentFact.self, days: first.flatMap { $0 <= last ? $0...last : nil }, includesOpen: true
    ) { fact in
      names.note(fact.service)
      names.note(fact.environment)
      names.note(fact.repository)
      names.note(fact.severity)
      incidents.append(IncidentEntry(fact: fact, service: 0, repository: 0))
    }
    incidents.sort { ($0.fact.began, $0.fact.id) < ($1.fact.began, $1.fact.id) }
    for index in incidents.indices {
      incidents[index].isExcluded = question.settings.exclusions[incidents[index].fact.id] != nil
    }
    self.incidents = incidents
    self.names = names
  }

  /// The days of the windows, of the time before in which releases can be blamed, and around incidents that began earlier
  /// and matter in a window.
  private func daysToRead() -> [ClosedRange<FactDay>] {
    let before = question.settings.blameWithinSeconds + question.settings.releaseSpanSeconds + Self.marginSeconds
    func days(_ start: Timestamp, _ end: Timestamp) -> ClosedRange<FactDay> {
      let first = FactDay(start.advanced(bySeconds: -before))
      return first...max(first, FactDay(end.advanced(bySeconds: before)))
    }
    var ranges = question.windows.map { days($0.start, $0.end) }
    guard let first = question.windows.map(\.start).min() else { return [] }
    let oldest = first.advanced(bySeconds: -Self.inferenceSeconds)
    for index in relevantIncidents where incidents[index].fact.began < first && incidents[index].fact.began >= oldest {
      ranges.append(days(incidents[index].fact.began, incidents[index].fact.began))
    }
    return ranges.merged()
  }

  /// The incidents that lasted into the windows, and those that overlap with them, so that they are one failure.
  private var relevantIncidents: [Int] {
    guard let first = question.windows.map(\.start).min() else { return [] }
    let before = question.settings.blameWithinSeconds + question.settings.releaseSpanSeconds + Self.marginSeconds
    let start = first.advanced(bySeconds: -before)
    /// The time before which incidents of a service do not matter.
    var horizons: [FactName: Timestamp] = [:]
    let latestFirst = incidents.indices.sorted {
      let (left, right) = (incidents[$0].fact.resolved ?? .latest, incidents[$1].fact.resolved ?? .latest)
      return left != right ? left > right : $0 < $1
    }
    return latestFirst.filter { index in
      let fact = incidents[index].fact
      let horizon = horizons[fact.service] ?? start
      guard fact.resolved.map({ $0 >= horizon }) ?? true else { return false }
      horizons[fact.service] = min(horizon, fact.began.advanced(bySeconds: -before))
      return true
    }
  }

  private mutating func readDeploys(_ source: any FactSource) throws {
    let keepsAll = question.keepsAllDeploys
    let countsFailures = question.settings.failureRules.contains(.failed)
    var names = self.names
    let last = days.last?.upperBound
    var parts = try ParallelReading.parts(of: days) { range in
      var part: (deploys: [DeployFact], names: NameTable) = ([], NameTable())
      try source.visitFactBytes(.deploy, days: range, includesOpen: keepsAll && range.upperBound == last) { bytes in
        let fact = try DeployFact(bytes)
        guard keepsAll || fact.outcome == .success || countsFailures && fact.outcome == .failure else { return }
        part.names.note(fact.target.service)
        part.names.note(fact.target.environment)
        part.names.note(fact.target.repository)
        part.deploys.appendSparingly(fact)
      }
      return part
    }
    for part in parts { names.note(part.names) }
    var deploys = parts.takeAll(\.deploys)
    try addCauses(of: source, to: &deploys, &names)
    self.deploys = deploys
    self.names = names
    historyBegan = try source.firstDay(of: DeployFact.self)?.start
  }

  /// Adds the deploys that incidents name and that are older than the days that were read.
  private func addCauses(of source: any FactSource, to deploys: inout [DeployFact], _ names: inout NameTable) throws {
    var causes: Set<FactID> = []
    for index in relevantIncidents {
      let fact = incidents[index].fact
      guard let cause = fact.cause, fact.basis == .stated, !days.contains(where: { $0.contains(FactDay(fact.began)) }) else {
        continue
      }
      causes.insert(cause)
    }
    guard !causes.isEmpty else { return }
    for fact in try source.facts(DeployFact.self, of: causes).values.joined() {
      guard fact.outcome == .success, let day = fact.day, !days.contains(where: { $0.contains(day) }) else { continue }
      names.note(fact.target.service)
      names.note(fact.target.environment)
      names.note(fact.target.repository)
      deploys.append(fact)
    }
  }

  /// The deliveries of some days. Their names are those of the store.
  private struct DeliveryPart: Sendable {
    var deliveries: [Delivery] = []
    var milestones: [DeliveryMilestones] = []
    var reverts: [(delivery: Int, change: UInt64)] = []
    var others: [(change: UInt64, release: Int32)] = []
    var names = NameTable()
  }

  /// The traits of changes at which the rules about failures look.
  static let judgedTraits: ChangeLabels.Traits = [.isRevert, .isHotfix, .isForIncident]

  private func deliveries(on range: ClosedRange<FactDay>, _ source: any FactSource) throws -> DeliveryPart {
    var part = DeliveryPart()
    let (basis, keepsMilestones, countsChanges) = (question.basis, question.keepsMilestones, question.countsChanges)
    var (lastID, lastAttempt) = (FactID(rawValue: 0), UInt16.max)
    var place = 0
    var last: DeployMap.Entry?
    /// Changes merged before were perhaps delivered before.
    var firstKnown = Int64.max
    try source.visitFactBytes(.deliveredChange, days: range, includesOpen: false) { bytes in
      let fact = try DeliveredChangeColumns(bytes)
      // The changes of a deploy usually follow each other.
      if fact.id != lastID || fact.attempt != lastAttempt {
        (lastID, lastAttempt) = (fact.id, fact.attempt)
        last = releaseOfDeploy.find(fact.id, fact.attempt, near: &place)
        if let last {
          firstKnown = days.last { $0.lowerBound.start <= last.released }?.lowerBound.start.nanoseconds ?? .max
        }
      }
      guard let last else { return }
      if !countsChanges, fact.reverts == 0, fact.traits.isDisjoint(with: Self.judgedTraits) {
        part.others.appendSparingly((fact.change.rawValue, last.release))
        return
      }
      let start =
        switch basis {
        case .commit: fact.firstCommit
        case .opened: fact.traits.contains(.isOpeningUnknown) ? -1 : fact.opened
        case .merged: fact.merged
        }
      if keepsMilestones { part.milestones.appendSparingly(DeliveryMilestones(fact, deployStarted: last.deployStarted)) }
      if fact.reverts != 0 { part.reverts.append((part.deliveries.count, fact.reverts)) }
      part.names.note(fact.repository)
      part.names.note(fact.workType)
      part.deliveries.appendSparingly(
        Delivery(
          change: fact.change, startNanoseconds: start, released: last.released, release: last.release,
          repository: Int32(bitPattern: fact.repository.rawValue), workType: Int32(bitPattern: fact.workType.rawValue),
          traits: fact.traits, mayBeOlder: fact.merged < firstKnown))
    }
    return part
  }

  private mutating func readDeliveries(_ source: any FactSource) throws {
    var names = self.names
    let history = self
    var parts = try ParallelReading.parts(of: days) { try history.deliveries(on: $0, source) }
    var first = 0
    for part in parts {
      for (delivery, change) in part.reverts { reverts[Int32(truncatingIfNeeded: first + delivery)] = change }
      first += part.deliveries.count
    }
    for part in parts { names.note(part.names) }
    var found = parts.takeAll(\.deliveries)
    try names.resolve(in: source)
    var judged: [Int32] = []
    var repeats = RepeatFilter(capacity: question.countsChanges ? found.count : 0)
    // All that needs a look at each delivery, because waiting for memory takes longer than the rest.
    found.withUnsafeMutableBufferPointer { found in
      for index in found.indices {
        if question.countsChanges { repeats.add(found[index].change.rawValue) }
        if !found[index].traits.isDisjoint(with: Self.judgedTraits) { judged.append(Int32(truncatingIfNeeded: index)) }
        found[index].repository = names.number(of: FactName(rawValue: UInt32(bitPattern: found[index].repository)))
        found[index].workType = names.number(of: FactName(rawValue: UInt32(bitPattern: found[index].workType)))
        if found[index].repository == 0 { found[index].repository = releases[Int(found[index].release)].repository }
      }
    }
    milestones = parts.takeAll(\.milestones)
    deliveries = found
    self.judged = judged
    self.repeats = question.countsChanges ? repeats : nil
    otherDeliveries = parts.takeAll(\.others)
    self.names = names
  }
}

extension [ClosedRange<FactDay>] {
  /// The same days as ranges that are apart, in order.
  func merged() -> [ClosedRange<FactDay>] {
    var result: [ClosedRange<FactDay>] = []
    for range in sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, Int(range.lowerBound.rawValue) <= Int(last.upperBound.rawValue) + 1 {
        result[result.count - 1] = last.lowerBound...Swift.max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }
}

extension FactSource {
  /// The first day with a fact of one kind: the beginning of its history.
  func firstDay<Row: Fact>(of type: Row.Type) throws -> FactDay? {
    guard let first = try factProgress().firstDay else { return nil }
    var found: FactDay?
    do {
      try visitFacts(type, days: first...max(first, FactDay(.latest)), includesOpen: false) { row in
        guard let day = row.day else { return }
        found = day
        throw FoundFirstDay()
      }
    } catch is FoundFirstDay {}
    return found
  }
}

/// Ends a visit early.
private struct FoundFirstDay: Error {}
