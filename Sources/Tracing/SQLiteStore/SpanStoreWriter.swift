import ValueStreamCore

/// Writes changes of the projection through the store's only writing connection.
final class SpanStoreWriter {
  let reader: SpanStoreReader
  let caches: StoreCaches
  /// The subjects that the running transaction has written.
  private var written: [RecentSubjects.Entry] = []
  /// Their rows.
  private var writtenRows: [SubjectKey: Int64] = [:]
  private var connection: SQLiteConnection { reader.connection }
  /// Names that the running transaction interned; they move to the shared cache when it is committed.
  private var newNames: [ExactText: Int64] = [:]
  private var nextName: Int64
  /// The next numbers. Outside a transaction they equal the stored ones; the running transaction advances them.
  var counters = Counters(subject: 1, outboxEntry: 1, record: 0)
  /// The first block of subjects whose traces are not indexed yet.
  var nextBlock: Int64
  /// The stored kinds, and the combinations of space and operation whose kind is known to need no more storing.
  private var kinds: Set<SubjectKind> = []
  private var knownKinds: Set<KindPlace> = []
  /// The newest time of receipt at the last removal of old fingerprints.
  private var fingerprintsRemovedAt: Timestamp?
  /// About the number of rows in `fact_row` by place; nil until they are counted.
  var factRowCounts: [FactPlace: Int]?
  /// The last page of facts up to which all are packed that can be; nil if all pages are.
  var lastPackedPage: Int64? = 0
  /// The number of tallies in `rollup_change` by block; nil until they are counted.
  var rollUpChangeCounts: [Int32: Int]?
  /// The part of the branches that was handed out last for the computation of facts, and its last branch; nil after the end.
  var handedBranches: (part: Int64, last: SpanStoreReader.BranchCursor?)?

  /// The exclusions with the changes of the running transaction.
  var exclusions = ExclusionTable()

  struct Counters: Equatable {
    var subject: Int64
    var outboxEntry: Int64
    /// The number of additions to the export ledger.
    var record: Int64
  }

  private struct KindPlace: Hashable {
    var space: String
    var operation: Int64
  }

  /// The number of combinations at which `knownKinds` starts over, so that it stays bounded with any number of
  /// repositories.
  private static let knownKindLimit = 8192

  /// How long fingerprints of deliveries are kept: 8 days.
  private static let fingerprintRetentionNanoseconds: Int64 = 8 * 24 * 3600 * 1_000_000_000
  private static let fingerprintSweepNanoseconds: Int64 = 3600 * 1_000_000_000

  init(_ connection: SQLiteConnection, _ caches: StoreCaches, damage: DamageReport) throws {
    self.caches = caches
    reader = SpanStoreReader(connection, caches, damage: damage)
    nextName = try connection.number("SELECT max(id) FROM name") + 1
    let progress = try connection.prepare("SELECT next_subject, next_announcement, next_record, next_block FROM progress")
    guard try progress.step() else { throw StoreError(.corrupt, "\(connection.path): its progress is missing") }
    counters = Counters(subject: progress.int(0), outboxEntry: progress.int(1), record: progress.int(2))
    nextBlock = progress.int(3)
    progress.reset()
    kinds = Set(try reader.kinds())
    exclusions = try reader.exclusions()
    caches.exclusions.set(exclusions)
    try catchUp()
    if counters.subject == 1 { caches.filters.completeEmpty(hasExportRecords: try reader.hasExportRecords()) }
    // If the table is damaged, each look-up finds that out by itself.
    if let greatest = try? connection.number(FactSubjectBound.query) { caches.factSubjects.set(greatest) }
  }

  /// Adds the indexes that an older version did not write.
  private func catchUp() throws {
    while hasFullBlock { try transaction { try indexNextBlock() } }
    if try reader.factState().version != FactFormat.version { try recomputeFacts() }
    guard kinds.isEmpty, counters.subject > 1 else { return }
    let used = try reader.usedKinds()
    try transaction { for kind in used.sorted().prefix(SubjectKind.limit) { try insert(kind) } }
  }

  func write(_ changes: ProjectionChanges) throws {
    caches.recentSubjects.forget(changes.subjects.lazy.map(\.subject.key))
    forgetWritten()
    defer { forgetWritten() }
    try transaction {
      var forFacts = FactChangeBatch()
      for change in changes.subjects { if let changed = try write(change) { forFacts.subjects.append(changed) } }
      for (fallback, key) in changes.absorbed {
        guard let (absorbed, absorbing) = try absorb(fallback, into: key) else { continue }
        forFacts.absorbed.append(absorbed)
        forFacts.subjects.append(absorbing)
      }
      try write(changes.exclusions)
      if !exclusions.entries.isEmpty {
        for (fallback, key) in changes.absorbed { try moveExclusion(from: fallback, to: key) }
      }
      for update in changes.branchUpdates { try write(update) }
      forFacts.add(changes.branchUpdates)
      try note(forFacts)
      for outboxEntry in changes.outboxEntries { try write(outboxEntry) }
      for (key, change) in changes.measurements { try write(change, of: key) }
      while hasFullBlock { try indexNextBlock() }
      try write(changes.fingerprints)
      for (name, bytes) in changes.values { try write(name, bytes) }
      if let position = changes.position?.ends.last {
        let statement = try reader.statement(.setPosition)
        statement.bind(1, Int64(bitPattern: position.rawValue))
        try statement.run()
      }
    }
    caches.recentSubjects.add(written)
    caches.filters.load(through: reader)
  }

  private func forgetWritten() {
    // A large batch is rare, and its room would stay.
    let isUsual = written.count < 1024
    written.removeAll(keepingCapacity: isUsual)
    writtenRows.removeAll(keepingCapacity: isUsual)
  }

  func setExportProgress(_ progress: ExportProgress, for exporter: String, rejection: ExportRejection?) throws {
    try transaction {
      let statement = try reader.statement(.setExportProgress)
      statement.bind(1, exporter)
      statement.bind(2, Int64(clamping: progress.sequence))
      statement.bind(3, progress.sent)
      statement.bind(4, progress.refused)
      statement.bind(5, progress.dropped)
      statement.bind(6, progress.failingSince?.nanoseconds)
      try statement.run()
      if let rejection { try write(rejection) }
    }
  }

  /// Runs `body` as one transaction. If it fails, the changes of counters and caches are undone, too.
  func transaction(_ body: () throws -> Void) throws {
    let (countersBefore, nextNameBefore, nextBlockBefore, kindsBefore) = (counters, nextName, nextBlock, kinds)
    let exclusionsBefore = exclusions
    do {
      try connection.write {
        try body()
        if counters != countersBefore { try writeCounters() }
      }
    } catch {
      (counters, nextName, nextBlock) = (countersBefore, nextNameBefore, nextBlockBefore)
      newNames = [:]
      (kinds, knownKinds) = (kindsBefore, [])
      exclusions = exclusionsBefore
      factRowCounts = nil
      rollUpChangeCounts = nil
      throw error
    }
    if exclusions.revision != exclusionsBefore.revision { caches.exclusions.set(exclusions) }
    for (name, id) in newNames { caches.names.insert(name.text, id) }
    newNames.removeAll(keepingCapacity: newNames.count < 1024)
  }

  private func writeCounters() throws {
    let statement = try reader.statement(.setCounters)
    statement.bind(1, counters.subject)
    statement.bind(2, counters.outboxEntry)
    statement.bind(3, counters.record)
    try statement.run()
  }

  // MARK: Names

  private func intern(_ text: String) throws -> Int64 {
    if let known = try newNames[ExactText(text)] ?? reader.nameID(text) { return known }
    let statement = try reader.statement(.insertName)
    statement.bind(1, nextName)
    statement.bind(2, text)
    try statement.run()
    newNames[ExactText(text)] = nextName
    nextName += 1
    return nextName - 1
  }

  /// Interns a name if necessary and binds it to three parameters.
  func bind(_ name: StoredName, to statement: SQLiteStatement, at first: Int32 = 1) throws {
    statement.bind(first, try intern(name.space))
    statement.bind(first + 1, name.number)
    statement.bind(first + 2, name.text)
  }

  // MARK: Subjects

  /// The columns that lists read.
  struct SummaryRow: Equatable {
    var operation: Int64?
    var source: Int64
    var project: Int64?
    var outcome: Int64?
    var start: Int64
    var end: Int64?
  }

  private func row(of summary: SubjectSummary) throws -> SummaryRow {
    SummaryRow(
      operation: try summary.operation.map { try intern($0.rawValue) }, source: try intern(summary.source),
      project: try summary.project.map(intern), outcome: try summary.outcome.map { try intern($0.rawValue) },
      start: summary.start.nanoseconds, end: summary.end?.nanoseconds)
  }

  func sequence(of key: SubjectKey) throws -> (sequence: Int64, summary: SummaryRow)? {
    let statement = try reader.statement(.subjectRow)
    defer { statement.reset() }
    let name = StoredName(key)
    guard let space = try newNames[ExactText(name.space)] ?? reader.nameID(name.space) else { return nil }
    statement.bind(1, space)
    statement.bind(2, name.number)
    statement.bind(3, name.text)
    guard try statement.step() else { return nil }
    let summary = SummaryRow(
      operation: statement.optionalInt(1), source: statement.int(2), project: statement.optionalInt(3),
      outcome: statement.optionalInt(4), start: statement.int(5), end: statement.optionalInt(6))
    return (statement.int(0), summary)
  }

  /// Returns the row of a subject; nil if it is not stored.
  func row(of key: SubjectKey) throws -> Int64? {
    try writtenRows[key] ?? caches.recentSubjects.sequence(of: key) ?? sequence(of: key)?.sequence
  }

  /// - Returns: the sequence of the subject if it is one that facts are about.
  private func write(_ change: SubjectChange) throws -> Int64? {
    let summary = try row(of: change.summary)
    let encoded = change.subject.encoded()
    let sequence: Int64
    var hasOperation = summary.operation != nil
    if let known = try self.sequence(of: change.subject.key) {
      sequence = known.sequence
      hasOperation = hasOperation || known.summary.operation != nil
      if summary != known.summary { try update(summary, from: known.summary, of: sequence) }
      if summary.operation != known.summary.operation { try noteKind(of: change, summary) }
      let data = try reader.statement(.updateData)
      try run(data, sequence, encoded)
    } else {
      sequence = counters.subject
      counters.subject += 1
      try insert(change.subject.key, summary, as: sequence)
      try noteKind(of: change, summary)
      let data = try reader.statement(.insertData)
      try run(data, sequence, encoded)
    }
    written.append(RecentSubjects.Entry(subject: change.subject, sequence: sequence, byteCount: encoded.count))
    writtenRows[change.subject.key] = sequence
    for reference in change.lostAliases { try remove(reference, of: sequence, .deleteAlias) }
    for reference in change.lostFollows { try remove(reference, of: sequence, .deleteFollow) }
    for reference in change.newAliases {
      caches.filters.publishers.insert(reference)
      try insert(reference, of: sequence, .insertAlias)
    }
    for reference in change.newFollows {
      caches.filters.followers.insert(reference)
      try insert(reference, of: sequence, .insertFollow)
    }
    return hasOperation ? sequence : nil
  }

  private func run(_ statement: SQLiteStatement, _ sequence: Int64, _ encoded: [UInt8]) throws {
    statement.bind(1, sequence)
    statement.bind(3, Checksum.of(encoded))
    try statement.binding(2, encoded) { try statement.run() }
  }

  private func insert(_ key: SubjectKey, _ summary: SummaryRow, as sequence: Int64) throws {
    let statement = try reader.statement(.insertSubject)
    try bind(StoredName(key), to: statement)
    bind(summary, sequence, to: statement)
    try statement.run()
  }

  private func update(_ summary: SummaryRow, from known: SummaryRow, of sequence: Int64) throws {
    let isReclassified = summary.operation != known.operation || summary.project != known.project
    let statement = try reader.statement(isReclassified ? .updateSubject : .updateSummary)
    bind(summary, sequence, to: statement)
    try statement.run()
  }

  private func bind(_ summary: SummaryRow, _ sequence: Int64, to statement: SQLiteStatement) {
    statement.bind(4, sequence)
    statement.bind(5, summary.operation)
    statement.bind(6, summary.source)
    statement.bind(7, summary.project)
    statement.bind(8, summary.outcome)
    statement.bind(9, summary.start)
    statement.bind(10, summary.end)
  }

  /// Stores the kind of a new or reclassified subject, unless it is stored or there are ``SubjectKind/limit`` kinds
  /// already.
  private func noteKind(of change: SubjectChange, _ summary: SummaryRow) throws {
    guard let number = summary.operation, let operation = change.summary.operation else { return }
    let place = KindPlace(space: String(change.subject.key.space), operation: number)
    guard !knownKinds.contains(place) else { return }
    let kind = SubjectKind(change.subject.key, operation)
    if !kinds.contains(kind), kinds.count < SubjectKind.limit { try insert(kind) }
    if knownKinds.count >= Self.knownKindLimit { knownKinds = [] }
    knownKinds.insert(place)
  }

  private func insert(_ kind: SubjectKind) throws {
    let statement = try reader.statement(.insertKind)
    statement.bind(1, kind.source)
    statement.bind(2, kind.host)
    statement.bind(3, kind.operation.rawValue)
    try statement.run()
    kinds.insert(kind)
  }

  private func insert(_ reference: Reference, of sequence: Int64, _ query: SpanStoreQuery) throws {
    let statement = try reader.statement(query)
    try bind(StoredName(reference), to: statement)
    statement.bind(4, sequence)
    try statement.run()
  }

  // MARK: Outbox, branch updates, values and fingerprints

  private func write(_ outboxEntry: OutboxEntry) throws {
    let sequence = counters.outboxEntry
    counters.outboxEntry += 1
    let row = try row(of: outboxEntry.key)
    let insert = try reader.statement(.insertOutboxEntry)
    try bind(StoredName(outboxEntry.key), to: insert)
    insert.bind(4, sequence)
    insert.bind(5, Int64(outboxEntry.attempt))
    insert.bind(6, outboxEntry.time.nanoseconds)
    insert.bind(7, row)
    try insert.run()
    guard let row else { return }
    let note = try reader.statement(.noteOutboxEntry)
    note.bind(1, row)
    note.bind(2, sequence)
    try note.run()
  }

  private func write(_ update: BranchUpdate) throws {
    let statement = try reader.statement(.insertBranchUpdate)
    try bind(StoredName(update.branch), to: statement)
    statement.bind(4, update.time.timestamp.nanoseconds)
    statement.bind(5, BranchUpdatePacking.bytes(of: update))
    statement.bind(6, update.after.map(BranchUpdatePacking.number))
    try statement.run()
  }

  private func write(_ name: String, _ bytes: [UInt8]) throws {
    let statement = try reader.statement(.setValue)
    statement.bind(1, name)
    statement.bind(3, Checksum.of(bytes))
    try statement.binding(2, bytes) { try statement.run() }
  }

  private func write(_ fingerprints: [DeliveryFingerprint]) throws {
    guard let newest = fingerprints.lazy.map(\.received).max() else { return }
    let insert = try reader.statement(.insertFingerprints)
    let bytes = FingerprintPacking.bytes(of: fingerprints)
    insert.bind(1, newest.nanoseconds)
    insert.bind(3, Checksum.of(bytes))
    try insert.binding(2, bytes) { try insert.run() }
    if let last = fingerprintsRemovedAt, newest < last.advanced(byNanoseconds: Self.fingerprintSweepNanoseconds) { return }
    fingerprintsRemovedAt = newest
    let remove = try reader.statement(.deleteFingerprints)
    remove.bind(1, newest.advanced(byNanoseconds: -Self.fingerprintRetentionNanoseconds).nanoseconds)
    try remove.run()
  }

  // MARK: Retention

  /// Removes those of the subjects that are still finished, with the outbox entries, export records and index rows of
  /// each.
  ///
  /// - Returns: the number of subjects removed.
  func removeFinished(_ sequences: [Int64], before cutoff: Timestamp, passed: Int64) throws -> Int {
    var count = 0
    try transaction {
      for sequence in sequences {
        guard let key = try reader.finishedKey(sequence, before: cutoff, passed: passed) else { continue }
        try removeOutboxEntries(ofSubject: sequence)
        try remove(sequence, key)
        try removeExportRecord(of: key)
        try keepFacts(of: sequence, key)
        count += 1
      }
    }
    return count
  }

  func removeBranchUpdates(before cutoff: Timestamp) throws {
    try transaction {
      let statement = try reader.statement(.deleteBranchUpdates)
      statement.bind(1, cutoff.nanoseconds)
      try statement.run()
    }
  }

  func remove(_ sequence: Int64, _ key: SubjectKey) throws {
    caches.recentSubjects.forget(CollectionOfOne(key))
    written.removeAll { $0.subject.key == key }
    writtenRows[key] = nil
    if let subject = try reader.subjects([key])[key] {
      for reference in subject.aliases { try remove(reference, of: sequence, .deleteAlias) }
      for reference in subject.followedReferences { try remove(reference, of: sequence, .deleteFollow) }
    }
    try removeOwnTrace(of: sequence, key)
    for query in [SpanStoreQuery.deleteData, .deleteMeasurement, .deleteSubject] {
      let statement = try reader.statement(query)
      statement.bind(1, sequence)
      try statement.run()
    }
  }

  private func remove(_ reference: Reference, of sequence: Int64, _ query: SpanStoreQuery) throws {
    let statement = try reader.statement(query)
    guard try reader.bind(StoredName(reference), to: statement) else { return }
    statement.bind(4, sequence)
    try statement.run()
  }

  private func removeOutboxEntries(ofSubject sequence: Int64) throws {
    let newest = try reader.statement(.newestOutboxEntry)
    newest.bind(1, sequence)
    defer { newest.reset() }
    var outboxEntry = try newest.step() ? newest.optionalInt(0) : nil
    let remove = try reader.statement(.deleteOutboxEntry)
    while let current = outboxEntry {
      remove.bind(1, current)
      outboxEntry = try remove.step() ? remove.optionalInt(0) : nil
      remove.reset()
    }
  }
}
