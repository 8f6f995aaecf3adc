import ValueStreamCore

/// One step of the computation of facts: computes subjects, and notes what else their facts concern.
struct FactStep {
  let store: any SpanReading & FactStore
  let now: Timestamp
  var computer: FactComputer
  var memory: FactMemory
  /// The number of subjects that were computed.
  private(set) var computedCount = 0
  /// The work that was done because of earlier results, in computed subjects. What is read for it counts, too.
  private(set) var spent = 0
  /// True if deploys or incidents were computed in order of time.
  private(set) var hasWorkedInOrder = false
  var changes = FactChanges()
  /// The facts computed so far, which are not written yet.
  var done: [FactID: ComputedFacts] = [:]
  var written: [FactID: SubjectFacts] = [:]
  var removed: Set<FactID> = []
  /// How often each limit was exceeded. Set at the end.
  private(set) var exceeded: [FactLimit: Int] = [:]
  /// Issues whose first change may be another one.
  private var firstChanges: [SubjectKey: Timestamp] = [:]
  private var issuesToSearch: Set<SubjectKey> = []
  private let admission: ((FactItem) -> Bool)?

  /// The tolerance for times of the same clock, in nanoseconds: a push comes shortly after the merge that made it.
  private static let tolerance: Int64 = 60_000_000_000

  /// - Parameter admission: asked before each item. False to set it aside.
  init(
    store: any SpanReading & FactStore, strategy: TraceStrategy, rules: FactRules, memory: FactMemory, now: Timestamp,
    admission: ((FactItem) -> Bool)?
  ) {
    self.store = store
    self.now = now
    self.admission = admission
    computer = FactComputer(store: store, strategy: strategy, rules: rules, names: memory.names, mergedTo: memory.mergedTo)
    self.memory = memory
    self.memory.names = [:]
    self.memory.mergedTo = []
  }

  mutating func finish() -> (FactChanges, FactMemory) {
    exceeded = memory.takeExceeded()
    changes.facts = written.values.sorted { $0.subject.id < $1.subject.id }
    changes.removed = removed.filter { written[$0] == nil }.sorted()
    memory.names = computer.names
    memory.mergedTo = computer.mergedTo
    changes.values = memory.takeChangedValues()
    return (changes, memory)
  }

  /// Begins an item. False if it is passed over.
  mutating func admits(_ item: FactItem) -> Bool {
    if memory.setAside.isSkipped(item) { return false }
    if let admission, !admission(item) {
      memory.passOver(item, .crash)
      return false
    }
    // If it fails all the same, nothing of this step is kept.
    memory.restoreToUse(item)
    return true
  }

  // MARK: Changed subjects

  mutating func take(_ pending: PendingFacts) throws {
    changes.completed = pending.ticket
    try remove(pending.absorbed.filter { admits(.absorbed($0)) })
    for (branch, time) in pending.branches.sorted(by: { $0.key < $1.key }) where admits(.branch(branch)) {
      try takeUpdates(of: branch, since: time)
    }
    try compute(pending.subjects.filter { admits(.subject($0.value)) })
  }

  // MARK: Work from earlier results

  /// Computes queued subjects; then deploys in order of time, and incidents.
  ///
  /// - Parameters:
  ///   - limit: The most work, as ``spent`` counts it.
  ///   - includingOrder: False to compute queued subjects only.
  ///   - isFair: True to keep a part of the limit for deploys and incidents, because they have waited long.
  mutating func workOff(atMost limit: Int, includingOrder: Bool, isFair: Bool) throws {
    let bound = spent + limit
    try workOffSubjects(until: isFair && memory.work.hasPasses ? bound - limit / 4 : bound)
    guard includingOrder else { return }
    let incidentShare = isFair && memory.work.incidents != nil ? limit / 8 : 0
    while spent < bound - incidentShare, let repository = memory.dequeueRepository() {
      hasWorkedInOrder = true
      queueServices(of: repository.name, since: repository.since)
    }
    while spent < bound - incidentShare, let scope = memory.nextScope() {
      hasWorkedInOrder = true
      try workOff(scope, until: bound - incidentShare)
    }
    if spent < bound, let pass = memory.work.incidents {
      hasWorkedInOrder = true
      try workOffIncidents(pass, until: bound)
    }
  }

  private mutating func workOffSubjects(until bound: Int) throws {
    while spent < bound {
      let keys = memory.dequeue(atMost: bound - spent)
      guard !keys.isEmpty else { return }
      spend(keys.count)
      let admitted = keys.filter { admits(.subject($0)) }
      let ids = try computer.ids(of: admitted)
      try compute(Dictionary(ids.map { ($0.value, $0.key) }) { first, _ in first })
    }
  }

  mutating func spend(_ work: Int) { spent += work }

  mutating func compute(_ subjects: [FactID: SubjectKey]) throws {
    try computer.prepare(for: Array(subjects.values))
    var groups: [Group: [(id: FactID, key: SubjectKey)]] = [:]
    for (id, key) in subjects.sorted(by: { $0.key < $1.key }) {
      groups[Group(try computer.operation(of: key)), default: []].append((id, key))
    }
    // Rows of deploys repeat those of changes, and first changes of issues come from changes.
    try computeChanges(groups[.changes] ?? [])
    try computeIssues(groups[.issues] ?? [])
    try computeDeploys(groups[.deploys] ?? [])
    try computeRuns(groups[.runs] ?? [])
    for (id, key) in groups[.others] ?? [] { _ = try compute(key, id) }
  }

  private enum Group {
    case changes, issues, deploys, runs, others

    init(_ operation: Operation?) {
      switch operation {
      case .pullRequest: self = .changes
      case .issue, .incident: self = .issues
      case .deploy: self = .deploys
      case .build, .job: self = .runs
      default: self = .others
      }
    }
  }

  /// Computes the facts of one subject, to be written by this step. Nil if it does not exist.
  mutating func compute(_ key: SubjectKey, _ id: FactID, firstChange: Timestamp? = nil) throws -> ComputedFacts? {
    computedCount += 1
    memory.dequeue(key)
    if try store.hasKeptFacts(of: key) { return nil }
    guard let computed = try computer.facts(of: key, id: id, firstChange: firstChange) else { return nil }
    done[id] = computed
    if computed.mayReplaceFacts {
      written[id] = computed.encoded
      if let operation = computed.operation, Self.operationsOfTallies.contains(operation) {
        changes.tallies[id] = computed.tallies
      }
    }
    return computed
  }

  /// The operations of subjects that may have tallies. A build may turn out to be a deploy.
  private static let operationsOfTallies: Set<Operation> = [.build, .job, .deploy]

  /// Lets a subject be computed again unless this step already did.
  mutating func queue(_ key: SubjectKey, _ id: FactID?) {
    if let id, done[id] != nil { return }
    memory.queue(key)
  }

  mutating func queue(_ keys: some Sequence<SubjectKey>) throws {
    let ids = try computer.ids(of: Array(keys))
    for key in keys { queue(key, ids[key]) }
  }

  // MARK: Subjects that are gone

  private mutating func remove(_ ids: Set<FactID>) throws {
    guard !ids.isEmpty else { return }
    removed.formUnion(ids)
    for (_, facts) in try store.facts(ChangeFact.self, of: ids) {
      for fact in facts {
        if let issue = fact.issue { try search(issue) }
        guard fact.state == .merged else { continue }
        for rows in try store.deliveries(of: [fact.id]).values {
          try queue(try computer.keys(of: Set(rows.map(\.id))).values)
        }
      }
    }
    let keys = try computer.keys(of: ids)
    for (id, facts) in try store.facts(DeployFact.self, of: ids) {
      guard let key = keys[id] else { continue }
      for fact in facts { try replace(fact, of: key) }
      try removeDirectChanges(of: id, besides: [])
    }
  }

  /// Lets the first change of an issue be searched for.
  private mutating func search(_ issue: FactID) throws {
    if let key = try computer.keys(of: [issue])[issue] { issuesToSearch.insert(key) }
  }

  // MARK: Pushes

  private mutating func takeUpdates(of branch: SubjectKey, since time: Timestamp) throws {
    let updates = try computer.updates(of: branch, since: time)
    let commits = Set(updates.flatMap { $0.commits.map(\.id) + ($0.after.map { [$0] } ?? []) })
    try queue(try computer.changes(withCommits: commits.union(try commitsOfBranches(at: commits, besides: branch))))
    guard !memory.repositories.isEmpty else { return }
    try queue(try computer.deploys(onCommits: commits))
    if let repository = branch.container { queueDeploys(of: repository, since: time) }
  }

  /// Returns the commits of other branches that were at one of these commits, as when they began there.
  ///
  /// What these branches had from there does not count as work of their changes.
  private func commitsOfBranches(at commits: Set<String>, besides branch: SubjectKey) throws -> Set<String> {
    var starts: [SubjectKey: Timestamp] = [:]
    for commit in commits.sorted().prefix(Self.commitLimit) {
      for update in try computer.updates(to: commit) where update.branch != branch {
        starts[update.branch] = min(starts[update.branch] ?? update.time.timestamp, update.time.timestamp)
      }
    }
    return try Set(starts.flatMap { try computer.updates(of: $0, since: $1).compactMap(\.after) })
  }

  private static let commitLimit = 100

  /// Lets the deploys of a repository be computed again that ended after a time of the repository's clock.
  private mutating func queueDeploys(of repository: String, since time: Timestamp) {
    guard let notes = memory.repositories[ExactText(repository)] else { return }
    let from = Self.start(of: notes, since: time)
    guard FactComputer.day(of: from) <= notes.lastDay, notes.services.contains(where: { mayHaveDeploys($0, after: from) }) else {
      return
    }
    memory.queue(repository: repository, since: time)
  }

  /// Queues the services of a repository that may have deploys after a time of its clock.
  private mutating func queueServices(of repository: ExactText, since time: Timestamp) {
    guard let notes = memory.repositories[repository] else { return }
    let from = Self.start(of: notes, since: time)
    spend(notes.services.count)
    for service in notes.services where mayHaveDeploys(service, after: from) {
      memory.queue(DeployScope(service: service.text), from: from)
    }
  }

  /// The time on the clock of deploys from which a push or merge may concern them.
  private static func start(of notes: RepositoryNotes, since time: Timestamp) -> Timestamp {
    time.advanced(byNanoseconds: -notes.skew - tolerance)
  }

  private func mayHaveDeploys(_ service: ExactText, after time: Timestamp) -> Bool {
    memory.latestEnd(service.text).map { $0 >= time } ?? true
  }

  // MARK: Changes

  private mutating func computeChanges(_ subjects: [(id: FactID, key: SubjectKey)]) throws {
    guard !subjects.isEmpty else { return }
    let stored = try store.facts(ChangeFact.self, of: Set(subjects.map(\.id)))
    var repeated: Set<FactID> = []
    for (id, key) in subjects {
      let before = done[id]?.changes.first ?? stored[id]?.first
      guard let computed = try compute(key, id) else { continue }
      let after = computed.changes.first
      if let base = computed.base { try note(base) }
      if let original = computed.missingOriginal { memory.addRevert(key, of: original) }
      if before == nil || before?.state != after?.state {
        for revert in memory.takeReverts(of: computed.names) where revert != key { try queue([revert]) }
      }
      // A merge queue may name a change of which nothing else is known yet. Its runs did not belong to a change then.
      if before == nil, after != nil, try computer.mayHaveHadNoSpans(key) { try queue(try childRuns(of: key)) }
      try relink(before, after, to: computed.issue)
      guard before?.state == .merged || after?.state == .merged else { continue }
      if before?.times != after?.times || before?.labels != after?.labels || before?.reverts != after?.reverts {
        repeated.insert(id)
      }
      if before?.placement ?? 0 != after?.placement ?? 0 { try place(computed, before: before, after: after) }
    }
    guard !repeated.isEmpty else { return }
    let deploys = Set(try store.deliveries(of: repeated).values.joined().map(\.id))
    try queue(try computer.keys(of: deploys).values)
  }

  /// Notes that a change may be in other deploys than before.
  private mutating func place(_ computed: ComputedFacts, before: ChangeFact?, after: ChangeFact?) throws {
    guard !memory.repositories.isEmpty else { return }
    let merged = [before?.times.merged, after?.times.merged].compactMap { $0 }.min()
    if let repository = computed.repository, let merged { queueDeploys(of: repository, since: merged) }
    try queue(try computer.deploys(onCommits: Set(computed.commits.map(\.value))))
  }

  /// Notes a branch into which a change was merged. Merges of this branch may then be merges between long-lived branches.
  mutating func note(_ base: SubjectKey) throws {
    guard let known = computer.mergedTo, !known.contains(base), let repository = base.container else { return }
    computer.mergedTo?.insert(base)
    if !memory.noteBranch(base, of: repository) { computer.mergedTo = nil }
    let commits = Set(try computer.updates(of: base, since: .epoch).compactMap(\.after))
    try queue(try computer.changes(withCommits: commits).filter { try computer.head(ofChange: $0) == base })
  }

  /// Notes that an issue may have another first change.
  private mutating func relink(_ before: ChangeFact?, _ after: ChangeFact?, to issue: SubjectKey?) throws {
    let (old, new) = (before?.issue, after?.issue)
    let (start, former) = (after?.startForIssue, before?.startForIssue)
    if old == new, start == former { return }
    if let old, old != new || start == nil || former.map({ former in start.map { former < $0 } ?? true }) ?? false {
      try search(old)
    }
    if let issue, new != nil, let start { firstChanges[issue] = min(firstChanges[issue] ?? start, start) }
  }

  // MARK: Issues and incidents

  private mutating func computeIssues(_ subjects: [(id: FactID, key: SubjectKey)]) throws {
    let others = Set(firstChanges.keys).union(issuesToSearch).subtracting(subjects.map(\.key))
    let ids = try computer.ids(of: others)
    let all = subjects + ids.map { (id: $0.value, key: $0.key) }.sorted { $0.id < $1.id }
    defer { (firstChanges, issuesToSearch) = ([:], []) }
    guard !all.isEmpty else { return }
    let known = Set(all.map(\.id))
    let issues = try store.facts(IssueFact.self, of: known)
    // A subject is either.
    let incidents = try store.facts(IncidentFact.self, of: known.subtracting(issues.keys))
    func factsBefore(of id: FactID) -> (issue: IssueFact?, incident: IncidentFact?) {
      (done[id]?.issues.first ?? issues[id]?.first, done[id]?.incidents.first ?? incidents[id]?.first)
    }
    let withoutFirst = try all.filter { id, key in
      let (before, incident) = factsBefore(of: id)
      return try before == nil && (incident == nil || computer.operation(of: key) == .issue)
    }
    let toSearch = issuesToSearch.union(try computer.followed(among: withoutFirst.map(\.key)))
    for (id, key) in all {
      let (before, incident) = factsBefore(of: id)
      let isNew = before == nil && incident == nil
      var first = before?.firstChange
      if toSearch.contains(key) { first = try searchChanges(of: key, id) }
      if let start = firstChanges[key] { first = min(first ?? start, start) }
      guard let computed = try compute(key, id, firstChange: first) else { continue }
      if let began = computed.incidents.first?.began { try noteIncident(began) }
      // The fact of an incident does not tell its type.
      let isOther = before?.type != computed.issues.first?.type || incident != nil || !computed.incidents.isEmpty
      if !isNew, isOther { try queue(try childChanges(of: key)) }
    }
  }

  private mutating func childChanges(of key: SubjectKey) throws -> [SubjectKey] {
    try computer.children(of: key, limit: Self.childLimit).filter { try computer.operation(of: $0) == .pullRequest }
  }

  private static let childLimit = 1000

  /// Returns the start of the first change for an issue.
  private mutating func searchChanges(of key: SubjectKey, _ id: FactID) throws -> Timestamp? {
    var first: Timestamp?
    for (child, fact) in try computer.changeFacts(of: try childChanges(of: key)) {
      if fact.issue != id { try queue([child]) }
      if fact.issue == id, let start = fact.startForIssue { first = min(first ?? start, start) }
    }
    return first
  }

  private mutating func noteIncident(_ began: Timestamp) throws {
    memory.latestIncident = max(try latestIncident(), began)
  }

  mutating func latestIncident() throws -> Timestamp {
    if let known = memory.latestIncident { return known }
    var latest = Timestamp.epoch
    let days = FactDay(.epoch)...FactDay(.latest)
    try store.visitFacts(IncidentFact.self, days: days, includesOpen: true) { latest = max(latest, $0.began) }
    memory.latestIncident = latest
    return latest
  }

  /// Computes the incidents of a pass. Reads the list of them once for each pass.
  private mutating func workOffIncidents(_ pass: FactPass, until bound: Int) throws {
    guard admits(.incidents) else { return memory.finishIncidents() }
    var rest = try memory.incidentsOfPass ?? readIncidents(of: pass)
    let part = rest.prefix(max(1, bound - spent))
    rest = rest.dropFirst(part.count)
    spend(part.count)
    let keys = try computer.keys(of: Set(part.map(\.id)))
    for place in part {
      guard let key = keys[place.id], admits(.subject(key)), try computer.operation(of: key) == .incident else { continue }
      _ = try compute(key, place.id)
    }
    guard let next = rest.first else { return memory.finishIncidents() }
    memory.incidentsOfPass = rest
    memory.advanceIncidents(to: next.position)
  }

  private mutating func readIncidents(of pass: FactPass) throws -> ArraySlice<IncidentPlace> {
    var found: [IncidentPlace] = []
    var count = 0
    let days = FactDay(pass.position.time)...FactDay(.latest)
    try store.visitFacts(IncidentFact.self, days: days, includesOpen: true) { fact in
      count += 1
      let place = IncidentPlace(began: fact.began, id: fact.id)
      if place.position >= pass.position { found.append(place) }
    }
    spend(count / Self.rowsOfUnit)
    return found.sorted()[...]
  }

  /// Reading so many rows takes about as long as computing one subject.
  private static let rowsOfUnit = 64

  // MARK: Runs

  private mutating func computeRuns(_ subjects: [(id: FactID, key: SubjectKey)]) throws {
    guard !subjects.isEmpty else { return }
    let unknown = try subjects.filter { id, key in
      try computer.operation(of: key) == .build && memory.change(ofRun: key) == nil
    }
    let stored = unknown.isEmpty ? [:] : try store.facts(RunFact.self, of: Set(unknown.map(\.id)))
    for (id, key) in subjects {
      guard let computed = try compute(key, id), computed.operation == .build else { continue }
      try relinkJobs(of: computed, before: stored[id]?.first?.change)
    }
  }

  /// Lets the jobs of a run be computed again if the run belongs to another change than before.
  ///
  /// - Parameter before: the change according to the stored facts.
  mutating func relinkJobs(of run: ComputedFacts, before: FactID?) throws {
    let key = run.subject.key
    let before = memory.change(ofRun: key) ?? before
    memory.note(run.change, ofRun: key)
    guard before != run.change else { return }
    try queue(try childRuns(of: key))
  }

  private mutating func childRuns(of key: SubjectKey) throws -> [SubjectKey] {
    try computer.children(of: key, limit: Self.childLimit).filter { child in
      let operation = try computer.operation(of: child)
      return operation == .job || operation == .build || operation == .deploy
    }
  }
}

extension ChangeFact {
  /// The start of the change, as ``IssueFact/firstChange`` counts it.
  fileprivate var startForIssue: Timestamp? { times.opened ?? times.merged ?? abandoned }
}
