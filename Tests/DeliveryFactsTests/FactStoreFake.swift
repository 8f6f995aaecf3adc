import Synchronization
import ValueStreamCore
import ValueStreamTesting

/// Keeps facts in memory, beside spans.
final class FactStoreFake: SpanStore, FactStore {
  struct Batch {
    var subjects: Set<FactID> = []
    var absorbed: Set<FactID> = []
    var branches: [SubjectKey: Timestamp] = [:]
  }

  struct State {
    var keys: [FactID: SubjectKey] = [:]
    var numbers: [ExactText: FactName] = [:]
    var subjects: [FactID: FactSubject] = [:]
    var rows: [FactID: [EncodedFact]] = [:]
    /// The deploys that brought each change. May name some that no longer do.
    var deploys: [FactID: Set<FactID>] = [:]
    var values: [String: [UInt8]] = [:]
    var tallies: [FactID: [RunTally]] = [:]
    /// Removed subjects whose facts stay.
    var keptKeys: Set<SubjectKey> = []
    var batches: [(number: UInt64, batch: Batch)] = []
    var nextBatch: UInt64 = 1
    var failsNextWrite = false
    /// The rows of facts that were visited, and the bytes of values that were written.
    var rowsVisited = 0
    var valueBytesWritten = 0
    /// How often the facts of each subject were written.
    var writeCounts: [SubjectKey: Int] = [:]
  }

  let spans = MemorySpanStore()
  let state = Mutex(State())

  // MARK: Facts

  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    let rows = state.withLock { state in
      let rows = state.rows.values.joined().filter { $0.kind == Row.kind }
      state.rowsVisited += rows.count
      return rows
    }
    for row in rows where row.day.map({ days?.contains($0) ?? false }) ?? includesOpen { try visit(Self.decode(row)) }
  }

  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    let rows = state.withLock { state in
      ids.compactMap { id in state.rows[id].map { (id, $0.filter { $0.kind == Row.kind }) } }
    }
    return try StoreError.catching {
      Dictionary(uniqueKeysWithValues: try rows.filter { !$0.1.isEmpty }.map { ($0.0, try $0.1.map(Self.decode)) })
    }
  }

  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] {
    let rows = state.withLock { state in
      Set(changes.flatMap { state.deploys[$0] ?? [] }).flatMap { deploy in
        (state.rows[deploy] ?? []).filter { $0.change.map(changes.contains) ?? false }
      }
    }
    return try StoreError.catching { Dictionary(grouping: try rows.map { try Self.decode($0) as DeliveredChange }, by: \.change) }
  }

  static func decode<Row: Fact>(_ row: EncodedFact) throws -> Row {
    try row.bytes.withUnsafeBytes { bytes in
      var reader = FactReader(bytes)
      return try Row(from: &reader)
    }
  }

  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    let tallies = state.withLock { Array($0.tallies.values.joined()) }
    for (key, rollUp) in RollUpSums.of(tallies, level, days: days) { try visit(key, rollUp) }
  }

  func tallies(of ids: Set<FactID>) -> [FactID: [RunTally]] {
    state.withLock { $0.tallies.filter { ids.contains($0.key) } }
  }

  func hasKeptFacts(of key: SubjectKey) -> Bool { state.withLock { $0.keptKeys.contains(key) } }

  func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) {}

  func texts(of names: Set<FactName>) -> [FactName: String] {
    state.withLock { state in
      Dictionary(state.numbers.filter { names.contains($0.value) }.map { ($0.value, $0.key.text) }) { first, _ in first }
    }
  }

  func factSubjects(_ ids: Set<FactID>) -> [FactID: FactSubject] {
    state.withLock { $0.subjects.filter { ids.contains($0.key) } }
  }

  func factValues() -> [String: [UInt8]] { state.withLock(\.values) }
  func factProgress() -> FactProgress { FactProgress() }

  func factNames(for texts: [String]) -> [FactName] {
    state.withLock { state in
      texts.map { text in
        let known = state.numbers[ExactText(text)] ?? FactName(rawValue: UInt32(state.numbers.count + 1))
        state.numbers[ExactText(text)] = known
        return known
      }
    }
  }

  func pendingFacts(limit: Int) -> PendingFacts {
    let taken = state.withLock { state -> (keys: [FactID: SubjectKey], batch: Batch, last: UInt64?, hasMore: Bool) in
      var sum = Batch()
      var last: UInt64?
      for (number, batch) in state.batches {
        if last != nil, sum.subjects.union(batch.subjects).count > limit { break }
        sum.subjects.formUnion(batch.subjects)
        sum.absorbed.formUnion(batch.absorbed)
        sum.branches.merge(batch.branches) { min($0, $1) }
        last = number
      }
      return (state.keys, sum, last, state.batches.last.map { $0.number != last } ?? false)
    }
    var pending = PendingFacts()
    let keys = taken.batch.subjects.compactMap { taken.keys[$0] }
    let places = spans.places(of: keys)
    for id in taken.batch.subjects {
      guard let key = taken.keys[id] else { continue }
      if places[key] == id.rawValue { pending.subjects[id] = key } else { pending.absorbed.insert(id) }
    }
    pending.absorbed.formUnion(taken.batch.absorbed)
    pending.branches = taken.batch.branches
    pending.ticket = taken.last.map { PendingFacts.Ticket(rawValue: $0) }
    pending.hasMore = taken.hasMore
    return pending
  }

  func write(_ changes: FactChanges) throws(StoreError) {
    let isRefused = state.withLock { state in
      defer { state.failsNextWrite = false }
      return state.failsNextWrite
    }
    if isRefused { throw StoreError(.rejected, "refused, as the test wants it") }
    state.withLock { state in
      for id in changes.removed { (state.rows[id], state.subjects[id], state.tallies[id]) = (nil, nil, nil) }
      for (id, tallies) in changes.tallies { state.tallies[id] = tallies.isEmpty ? nil : tallies }
      for facts in changes.facts {
        for row in facts.rows {
          if let change = row.change { state.deploys[change, default: []].insert(facts.subject.id) }
        }
        state.rows[facts.subject.id] = facts.rows.isEmpty ? nil : facts.rows
        state.subjects[facts.subject.id] = facts.rows.isEmpty ? nil : facts.subject
        state.writeCounts[facts.subject.key, default: 0] += 1
      }
      for (name, bytes) in changes.values {
        state.values[name] = bytes.isEmpty ? nil : bytes
        state.valueBytesWritten += name.utf8.count + bytes.count
      }
      if let ticket = changes.completed { state.batches.removeAll { $0.number <= ticket.rawValue } }
    }
  }

  func recomputeFacts() {
    let page = spans.subjects(after: nil, limit: .max)
    let places = spans.places(of: page.subjects.map(\.key))
    state.withLock { state in
      let present = Set(places.values.map { FactID(rawValue: $0) })
      state.rows = state.rows.filter { !present.contains($0.key) && !$0.key.isDirect }
      state.subjects = state.subjects.filter { state.rows[$0.key] != nil }
      state.batches = []
      for subject in page.subjects {
        guard let place = places[subject.key] else { continue }
        state.keys[FactID(rawValue: place)] = subject.key
        state.batches.append((state.nextBatch, Batch(subjects: [FactID(rawValue: place)])))
        state.nextBatch += 1
      }
    }
  }

  func removeFacts(before day: FactDay, limit: Int) -> Int { 0 }

  // MARK: Spans

  func write(_ changes: ProjectionChanges) {
    let gone = spans.places(of: Array(changes.absorbed.keys))
    spans.write(changes)
    let places = spans.places(of: changes.subjects.map(\.subject.key))
    var batch = Batch()
    for (_, place) in gone { batch.absorbed.insert(FactID(rawValue: place)) }
    for update in changes.branchUpdates {
      let time = update.time.timestamp
      batch.branches[update.branch] = min(batch.branches[update.branch] ?? time, time)
    }
    state.withLock { state in
      for (key, place) in places {
        batch.subjects.insert(FactID(rawValue: place))
        state.keys[FactID(rawValue: place)] = key
      }
      state.batches.append((state.nextBatch, batch))
      state.nextBatch += 1
    }
  }

  func subjects(_ keys: [SubjectKey]) -> [SubjectKey: Subject] { spans.subjects(keys) }
  func publishers(of references: [Reference]) -> [Reference: [SubjectKey]] { spans.publishers(of: references) }
  func followers(of references: [Reference]) -> [Reference: [SubjectKey]] { spans.followers(of: references) }
  func position() -> LogCoverage? { spans.position() }
  func values() -> [String: [UInt8]] { spans.values() }
  func measurements(of keys: [SubjectKey]) -> [SubjectKey: Measurement] { spans.measurements(of: keys) }
  func awaitingMeasurement(
    since latest: Timestamp, orAfter now: Timestamp, limit: Int
  ) -> [AwaitingSubject] {
    spans.awaitingMeasurement(since: latest, orAfter: now, limit: limit)
  }
  func fingerprints(since cutoff: Timestamp) -> [DeliveryFingerprint] { spans.fingerprints(since: cutoff) }
  func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) -> SubjectPage {
    spans.subjects(matching: filter, after: cursor, limit: limit)
  }
  func subjects(after cursor: UInt64?, limit: Int) -> SubjectPage { spans.subjects(after: cursor, limit: limit) }
  func places(of keys: [SubjectKey]) -> [SubjectKey: UInt64] { spans.places(of: keys) }
  func kinds() -> [SubjectKind] { spans.kinds() }
  func keys(ofTrace traceID: TraceID, limit: Int) -> [SubjectKey] { spans.keys(ofTrace: traceID, limit: limit) }
  func outboxEntries(after sequence: UInt64, limit: Int) -> [NumberedOutboxEntry] {
    spans.outboxEntries(after: sequence, limit: limit)
  }
  func outboxEntryCount(after sequence: UInt64) -> Int { spans.outboxEntryCount(after: sequence) }
  func exportProgress() -> [String: ExportProgress] { spans.exportProgress() }
  func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) {
    spans.setExportProgress(progress, for: exporter, rejection: rejection)
  }
  func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) -> [NumberedRejection] {
    spans.exportRejections(of: exporter, before: sequence, limit: limit)
  }
  func exportRecords(of keys: [SubjectKey]) -> [SubjectKey: ExportRecord] { spans.exportRecords(of: keys) }
  func addExportRecords(_ records: [ExportRecord]) { spans.addExportRecords(records) }
  func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) -> [BranchUpdate] {
    spans.branchUpdates(of: branch, limit: limit, bytes: bytes)
  }
  func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) -> OrderedSubjectPage { spans.subjects(matching: filter, in: order, after: cursor, limit: limit) }
  func branchUpdates(to commit: String, limit: Int, bytes: Int) -> [BranchUpdate] {
    spans.branchUpdates(to: commit, limit: limit, bytes: bytes)
  }
  func openSubjects() -> [OpenSubjects] { spans.openSubjects() }
  func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) -> Int {
    spans.removeFinished(before: cutoff, awaitedBy: exporters, limit: limit)
  }
  func size() -> Int64 { 0 }
  func close() {}
}

/// Facts with texts and keys in place of numbers, which differ from store to store.
struct ReadableFacts {
  private(set) var lines: [String] = []
  private(set) var changes: [String: ChangeFact] = [:]
  private(set) var deploys: [String: [DeployFact]] = [:]
  private(set) var issues: [String: IssueFact] = [:]
  private(set) var incidents: [String: IncidentFact] = [:]
  private(set) var runs: [String: [RunFact]] = [:]
  /// What each deploy brought, by the end of its key: the ends of the keys of changes, those of repeated ones with `again`.
  private(set) var brought: [String: [String]] = [:]
  private let texts: [FactName: String]
  private let keys: [FactID: String]

  init(_ store: FactStoreFake) throws {
    let state = store.state.withLock { $0 }
    texts = Dictionary(uniqueKeysWithValues: state.numbers.map { ($0.value, $0.key.text) })
    var keys = state.keys.mapValues(\.shortText)
    for (id, subject) in state.subjects { keys[id] = id.isDirect ? "direct \(subject.name)" : subject.key.shortText }
    self.keys = keys
    for (id, rows) in state.rows {
      let name = keys[id] ?? "?"
      lines.append("\(name): \(state.subjects[id]?.name ?? "?") \(state.subjects[id]?.address ?? "-")")
      for row in rows {
        switch row.kind {
        case .change:
          let fact: ChangeFact = try FactStoreFake.decode(row)
          changes[name] = fact
          lines.append("\(name) \(text(fact)) \(row.day?.rawValue ?? -1)")
        case .deploy:
          let fact: DeployFact = try FactStoreFake.decode(row)
          deploys[name, default: []].append(fact)
          lines.append("\(name) \(text(fact)) \(row.day?.rawValue ?? -1)")
        case .deliveredChange:
          let fact: DeliveredChange = try FactStoreFake.decode(row)
          brought[name, default: []].append((keys[fact.change] ?? "?") + (fact.isRepeated ? " again" : ""))
          lines.append("\(name) \(text(fact)) \(row.day?.rawValue ?? -1)")
        case .incident:
          let fact: IncidentFact = try FactStoreFake.decode(row)
          incidents[name] = fact
          lines.append("\(name) \(text(fact)) \(row.day?.rawValue ?? -1)")
        case .issue:
          let fact: IssueFact = try FactStoreFake.decode(row)
          issues[name] = fact
          lines.append("\(name) \(text(fact)) \(row.day?.rawValue ?? -1)")
        case .run:
          let fact: RunFact = try FactStoreFake.decode(row)
          runs[name, default: []].append(fact)
          lines.append("\(name) \(text(fact)) \(row.day?.rawValue ?? -1)")
        }
      }
    }
    for (id, tallies) in state.tallies {
      for tally in tallies { lines.append("\(keys[id] ?? "?") \(text(tally))") }
    }
    brought = brought.mapValues { $0.sorted() }
    lines.sort()
  }

  func text(_ name: FactName) -> String { name == .none ? "-" : texts[name] ?? "?\(name.rawValue)" }
  func text(_ id: FactID?) -> String { id.map { keys[$0] ?? "?\($0.rawValue)" } ?? "-" }
  private func text(_ time: Timestamp?) -> String { time.map { String($0.rfc3339.dropFirst(5).dropLast()) } ?? "-" }

  private func text(_ times: ChangeMilestones) -> String {
    [times.firstCommit, times.opened, times.ready, times.firstResponse, times.lastApproval, times.merged].map(text)
      .joined(separator: " ")
  }

  private func text(_ labels: ChangeLabels) -> String {
    "\(text(labels.repository)) \(text(labels.author)) \(text(labels.workType)) \(labels.traits.rawValue)"
  }

  private func text(_ target: DeployFactTarget) -> String {
    "\(text(target.service)) \(text(target.environment)) \(text(target.repository)) \(target.traits.rawValue)"
  }

  private func text(_ fact: ChangeFact) -> String {
    "change \(text(fact.id)) \(text(fact.times)) \(text(fact.labels)) \(fact.state) \(text(fact.abandoned)) reverts "
      + "\(text(fact.reverts)) \(fact.reviewRounds) \(fact.reviewCount) \(fact.secondsWaitingForReviewer) "
      + "\(fact.secondsWaitingForAuthor) \(fact.size ?? 0) for \(text(fact.issue)) \(fact.placement)"
  }

  private func text(_ fact: DeployFact) -> String {
    "deploy \(text(fact.id)) \(fact.attempt) \(text(fact.target)) \(fact.commit.rawValue) \(text(fact.created)) "
      + "\(text(fact.started)) \(text(fact.ended)) \(fact.outcome) \(fact.step) \(fact.basis) after \(text(fact.previous)) "
      + "\(fact.previousAttempt) \(fact.changeCount)"
  }

  private func text(_ fact: DeliveredChange) -> String {
    "brought \(text(fact.change)) by \(text(fact.id)) \(fact.attempt) \(text(fact.target)) \(fact.commit.rawValue) "
      + "\(text(fact.deployStarted)) \(text(fact.deployEnded)) \(text(fact.times)) \(text(fact.labels)) "
      + "reverts \(text(fact.reverts)) \(fact.isRepeated)"
  }

  private func text(_ fact: IncidentFact) -> String {
    "incident \(text(fact.id)) \(text(fact.service)) \(text(fact.environment)) \(text(fact.repository)) "
      + "\(text(fact.severity)) \(text(fact.began)) \(text(fact.detected)) \(text(fact.resolved)) \(fact.isResolutionUnknown) "
      + "\(text(fact.cause)) \(fact.causeAttempt) \(fact.basis)"
  }

  private func text(_ fact: IssueFact) -> String {
    let statuses = fact.statuses.map { "\(text($0.status)) \(text($0.start)) \(text($0.end))" }.joined(separator: ", ")
    return "issue \(text(fact.id)) \(text(fact.project)) \(text(fact.type)) \(text(fact.created)) \(text(fact.firstChange)) "
      + "\(text(fact.firstAssignment)) \(text(fact.closed)) \(fact.traits.rawValue) [\(statuses)]"
  }

  private func text(_ tally: RunTally) -> String {
    let names = [tally.repository, tally.workflow, tally.job, tally.runner].map { text($0) }.joined(separator: " ")
    return "tally \(names) \(tally.day.rawValue) \(tally.traits.rawValue) \(tally.queue ?? 0) \(tally.run ?? 0) "
      + "\(tally.runMilliseconds)"
  }

  private func text(_ fact: RunFact) -> String {
    "run \(text(fact.id)) \(fact.attempt) \(text(fact.repository)) \(text(fact.workflow)) \(text(fact.job)) "
      + "\(text(fact.runner)) \(fact.commit.rawValue) \(text(fact.created)) \(text(fact.started)) \(text(fact.ended)) "
      + "\(fact.outcome) in \(text(fact.change))"
  }
}

extension SubjectKey {
  /// The last two parts, such as `deployment 7`.
  var shortText: String { description.split(separator: ":").suffix(2).joined(separator: " ") }
}
