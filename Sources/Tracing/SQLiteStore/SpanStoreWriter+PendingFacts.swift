import ValueStreamCore

/// Writes the work for the computation of facts, and marks it as done.
extension SpanStoreWriter {
  private var facts: FactStatements { reader.facts }

  /// The most subjects whose facts one step of ``removeFactsToRecompute()`` removes.
  static let factsRemovedAtOnce = 256

  /// Adds to the changes what a step of the projection changed.
  func note(_ batch: FactChangeBatch) throws {
    var rest = batch
    while rest.count > 0 {
      let part = rest.prefix(FactChangeBatch.limit)
      rest.removeFirst(part.count)
      let bytes = part.encoded
      let statement = try facts(.insertChange)
      statement.bind(1, Checksum.of(bytes))
      try statement.binding(2, bytes) { try statement.run() }
    }
  }

  /// Marks work as done. Call it within a transaction.
  func complete(_ ticket: FactTicket) throws {
    switch ticket {
    case .batches(let batch, let items):
      let delete = try facts(.deleteChanges)
      delete.bind(1, items == nil ? batch : batch - 1)
      try delete.run()
      if let items { try removeFirst(items, ofChanges: batch) }
    case .subjects(let sequence):
      let statement = try facts(.setNextSubject)
      statement.bind(1, sequence)
      try statement.run()
    case .branches(let part):
      guard let handed = handedBranches, handed.part == part else { return }
      try set(branch: handed.last)
      handedBranches = nil
    }
  }

  private func removeFirst(_ items: Int, ofChanges batch: Int64) throws {
    let statement = try facts(.changeOf)
    statement.bind(1, batch)
    defer { statement.reset() }
    guard try statement.step() else { return }
    guard var rest = try reader.factChanges(batch, statement, checksumAt: 0) else { return }
    statement.reset()
    rest.removeFirst(items)
    let bytes = rest.encoded
    let update = try facts(.updateChange)
    update.bind(1, batch)
    update.bind(2, Checksum.of(bytes))
    try update.binding(3, bytes) { try update.run() }
  }

  private func set(branch: SpanStoreReader.BranchCursor?) throws {
    let statement = try facts(.setNextBranch)
    statement.bind(1, branch?.space)
    statement.bind(2, branch?.number ?? 0)
    statement.bind(3, branch?.text ?? "")
    try statement.run()
  }

  // MARK: Computing anew

  /// Makes all stored subjects and branches await computation, and their facts removal.
  func recomputeFacts() throws {
    try transaction {
      let first = try facts(.firstSubject)
      let smallest = try first.step() ? first.optionalInt(0) : nil
      first.reset()
      let statement = try facts(.setVersion)
      statement.bind(1, Int64(FactFormat.version))
      statement.bind(2, smallest ?? counters.subject)
      statement.bind(3, counters.subject)
      let hasFacts = try reader.connection.number("SELECT count(*) FROM (SELECT 1 FROM fact_subject LIMIT 1)") > 0
      statement.bind(4, hasFacts ? .min : nil)
      let hasBranches = try reader.connection.number("SELECT count(*) FROM (SELECT 1 FROM branch_update LIMIT 1)") > 0
      statement.bind(5, hasBranches ? 0 : nil)
      try statement.run()
      handedBranches = nil
    }
  }

  /// Removes facts that will be computed again, of a bounded number of subjects.
  ///
  /// Keeps the facts of subjects that are gone, and those of direct changes from before the first update of their branch.
  ///
  /// - Returns: true if there are more.
  func removeFactsToRecompute() throws -> Bool {
    guard let removedTo = try reader.factState().removedTo else { return false }
    var last: Int64?
    try transaction {
      var subjects: [(id: Int64, key: SubjectKey, record: FactRecord)] = []
      let statement = try facts(.subjectsAfter)
      statement.bind(1, removedTo)
      statement.bind(2, Int64(Self.factsRemovedAtOnce))
      defer { statement.reset() }
      var count = 0
      while try statement.step() {
        count += 1
        last = statement.int(0)
        if let found = try reader.factRecord(statement.int(0), statement, at: 1) {
          subjects.append((statement.int(0), found.key, found.record))
        }
      }
      statement.reset()
      if count < Self.factsRemovedAtOnce { last = nil }
      var touched: Set<FactPlace> = []
      for subject in subjects where try isComputedAgain(subject.id, subject.key, subject.record) {
        try removeFacts(of: subject.id, &touched)
      }
      let reached = try facts(.setRemovedTo)
      reached.bind(1, last)
      try reached.run()
      try mergeFacts(touched)
    }
    return last != nil
  }

  private func isComputedAgain(_ id: Int64, _ key: SubjectKey, _ record: FactRecord) throws -> Bool {
    guard FactID(rawValue: UInt64(bitPattern: id)).isDirect else { return try sequence(of: key)?.sequence == id }
    let statement = try facts(.firstBranchUpdate)
    defer { statement.reset() }
    guard try reader.bind(StoredName(key), to: statement), try statement.step(), let first = statement.optionalInt(0) else {
      return false
    }
    var pushed: Int64?
    for (place, _) in record.places where place.kind == .change {
      try reader.visitFacts(of: [id], at: place) { _, rows in
        try FactRows.visit(rows) { bytes in
          var row = FactReader(bytes)
          pushed = (try? ChangeFact(from: &row))?.times.merged?.nanoseconds ?? pushed
        }
      }
    }
    return pushed.map { $0 >= first } ?? true
  }
}
