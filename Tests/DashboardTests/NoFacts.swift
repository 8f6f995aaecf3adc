import ValueStreamCore

/// A store without facts.
struct NoFacts: FactSource {
  func visitFacts<Row: Fact>(
    _ type: Row.Type, days: ClosedRange<FactDay>?, includesOpen: Bool, _ visit: (Row) throws -> Void
  ) throws {}
  func facts<Row: Fact>(_ type: Row.Type, of ids: Set<FactID>) throws -> [FactID: [Row]] { [:] }
  func deliveries(of changes: Set<FactID>) throws -> [FactID: [DeliveredChange]] { [:] }
  func visitRollUps(
    _ level: RollUpLevel, days: ClosedRange<FactDay>, _ visit: (RollUpKey, RollUp) throws -> Void
  ) throws {}
  func tallies(of ids: Set<FactID>) throws -> [FactID: [RunTally]] { [:] }
  func texts(of names: Set<FactName>) throws -> [FactName: String] { [:] }
  func factSubjects(_ ids: Set<FactID>) throws -> [FactID: FactSubject] { [:] }
  func factValues() throws -> [String: [UInt8]] { [:] }
  func factProgress() throws -> FactProgress { FactProgress(firstDay: nil) }
}
