import ValueStreamCore

/// Reads the work for the computation of facts.
extension SpanStoreReader {
  /// Returns work from the oldest batches; from the subjects that await computation if there are no batches; from the branches
  /// if there are no such subjects either. `branch` is the last branch of such a part.
  func pendingFacts(limit: Int, branchPart: Int64) throws -> (pending: PendingFacts, branch: BranchCursor?) {
    let state = try factState()
    let awaitsMore = state.nextSubject < state.endSubject || state.branch != nil
    if let pending = try pendingBatches(limit: limit, awaitsMore: awaitsMore) { return (pending, nil) }
    if state.nextSubject < state.endSubject { return (try pendingSubjects(state, limit: limit), nil) }
    if let branch = state.branch { return try pendingBranches(after: branch, limit: limit, part: branchPart) }
    return (PendingFacts(), nil)
  }

  private func pendingBatches(limit: Int, awaitsMore: Bool) throws -> PendingFacts? {
    let statement = try facts(.changes)
    defer { statement.reset() }
    var subjects: Set<Int64> = []
    var pending = PendingFacts()
    var reached: FactTicket?
    while try statement.step() {
      let number = statement.int(0)
      let room = limit - subjects.count - pending.absorbed.count - pending.branches.count
      guard reached == nil || room > 0 else {
        pending.hasMore = true
        break
      }
      reached = .batches(batch: number, items: nil)
      guard let batch = try factChanges(number, statement, checksumAt: 1) else { continue }
      let taken = batch.prefix(max(1, room))
      subjects.formUnion(taken.subjects)
      for id in taken.absorbed { pending.absorbed.insert(FactID(rawValue: UInt64(bitPattern: id))) }
      for (key, time) in taken.branches { pending.branches[key] = min(pending.branches[key] ?? time, time) }
      if taken.count < batch.count {
        reached = .batches(batch: number, items: taken.count)
        pending.hasMore = true
        break
      }
    }
    guard let reached else { return nil }
    pending.ticket = reached.ticket
    pending.hasMore = pending.hasMore || awaitsMore
    let recent = caches.recentSubjects.keys(of: subjects)
    for (id, key) in recent { pending.subjects[FactID(rawValue: UInt64(bitPattern: id))] = key }
    let name = try self.statement(.subjectName)
    defer { name.reset() }
    for id in subjects where recent[id] == nil {
      name.reset()
      name.bind(1, id)
      guard try name.step() else { continue }
      if let key = try readable(.subject, "in row \(id)", { try key(name, at: 0) }) {
        pending.subjects[FactID(rawValue: UInt64(bitPattern: id))] = key
      }
    }
    return pending
  }

  /// Returns the changes in the current row; nil if they are damaged, which is reported.
  func factChanges(_ number: Int64, _ row: SQLiteStatement, checksumAt column: Int32) throws -> FactChangeBatch? {
    try readable(.fact, "changes \(number)") { () throws -> FactChangeBatch in
      let bytes = try checked(row.bytes(column + 1), row, checksumAt: column)
      do throws(DamagedBytes) {
        return try FactChangeBatch(encoded: bytes)
      } catch {
        throw StoreError(.corrupt, "\(connection.path): changes for facts cannot be read")
      }
    }
  }

  private func pendingSubjects(_ state: FactState, limit: Int) throws -> PendingFacts {
    let statement = try facts(.subjects)
    defer { statement.reset() }
    statement.bind(1, state.nextSubject)
    statement.bind(2, state.endSubject)
    statement.bind(3, Int64(max(1, limit)))
    var pending = PendingFacts()
    var next = state.nextSubject
    var count = 0
    do {
      while try statement.step() {
        count += 1
        let sequence = statement.int(0)
        next = sequence + 1
        if let key = try readable(.subject, "in row \(sequence)", { try key(statement, at: 1) }) {
          pending.subjects[FactID(rawValue: UInt64(bitPattern: sequence))] = key
        }
      }
      if count < limit { next = state.endSubject }
    } catch let error as StoreError where error.code == .corrupt {
      // Passes over the damaged pages of the file, row by row.
      damage.note(StoreDamage(.subject, "in rows from \(next)", reason: error.message))
      next = min(next + 1, state.endSubject)
    }
    pending.ticket = FactTicket.subjects(before: next).ticket
    pending.hasMore = next < state.endSubject || state.branch != nil
    return pending
  }

  private func pendingBranches(
    after branch: BranchCursor, limit: Int, part: Int64
  ) throws -> (pending: PendingFacts, branch: BranchCursor?) {
    let statement = try facts(.branches)
    defer { statement.reset() }
    statement.bind(1, branch.space)
    statement.bind(2, branch.number)
    statement.bind(3, branch.text)
    statement.bind(4, Int64(max(1, limit)))
    var pending = PendingFacts()
    var last: BranchCursor?
    var count = 0
    while try statement.step() {
      count += 1
      last = BranchCursor(space: statement.int(0), number: statement.int(1), text: statement.text(2))
      if let key = try readable(.branchUpdate, "row \(statement.int(0))", { try key(statement, at: 0) }) {
        pending.branches[key] = Timestamp(nanoseconds: statement.int(3))
      }
    }
    if count < limit { last = nil }
    pending.ticket = FactTicket.branches(part: part).ticket
    pending.hasMore = last != nil
    return (pending, last)
  }
}
