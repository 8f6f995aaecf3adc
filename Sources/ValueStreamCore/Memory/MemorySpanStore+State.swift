extension MemorySpanStore {
  /// The contents of the store.
  struct State {
    struct Entry {
      var sequence: UInt64
      var subject: Subject
      var summary: SubjectSummary
      var aliases: Set<Reference> = []
      var follows: Set<Reference> = []
    }

    var entries: [SubjectKey: Entry] = [:]
    /// Keys in the order in which they first appeared. Removed subjects leave gaps in the sequence numbers.
    var order: [(sequence: UInt64, key: SubjectKey)] = []
    var publishers: [Reference: Set<SubjectKey>] = [:]
    var followers: [Reference: Set<SubjectKey>] = [:]
    var outboxEntries: [NumberedOutboxEntry] = []
    var progress: [String: ExportProgress] = [:]
    var rejections: [NumberedRejection] = []
    var exportRecords: [SubjectKey: ExportRecord] = [:]
    /// Subjects by the trace id that derives from their key. A subject with a parent is usually in another trace.
    var ownTraces: [TraceID: SubjectKey] = [:]
    var exportedTraces: [TraceID: Set<SubjectKey>] = [:]
    var kinds: Set<SubjectKind> = []
    var fingerprints: Set<DeliveryFingerprint> = []
    var values: [String: [UInt8]] = [:]
    var measurements: [SubjectKey: Measurement] = [:]
    /// The subjects that await measurement, the longest waiting first.
    var awaiting: [(since: Timestamp, key: SubjectKey)] = []
    var branchUpdates: [SubjectKey: Set<BranchUpdate>] = [:]
    var branchUpdatesByCommit: [String: Set<BranchUpdate>] = [:]
    var position: LogCoverage?
    /// The next sequence number of a subject. Like the numbers below, it is never reused.
    var nextSequence: UInt64 = 1
    var nextOutboxEntry: UInt64 = 1
    var nextRejection: UInt64 = 1
  }
}

extension MemorySpanStore.State {
  mutating func add(_ update: BranchUpdate) {
    branchUpdates[update.branch, default: []].insert(update)
    if let commit = update.after { branchUpdatesByCommit[commit, default: []].insert(update) }
  }

  mutating func write(_ change: SubjectChange) {
    let key = change.subject.key
    if entries[key] == nil {
      entries[key] = Entry(sequence: nextSequence, subject: change.subject, summary: change.summary)
      order.append((nextSequence, key))
      nextSequence += 1
      ownTraces[TraceID(root: key)] = key
    }
    if let operation = change.summary.operation, kinds.count < SubjectKind.limit { kinds.insert(SubjectKind(key, operation)) }
    entries[key]?.subject = change.subject
    entries[key]?.summary = change.summary
    entries[key]?.aliases.subtract(change.lostAliases)
    entries[key]?.follows.subtract(change.lostFollows)
    for reference in change.lostAliases { Self.remove(key, of: reference, from: &publishers) }
    for reference in change.lostFollows { Self.remove(key, of: reference, from: &followers) }
    entries[key]?.aliases.formUnion(change.newAliases)
    entries[key]?.follows.formUnion(change.newFollows)
    for reference in change.newAliases { publishers[reference, default: []].insert(key) }
    for reference in change.newFollows { followers[reference, default: []].insert(key) }
  }

  mutating func write(_ changes: [SubjectKey: MeasurementChange]) {
    var done: Set<SubjectKey> = []
    for (key, change) in changes where entries[key] != nil {
      switch change {
      case .awaits(let since, let counted):
        var measurement = measurements[key] ?? Measurement(awaitsSince: nil, counted: counted)
        if measurement.awaitsSince == nil {
          measurement.awaitsSince = since
          insertAwaiting(key, since)
        }
        measurements[key] = measurement
      case .counted(let bytes):
        measurements[key] = Measurement(awaitsSince: nil, counted: bytes)
        done.insert(key)
      }
    }
    if !done.isEmpty { awaiting.removeAll { done.contains($0.key) } }
  }

  private mutating func absorbMeasurement(of fallback: SubjectKey, into key: SubjectKey) {
    guard let absorbed = measurements[fallback] else { return }
    let known = measurements[key]
    let since = [absorbed.awaitsSince, known?.awaitsSince].compactMap { $0 }.min()
    measurements[key] = Measurement(awaitsSince: since, counted: (known?.counted ?? []) + absorbed.counted)
    awaiting.removeAll { $0.key == key }
    if let since { insertAwaiting(key, since) }
  }

  private mutating func insertAwaiting(_ key: SubjectKey, _ since: Timestamp) {
    let index = awaiting.lastIndex { $0.since <= since }.map { $0 + 1 } ?? 0
    awaiting.insert((since, key), at: index)
  }

  mutating func absorb(_ fallback: SubjectKey, into key: SubjectKey) {
    absorbMeasurement(of: fallback, into: key)
    remove([fallback])
    for index in outboxEntries.indices where outboxEntries[index].outboxEntry.key == fallback {
      outboxEntries[index].outboxEntry.key = key
    }
    guard var record = removeExportRecord(of: fallback) else { return }
    record.key = key
    add(record)
  }

  mutating func removeExportRecord(of key: SubjectKey) -> ExportRecord? {
    guard let record = exportRecords.removeValue(forKey: key) else { return nil }
    exportedTraces[record.traceID]?.remove(key)
    if exportedTraces[record.traceID]?.isEmpty == true { exportedTraces[record.traceID] = nil }
    return record
  }

  mutating func add(_ record: ExportRecord) {
    guard let known = exportRecords[record.key] else {
      exportRecords[record.key] = record
      exportedTraces[record.traceID, default: []].insert(record.key)
      return
    }
    let new = record.attempts.filter { known.attempt($0.number) == nil }
    exportRecords[record.key]?.attempts = (known.attempts + new).sorted { $0.number < $1.number }
  }

  mutating func remove(_ keys: Set<SubjectKey>) {
    for key in keys {
      guard let entry = entries.removeValue(forKey: key) else { continue }
      ownTraces[TraceID(root: key)] = nil
      for reference in entry.aliases { Self.remove(key, of: reference, from: &publishers) }
      for reference in entry.follows { Self.remove(key, of: reference, from: &followers) }
      measurements[key] = nil
    }
    awaiting.removeAll { keys.contains($0.key) }
    order.removeAll { keys.contains($0.key) }
  }

  private static func remove(_ key: SubjectKey, of reference: Reference, from index: inout [Reference: Set<SubjectKey>]) {
    index[reference]?.remove(key)
    if index[reference]?.isEmpty == true { index[reference] = nil }
  }

  /// Returns the index of the first subject with this sequence or a greater one.
  func firstIndex(from sequence: UInt64) -> Int {
    var range = order.startIndex..<order.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = order[middle].sequence >= sequence ? range.lowerBound..<middle : middle + 1..<range.upperBound
    }
    return range.lowerBound
  }

  /// Returns the outbox entries after a sequence number. Uses a binary search, because the entries are in order.
  func outboxEntries(after sequence: UInt64) -> ArraySlice<NumberedOutboxEntry> {
    var range = outboxEntries.startIndex..<outboxEntries.endIndex
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = outboxEntries[middle].sequence > sequence ? range.lowerBound..<middle : middle + 1..<range.upperBound
    }
    return outboxEntries[range.lowerBound...]
  }
}
