import Synchronization
import ValueStreamCore

extension ProjectorTests.FailingStore: FactStore {
  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws { try inner.visitFacts(type, days: days, includesOpen: includesOpen, visit) }
  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws -> [FactID: [Row]] { try inner.facts(type, of: ids) }
  func deliveries(of changes: Set<FactID>) throws -> [FactID: [DeliveredChange]] { try inner.deliveries(of: changes) }
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws { try inner.visitRollUps(level, days: days, visit) }
  func tallies(of ids: Set<FactID>) throws -> [FactID: [RunTally]] { try inner.tallies(of: ids) }
  func texts(of names: Set<FactName>) throws -> [FactName: String] { try inner.texts(of: names) }
  func factSubjects(_ ids: Set<FactID>) throws -> [FactID: FactSubject] { try inner.factSubjects(ids) }
  func factValues() throws -> [String: [UInt8]] { try inner.factValues() }
  func factProgress() throws -> FactProgress { try inner.factProgress() }
  func factNames(for texts: [String]) throws -> [FactName] { try inner.factNames(for: texts) }
  func pendingFacts(limit: Int) throws -> PendingFacts { try inner.pendingFacts(limit: limit) }
  func write(_ changes: FactChanges) throws {
    try onFactWrite.withLock { $0 }?(changes)
    try inner.write(changes)
  }
  func recomputeFacts() throws { try inner.recomputeFacts() }
  func hasKeptFacts(of key: SubjectKey) throws -> Bool { try inner.hasKeptFacts(of: key) }
  func visitGoneRollUps(_ visit: (DailyRollUp) throws -> Void) throws { try inner.visitGoneRollUps(visit) }
  func removeFacts(before day: FactDay, limit: Int) throws -> Int { try inner.removeFacts(before: day, limit: limit) }
}
