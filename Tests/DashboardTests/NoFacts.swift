import ValueStreamCore

/// A store without facts.
struct NoFacts: FactSource {
  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {}
  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws(StoreError) -> [FactID: [Row]] { [:] }
  func deliveries(of changes: Set<FactID>) throws(StoreError) -> [FactID: [DeliveredChange]] { [:] }
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {}
  func tallies(of ids: Set<FactID>) throws(StoreError) -> [FactID: [RunTally]] { [:] }
  func texts(of names: Set<FactName>) throws(StoreError) -> [FactName: String] { [:] }
  func factSubjects(_ ids: Set<FactID>) throws(StoreError) -> [FactID: FactSubject] { [:] }
  func factValues() throws(StoreError) -> [String: [UInt8]] { [:] }
  func factProgress() throws(StoreError) -> FactProgress { FactProgress(firstDay: nil) }
}
