import Synchronization
package import ValueStreamCore

/// Whether a store keeps facts of removed subjects.
enum KeptFacts: UInt8, AtomicRepresentable {
  case unknown, some, none
}

/// Facts in tables beside those of the spans, so that both are written through the same connection.
extension SQLiteSpanStore: FactStore {
  package func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    try visiting { reader in
      if let days {
        try reader.visitFacts(type, days: Int64(days.lowerBound.rawValue)...Int64(days.upperBound.rawValue), visit)
      }
      if includesOpen { try reader.visitFacts(type, days: FactPlace.openDay...FactPlace.openDay, visit) }
    }
  }

  package func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try visiting { reader in
      if let days {
        let days = Int64(days.lowerBound.rawValue)...Int64(days.upperBound.rawValue)
        try reader.visitFactBytes(kind, days: days, isWhole: false, visit)
      }
      if includesOpen { try reader.visitFactBytes(kind, days: FactPlace.openDay...FactPlace.openDay, isWhole: false, visit) }
    }
  }

  package func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    try withReader { try $0.facts(type, of: ids) }
  }

  package func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] {
    try withReader { try $0.deliveries(of: changes) }
  }

  package func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] {
    try withReader { try $0.factTexts(of: names) }
  }

  package func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] {
    try withReader { try $0.factSubjects(ids) }
  }

  package func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    try visitRollUps(level, days: days, parts: .all) { key, rollUp, _ in try visit(key, rollUp) }
  }

  package func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, parts: RollUpParts,
    _ visit: (RollUpKey, RollUp, _ whole: () throws -> RollUp) throws -> Void
  ) throws {
    try visiting { try $0.visitRollUps(level, days: days, parts: parts, visit) }
  }

  package func tallies(of ids: Set<FactID>) throws(StoreError) -> [FactID: [RunTally]] {
    try withReader { try $0.tallies(of: ids) }
  }

  package func hasKeptFacts(of key: SubjectKey) throws(StoreError) -> Bool {
    switch keptFacts.load(ordering: .acquiring) {
    case .none: return false
    case .some: break
    case .unknown:
      let count = try withReader { try $0.connection.number("SELECT count(*) FROM (SELECT 1 FROM fact_kept LIMIT 1)") }
      // Unless something was removed meanwhile.
      _ = keptFacts.compareExchange(expected: .unknown, desired: count > 0 ? .some : .none, ordering: .acquiringAndReleasing)
      if count == 0 { return false }
    }
    return try withReader { reader in
      let statement = try reader.facts(.keptFacts)
      statement.bind(1, Int64(bitPattern: FactID(goneSubject: key).rawValue))
      defer { statement.reset() }
      return try statement.step()
    }
  }

  package func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws {
    try visiting { try $0.visitGoneRollUps(visit) }
  }

  package func factValues() throws(StoreError) -> [String: [UInt8]] {
    try withReader { try $0.factValues() }
  }

  package func factProgress() throws(StoreError) -> FactProgress {
    try withReader { try $0.factProgress() }
  }

  package func exclusions() throws(StoreError) -> [Exclusion] {
    if let known = caches.exclusions.table { return known.all }
    return try withReader { try $0.exclusions().all }
  }

  package func excludedFacts() throws(StoreError) -> [FactID: String] {
    if let known = caches.exclusions.table { return known.reasons }
    return try withReader { try $0.exclusions().reasons }
  }

  package func factNames(for texts: [String]) throws(StoreError) -> [FactName] {
    let known = try withReader { reader in try texts.map { try reader.factName(of: $0) } }
    var numbers = known
    let missing = texts.indices.filter { known[$0] == nil }
    if !missing.isEmpty {
      let new = try withWriter { try $0.numberFactNames(missing.map { texts[$0] }) }
      for (index, number) in zip(missing, new) { numbers[index] = number }
    }
    return numbers.map { number in number.map { FactName(rawValue: UInt32(clamping: $0)) } ?? .none }
  }

  package func pendingFacts(limit: Int) throws(StoreError) -> PendingFacts {
    try finishRemoval()
    let part = nextBranchPart.wrappingAdd(1, ordering: .relaxed).newValue
    let (pending, branch) = try withReader { try $0.pendingFacts(limit: limit, branchPart: part) }
    if let ticket = pending.ticket, FactTicket(ticket) == .branches(part: part) {
      try withWriter { $0.handedBranches = (part, branch) }
    }
    return pending
  }

  package func write(_ changes: FactChanges) throws(StoreError) {
    try finishRemoval()
    try withWriter { try $0.write(changes) }
    if changes.facts.contains(where: { $0.subject.id.isOfGoneSubject }) { keptFacts.store(.some, ordering: .releasing) }
  }

  package func recomputeFacts() throws(StoreError) {
    try withWriter { try $0.recomputeFacts() }
    try finishRemoval()
  }

  /// Removes the facts that are to be computed again, also after a crash or a change of the format.
  private func finishRemoval() throws(StoreError) {
    guard try withReader({ try $0.factState().removedTo }) != nil else { return }
    // Other writers may use the connection between the steps.
    while try withWriter({ try $0.removeFactsToRecompute() }) {}
  }

  package func removeFacts(before day: FactDay, limit: Int) throws(StoreError) -> Int {
    try withWriter { try $0.removeFacts(before: Int64(day.rawValue), limit: max(1, limit)) }
  }
}
