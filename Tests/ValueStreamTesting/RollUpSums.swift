package import ValueStreamCore

/// Roll-ups computed from scratch, for comparison and for fakes.
package enum RollUpSums {
  /// The sums over these days of the roll-ups of a level, in the order of keys.
  package static func of(
    _ tallies: some Sequence<RunTally>, _ level: RollUpLevel, days: ClosedRange<FactDay>
  ) -> [(key: RollUpKey, rollUp: RollUp)] {
    var sums: [RollUpKey: RollUp] = [:]
    for tally in tallies where days.contains(tally.day) {
      for key in tally.keys where key.level == level { sums[key, default: RollUp()].add(tally) }
    }
    return sums.sorted { $0.key < $1.key }.map { (key: $0.key, rollUp: $0.value) }
  }
}

extension FactSource {
  /// The sums over these days of the roll-ups of a level, as the store gives them.
  package func rollUps(_ level: RollUpLevel, days: ClosedRange<FactDay>) throws -> [(key: RollUpKey, rollUp: RollUp)] {
    var found: [(key: RollUpKey, rollUp: RollUp)] = []
    try visitRollUps(level, days: days) { found.append((key: $0, rollUp: $1)) }
    return found
  }
}
