import Synchronization
import ValueStreamCore

extension ProjectorTests.FailingStore: FactStore {
  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws { try inner.visitFacts(type, days: days, includesOpen: includesOpen, visit) }
  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] {
    try inner.facts(type, of: ids)
  }
  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] { try inner.deliveries(of: changes) }
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws { try inner.visitRollUps(level, days: days, visit) }
  func tallies(of ids: Set<FactID>) throws(StoreError) -> [FactID: [RunTally]] { try inner.tallies(of: ids) }
  func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] { try inner.texts(of: names) }
  func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] { try inner.factSubjects(ids) }
  func factValues() throws(StoreError) -> [String: [UInt8]] { try inner.factValues() }
  func factProgress() throws(StoreError) -> FactProgress { try inner.factProgress() }
  func factNames(for texts: [String]) throws(StoreError) -> [FactName] { try inner.factNames(for: texts) }
  func pendingFacts(limit: Int) throws(StoreError) -> PendingFacts { try inner.pendingFacts(limit: limit) }
  func write(_ changes: FactChanges) throws(StoreError) {
    try StoreError.catching { try onFactWrite.withLock { $0 }?(changes) }
    try inner.write(changes)
  }
  func recomputeFacts() throws(StoreError) { try inner.recomputeFacts() }
  func hasKeptFacts(of key: SubjectKey) throws(StoreError) -> Bool { try inner.hasKeptFacts(of: key) }
  func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws { try inner.visitGoneRollUps(visit) }
  func removeFacts(before day: FactDay, limit: Int) throws(StoreError) -> Int { try inner.removeFacts(before: day, limit: limit) }
}
