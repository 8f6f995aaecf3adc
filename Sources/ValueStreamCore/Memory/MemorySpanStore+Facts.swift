import Synchronization

extension MemorySpanStore: FactStore {
  public func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {
    let rows = facts.withLock { $0.rows(of: Row.kind, days: days, includesOpen: includesOpen) }
    for row in rows { if let row = MemoryFacts.decode(type, row) { try visit(row) } }
  }

  public func visitFactBytes(
    _ kind: FactKind, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for row in facts.withLock({ $0.rows(of: kind, days: days, includesOpen: includesOpen) }) {
      do {
        try row.withUnsafeBytes(visit)
      } catch is DamagedFact {
        continue
      }
    }
  }

  public func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) -> [FactID: [Row]] {
    facts.withLock { facts in
      var result: [FactID: [Row]] = [:]
      for id in ids {
        let rows = facts.rows(of: Row.kind, about: id).compactMap { MemoryFacts.decode(type, $0) }
        if !rows.isEmpty { result[id] = rows }
      }
      return result
    }
  }

  public func deliveries(of changes: Set<FactID>) -> [FactID: [DeliveredChange]] {
    facts.withLock { facts in
      var result: [FactID: [DeliveredChange]] = [:]
      for change in changes {
        let rows = facts.deliveries(of: change).compactMap { MemoryFacts.decode(DeliveredChange.self, $0) }
        if !rows.isEmpty { result[change] = rows }
      }
      return result
    }
  }

  public func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {
    for (key, rollUp) in facts.withLock({ $0.rollUps.sums(level, days) }) { try visit(key, rollUp) }
  }

  public func tallies(of ids: Set<FactID>) -> [FactID: [RunTally]] {
    facts.withLock { facts in
      Dictionary(ids.compactMap { id in facts.rollUps.tallies[id].map { (id, $0) } }) { first, _ in first }
    }
  }

  public func hasKeptFacts(of key: SubjectKey) -> Bool { facts.withLock { $0.keptFacts.contains(key) } }

  public func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws {
    for rollUp in facts.withLock({ $0.rollUps.gone }) { try visit(rollUp) }
  }

  public func texts(of names: Set<FactName>) -> [FactName: String] {
    facts.withLock { facts in
      var result: [FactName: String] = [:]
      for name in names { result[name] = facts.text(of: name) }
      return result
    }
  }

  public func factSubjects(_ ids: Set<FactID>) -> [FactID: FactSubject] {
    facts.withLock { facts in
      var result: [FactID: FactSubject] = [:]
      for id in ids { result[id] = facts.entries[id]?.subject }
      return result
    }
  }

  public func factValues() -> [String: [UInt8]] {
    facts.withLock(\.values)
  }

  public func factProgress() -> FactProgress {
    facts.withLock { facts in
      FactProgress(
        remainingSubjects: Int(clamping: facts.end - min(facts.next, facts.end)), waitingBatches: facts.waitingCount,
        firstDay: facts.firstDay)
    }
  }

  public func exclusions() -> [Exclusion] {
    facts.withLock(\.exclusions.all)
  }

  public func excludedFacts() -> [FactID: String] {
    facts.withLock(\.exclusions.reasons)
  }

  public func factNames(for texts: [String]) -> [FactName] {
    facts.withLock { facts in texts.map { facts.number($0) } }
  }

  public func pendingFacts(limit: Int) -> PendingFacts {
    let (oldest, next, end) = facts.withLock { ($0.oldest(limit: limit), $0.next, $0.end) }
    var pending = PendingFacts()
    if oldest.ticket == nil, next < end {
      let (subjects, reached) = storedSubjects(from: next, to: end, limit: max(1, limit))
      for (sequence, key) in subjects { pending.subjects[FactID(rawValue: sequence)] = key }
      pending.ticket = MemoryFacts.ticket(before: reached)
      pending.hasMore = reached < end
      return pending
    }
    var ids: Set<UInt64> = []
    for (change, earliest) in oldest.changes {
      switch change {
      case .subject(let id): ids.insert(id)
      case .absorbed(let id): pending.absorbed.insert(FactID(rawValue: id))
      case .branch(let key): pending.branches[key] = earliest ?? .epoch
      }
    }
    for (id, key) in storedKeys(of: ids) { pending.subjects[FactID(rawValue: id)] = key }
    pending.ticket = oldest.ticket
    pending.hasMore = oldest.hasMore
    return pending
  }

  public func write(_ changes: FactChanges) {
    facts.withLock { $0.write(changes) }
  }

  public func recomputeFacts() {
    let (first, end, branches) = storedExtent()
    facts.withLock { facts in
      let kept = storedKeys(of: Set(facts.entries.keys.lazy.filter { !$0.isDirect }.map(\.rawValue)))
      for (id, entry) in facts.entries {
        let isComputedAgain =
          if id.isDirect {
            branches[entry.subject.key].map { first in
              let merged = entry.rows.lazy.compactMap { MemoryFacts.decode(ChangeFact.self, $0.bytes)?.times.merged }.first
              return merged.map { $0 >= first } ?? true
            } ?? false
          } else {
            kept[id.rawValue] != nil
          }
        if isComputedAgain { facts.remove(id) }
      }
      facts.recompute(from: first, to: end, branches: branches)
    }
  }

  public func removeFacts(before day: FactDay, limit: Int) -> Int {
    facts.withLock { $0.remove(before: day, limit: max(1, limit)) }
  }
}
