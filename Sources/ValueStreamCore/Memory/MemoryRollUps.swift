/// The roll-ups of a ``MemorySpanStore``, and what each of its subjects added to them.
struct MemoryRollUps {
  private var days: [FactDay: [RollUpKey: RollUp]] = [:]
  private(set) var tallies: [FactID: [RunTally]] = [:]
  /// Roll-ups of earlier blocks were removed.
  private var firstBlock = Int32.min

  mutating func write(_ changes: FactChanges) {
    for (id, tallies) in changes.tallies { replace(id, tallies) }
    for id in changes.removed { replace(id, []) }
    for added in changes.rollUps where isKept(added.day) {
      days[added.day, default: [:]][added.key, default: RollUp()].merge(added.rollUp)
    }
  }

  private mutating func replace(_ id: FactID, _ new: [RunTally]) {
    for tally in tallies[id] ?? [] { add(tally, times: -1) }
    let kept = new.filter { isKept($0.day) }
    for tally in kept { add(tally, times: 1) }
    tallies[id] = kept.isEmpty ? nil : kept
  }

  private func isKept(_ day: FactDay) -> Bool { DailyRollUp.block(of: day) >= firstBlock }

  private mutating func add(_ tally: RunTally, times: Int64) {
    guard isKept(tally.day) else { return }
    for key in tally.keys {
      var rollUp = days[tally.day]?[key] ?? RollUp()
      rollUp.add(tally, times: times)
      days[tally.day, default: [:]][key] = rollUp.isEmpty ? nil : rollUp
    }
  }

  mutating func forget(_ ids: [FactID]) {
    for id in ids { tallies[id] = nil }
  }

  mutating func remove(before day: FactDay) {
    firstBlock = max(firstBlock, DailyRollUp.block(of: day))
    days = days.filter { isKept($0.key) }
  }

  /// The sum over these days of each roll-up of a level, in the order of keys.
  func sums(_ level: RollUpLevel, _ range: ClosedRange<FactDay>) -> [(key: RollUpKey, value: RollUp)] {
    var sums: [RollUpKey: RollUp] = [:]
    for (day, rollUps) in days where range.contains(day) {
      for (key, rollUp) in rollUps where key.level == level { sums[key, default: RollUp()].merge(rollUp) }
    }
    return sums.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
  }

  /// What subjects that are gone added, in order of days.
  var gone: [DailyRollUp] {
    var rest = days
    for tally in tallies.values.joined() where isKept(tally.day) {
      for key in tally.keys { rest[tally.day, default: [:]][key, default: RollUp()].add(tally, times: -1) }
    }
    return rest.sorted { $0.key < $1.key }.flatMap { day, rollUps in
      rollUps.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map {
        DailyRollUp(day: day, key: $0.key, rollUp: $0.value)
      }
    }
  }
}
