import Synchronization

/// A span store in memory, for tests and for daemons without a data directory. Its contents end with the process.
public final class MemorySpanStore: SpanStore, BranchListing {
  private let state = Mutex(State())
  /// The lock of `state` may be taken while this one is held, but not the other way round.
  let facts = Mutex(MemoryFacts())

  public init() {}

  /// Removes everything, including the log position. Sequence numbers continue, so that none is used twice.
  public func removeAll() {
    facts.withLock { $0 = MemoryFacts(after: $0) }
    state.withLock { state in
      var empty = State()
      empty.nextSequence = state.nextSequence
      empty.nextOutboxEntry = state.nextOutboxEntry
      empty.nextRejection = state.nextRejection
      state = empty
    }
  }

  public func close() {}

  public func size() -> Int64 { 0 }

  // MARK: Writing

  public func write(_ changes: ProjectionChanges) {
    let forFacts = state.withLock { state in
      var forFacts: [MemoryFacts.Change] = []
      for (fallback, key) in changes.absorbed {
        if let sequence = state.entries[fallback]?.sequence { forFacts.append(.absorbed(sequence)) }
        if let sequence = state.entries[key]?.sequence { forFacts.append(.subject(sequence)) }
        state.absorb(fallback, into: key)
      }
      for change in changes.subjects {
        let hadOperation = state.entries[change.subject.key]?.summary.operation != nil
        state.write(change)
        guard hadOperation || change.summary.operation != nil else { continue }
        if let sequence = state.entries[change.subject.key]?.sequence { forFacts.append(.subject(sequence)) }
      }
      for update in changes.branchUpdates { state.add(update) }
      state.write(changes.measurements)
      for outboxEntry in changes.outboxEntries {
        state.outboxEntries.append(NumberedOutboxEntry(sequence: state.nextOutboxEntry, outboxEntry: outboxEntry))
        state.nextOutboxEntry += 1
      }
      state.fingerprints.formUnion(changes.fingerprints)
      state.values.merge(changes.values) { $1 }
      state.position = changes.position ?? state.position
      return forFacts
    }
    let keys = changes.exclusions.map(\.change.item.key) + changes.absorbed.values
    let places = keys.isEmpty ? [:] : places(of: keys).mapValues { FactID(rawValue: $0) }
    facts.withLock { facts in
      facts.note(forFacts, changes.branchUpdates)
      for decision in changes.exclusions {
        facts.take(decision.change, at: decision.time, place: places[decision.change.item.key])
      }
      for (fallback, key) in changes.absorbed { facts.moveExclusion(from: fallback, to: key, place: places[key]) }
    }
  }

  // MARK: Subjects for facts

  /// Returns the keys of the subjects with these sequences. Sequences without a subject are absent.
  func storedKeys(of sequences: Set<UInt64>) -> [UInt64: SubjectKey] {
    state.withLock { state in
      var result: [UInt64: SubjectKey] = [:]
      for sequence in sequences {
        let index = state.firstIndex(from: sequence)
        if index < state.order.endIndex, state.order[index].sequence == sequence { result[sequence] = state.order[index].key }
      }
      return result
    }
  }

  /// Returns subjects with an operation and a sequence from `first` up to but not including `end`, and where the next call
  /// begins.
  func storedSubjects(
    from first: UInt64, to end: UInt64, limit: Int
  ) -> (subjects: [(sequence: UInt64, key: SubjectKey)], reached: UInt64) {
    state.withLock { state in
      var subjects: [(sequence: UInt64, key: SubjectKey)] = []
      for entry in state.order[state.firstIndex(from: first)...] where entry.sequence < end {
        guard state.entries[entry.key]?.summary.operation != nil else { continue }
        guard subjects.count < limit else { return (subjects, entry.sequence) }
        subjects.append(entry)
      }
      return (subjects, end)
    }
  }

  /// Returns the first sequence, that after the last, and the time of the first update of each branch.
  func storedExtent() -> (first: UInt64, end: UInt64, branches: [SubjectKey: Timestamp]) {
    state.withLock { state in
      let branches = state.branchUpdates.compactMapValues { $0.map(\.time.timestamp).min() }
      return (state.order.first?.sequence ?? state.nextSequence, state.nextSequence, branches)
    }
  }

  public func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) {
    state.withLock { state in
      state.progress[exporter] = progress
      guard let rejection else { return }
      state.rejections.append(NumberedRejection(sequence: state.nextRejection, rejection: rejection))
      state.nextRejection += 1
      state.rejections.removeFirst(max(0, state.rejections.count - ExportRejection.keptCount))
    }
  }

  public func exportRejections(
    of exporter: String?, before sequence: UInt64?, limit: Int
  ) -> [NumberedRejection] {
    state.withLock { state in
      let matching = state.rejections.reversed().lazy.filter { entry in
        (exporter == nil || entry.rejection.exporter == exporter) && (sequence.map { entry.sequence < $0 } ?? true)
      }
      return Array(matching.prefix(max(0, limit)))
    }
  }

  public func addExportRecords(_ records: [ExportRecord]) {
    state.withLock { state in
      for record in records { state.add(record) }
    }
  }

  public func removeFinished(before cutoff: Timestamp, awaitedBy exporters: [String], limit: Int) -> Int {
    let removed = state.withLock { state -> [(id: FactID, key: SubjectKey)] in
      let exported = exporters.map { state.progress[$0]?.sequence ?? 0 }.min() ?? .max
      let kept = state.outboxEntries.lazy.filter { $0.sequence > exported || $0.outboxEntry.time >= cutoff }
      let waiting = Set(kept.map(\.outboxEntry.key))
      var removed: Set<SubjectKey> = []
      for (_, key) in state.order {
        guard removed.count < limit else { break }
        guard let end = state.entries[key]?.summary.end, end < cutoff, !waiting.contains(key) else { continue }
        removed.insert(key)
      }
      let subjects = removed.compactMap { key in
        state.entries[key].map { (id: FactID(rawValue: $0.sequence), key: key) }
      }
      state.remove(removed)
      state.outboxEntries.removeAll { removed.contains($0.outboxEntry.key) }
      for key in removed { _ = state.removeExportRecord(of: key) }
      if removed.count < limit {
        state.branchUpdates = Self.kept(state.branchUpdates, since: cutoff)
        state.branchUpdatesByCommit = Self.kept(state.branchUpdatesByCommit, since: cutoff)
      }
      return subjects
    }
    facts.withLock { $0.keepFacts(of: removed) }
    return removed.count
  }

  private static func kept<Key>(_ updates: [Key: Set<BranchUpdate>], since cutoff: Timestamp) -> [Key: Set<BranchUpdate>] {
    updates.compactMapValues { updates in
      let kept = updates.filter { $0.time.timestamp >= cutoff }
      return kept.isEmpty ? nil : kept
    }
  }

  // MARK: Reading

  public func subjects(_ keys: [SubjectKey]) -> [SubjectKey: Subject] {
    state.withLock { state in
      var result: [SubjectKey: Subject] = [:]
      for key in keys { result[key] = state.entries[key]?.subject }
      return result
    }
  }

  public func publishers(of references: [Reference]) -> [Reference: [SubjectKey]] {
    publishers(of: references, limit: .max)
  }

  public func publishers(of references: [Reference], limit: Int) -> [Reference: [SubjectKey]] {
    state.withLock { state in
      var result: [Reference: [SubjectKey]] = [:]
      for reference in references {
        if reference.kind == .key {
          let key = SubjectKey(reference.value)
          result[reference] = key.flatMap { state.entries[$0] == nil ? nil : [$0] } ?? []
        } else {
          result[reference] = state.publishers[reference, default: []].prefix(max(0, limit)).sorted()
        }
      }
      return result
    }
  }

  public func followers(of references: [Reference]) -> [Reference: [SubjectKey]] {
    state.withLock { state in
      var result: [Reference: [SubjectKey]] = [:]
      for reference in references { result[reference] = state.followers[reference, default: []].sorted() }
      return result
    }
  }

  public func followers(of references: [Reference], limit: Int) -> [Reference: [SubjectKey]] {
    state.withLock { state in
      var result: [Reference: [SubjectKey]] = [:]
      for reference in references { result[reference] = Array(state.followers[reference, default: []].prefix(max(0, limit))) }
      return result
    }
  }

  public func followers(of reference: Reference, after place: UInt64, limit: Int) -> [Follower] {
    state.withLock { state in
      let following = state.followers[reference, default: []].compactMap { key in
        state.entries[key].map { Follower(place: $0.sequence, key: key) }
      }
      return Array(following.filter { $0.place > place }.sorted { $0.place < $1.place }.prefix(max(0, limit)))
    }
  }

  public func position() -> LogCoverage? {
    state.withLock(\.position)
  }

  public func values() -> [String: [UInt8]] {
    state.withLock(\.values)
  }

  public func measurements(of keys: [SubjectKey]) -> [SubjectKey: Measurement] {
    state.withLock { state in
      var result: [SubjectKey: Measurement] = [:]
      for key in keys { result[key] = state.measurements[key] }
      return result
    }
  }

  public func awaitingMeasurement(
    since latest: Timestamp, orAfter now: Timestamp, limit: Int
  ) -> [AwaitingSubject] {
    state.withLock { state in
      state.awaiting.lazy.filter { $0.since <= latest || $0.since > now }.prefix(max(0, limit)).compactMap { entry in
        state.measurements[entry.key].map { AwaitingSubject(key: entry.key, measurement: $0) }
      }
    }
  }

  public func fingerprints(since cutoff: Timestamp) -> [DeliveryFingerprint] {
    state.withLock { $0.fingerprints.filter { $0.received >= cutoff } }
  }

  public func subjects(matching filter: SubjectFilter, after cursor: UInt64?, limit: Int) -> SubjectPage {
    guard limit > 0 else { return SubjectPage(subjects: [], next: cursor) }
    return state.withLock { state in
      var page = SubjectPage(subjects: [], next: nil)
      var last: UInt64 = 0
      for (sequence, key) in state.order.reversed() where sequence < cursor ?? .max {
        guard let entry = state.entries[key], filter.matches(entry.summary) else { continue }
        guard page.subjects.count < limit else {
          page.next = last
          break
        }
        last = sequence
        page.subjects.append(entry.subject)
      }
      return page
    }
  }

  public func subjects(
    matching filter: SubjectFilter, in order: SubjectOrder, after cursor: SubjectPlace?, limit: Int
  ) -> OrderedSubjectPage {
    guard limit > 0 else { return OrderedSubjectPage(next: cursor) }
    return state.withLock { state in
      var found: [PlacedSubject] = []
      for entry in state.entries.values where filter.matches(entry.summary) {
        guard let place = order.place(of: entry.summary, sequence: entry.sequence), cursor.map({ place < $0 }) ?? true
        else { continue }
        found.append(PlacedSubject(place, entry.subject))
      }
      found.sort { $0.place > $1.place }
      let page = Array(found.prefix(limit))
      return OrderedSubjectPage(subjects: page, next: page.count < found.count ? page.last?.place : nil)
    }
  }

  public func openSubjects() -> [OpenSubjects] {
    struct Group: Hashable {
      var operation: Operation
      var source: String
      // `==` of strings also matches different encodings of the same letter.
      var project: [UInt8]?
    }
    let starts = state.withLock { state in
      var starts: [Group: [Timestamp]] = [:]
      for entry in state.entries.values {
        guard entry.summary.end == nil, let operation = entry.summary.operation else { continue }
        let project = entry.summary.project.map { Array($0.utf8) }
        let group = Group(operation: operation, source: entry.summary.source, project: project)
        starts[group, default: []].append(entry.summary.start)
      }
      return starts
    }
    return starts.map { group, starts in
      let mean = starts.reduce(0) { $0 + Double($1.nanoseconds) / Double(starts.count) }
      return OpenSubjects(
        operation: group.operation, source: group.source,
        project: group.project.map { String(decoding: $0, as: UTF8.self) }, count: starts.count,
        meanStart: Timestamp(nearest: mean), firstStart: starts.min() ?? .epoch)
    }
  }

  public func subjects(after cursor: UInt64?, limit: Int) -> SubjectPage {
    state.withLock { state in
      let following = state.order.drop { $0.sequence <= cursor ?? 0 }
      let page = following.prefix(max(0, limit))
      return SubjectPage(
        subjects: page.compactMap { state.entries[$0.key]?.subject },
        next: page.count < following.count ? page.last?.sequence : nil)
    }
  }

  public func outboxEntries(after sequence: UInt64, limit: Int) -> [NumberedOutboxEntry] {
    state.withLock { Array($0.outboxEntries(after: sequence).prefix(max(0, limit))) }
  }

  public func outboxEntryCount(after sequence: UInt64) -> Int {
    state.withLock { $0.outboxEntries(after: sequence).count }
  }

  public func places(of keys: [SubjectKey]) -> [SubjectKey: UInt64] {
    state.withLock { state in
      var result: [SubjectKey: UInt64] = [:]
      for key in keys { result[key] = state.entries[key]?.sequence }
      return result
    }
  }

  public func kinds() -> [SubjectKind] {
    state.withLock { $0.kinds.sorted() }
  }

  public func keys(ofTrace traceID: TraceID, limit: Int) -> [SubjectKey] {
    state.withLock { state in
      var keys = state.exportedTraces[traceID] ?? []
      if let own = state.ownTraces[traceID] { keys.insert(own) }
      return Array(keys.sorted().prefix(limit))
    }
  }

  public func exportProgress() -> [String: ExportProgress] {
    state.withLock(\.progress)
  }

  public func exportRecords(of keys: [SubjectKey]) -> [SubjectKey: ExportRecord] {
    state.withLock { state in
      var result: [SubjectKey: ExportRecord] = [:]
      for key in keys { result[key] = state.exportRecords[key] }
      return result
    }
  }

  public func hasExportRecords() -> Bool {
    state.withLock { !$0.exportRecords.isEmpty }
  }

  package func branches() -> [SubjectKey] { state.withLock { Array($0.branchUpdates.keys) } }

  public func branchUpdates(of branch: SubjectKey, limit: Int, bytes: Int) -> [BranchUpdate] {
    state.withLock { state in
      let newestFirst = state.branchUpdates[branch, default: []].sorted { $1.precedes($0) }
      return Self.first(newestFirst, limit: limit, bytes: bytes).reversed()
    }
  }

  public func branchUpdates(to commit: String, limit: Int, bytes: Int) -> [BranchUpdate] {
    state.withLock { state in
      let oldestFirst = state.branchUpdatesByCommit[commit, default: []].sorted { $0.precedes($1) }
      return Array(Self.first(oldestFirst, limit: limit, bytes: bytes))
    }
  }

  private static func first(_ updates: [BranchUpdate], limit: Int, bytes: Int) -> ArraySlice<BranchUpdate> {
    var room = bytes
    let count = updates.prefix(max(0, limit)).prefix { update in
      defer { room -= update.weight }
      return room > 0
    }.count
    return updates.prefix(count)
  }
}
