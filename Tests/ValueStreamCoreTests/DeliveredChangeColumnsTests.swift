import Testing
import ValueStreamCore

@Suite("Columns of delivered changes")
struct DeliveredChangeColumnsTests {
  private static func time(_ random: inout SeededRandom) -> Timestamp? {
    random.next() % 4 == 0 ? nil : Timestamp(seconds: Int64(random.next() % 4_000_000_000))
  }

  private static func row(_ random: inout SeededRandom) -> DeliveredChange {
    func name() -> FactName { FactName(rawValue: UInt32(truncatingIfNeeded: random.next())) }
    return DeliveredChange(
      deploy: FactID(rawValue: random.next()), attempt: UInt16(truncatingIfNeeded: random.next()),
      target: DeployFactTarget(service: name(), environment: name(), repository: name(), traits: .isProduction),
      commit: CommitPrefix(rawValue: random.next()), deployStarted: time(&random), deployEnded: time(&random) ?? .epoch,
      change: FactID(rawValue: random.next()),
      times: ChangeMilestones(
        firstCommit: time(&random), opened: time(&random), ready: time(&random), firstResponse: time(&random),
        lastApproval: time(&random), merged: time(&random)),
      labels: ChangeLabels(
        repository: name(), author: name(), workType: name(),
        traits: ChangeLabels.Traits(rawValue: UInt16(truncatingIfNeeded: random.next()))),
      reverts: random.next() % 2 == 0 ? nil : FactID(rawValue: random.next() | 1), isRepeated: random.next() % 2 == 0)
  }

  @Test("are those of the whole row")
  func equality() throws {
    var random = SeededRandom(seed: 1)
    for _ in 0..<200 {
      let row = Self.row(&random)
      let columns = try EncodedFact(row).bytes.withUnsafeBytes { try DeliveredChangeColumns($0) }
      #expect(columns.id == row.id)
      #expect(columns.attempt == row.attempt)
      #expect(columns.change == row.change)
      #expect(columns.firstCommit == row.times.firstCommit?.nanoseconds ?? -1)
      #expect(columns.opened == row.times.opened?.nanoseconds ?? -1)
      #expect(columns.ready == row.times.ready?.nanoseconds ?? -1)
      #expect(columns.firstResponse == row.times.firstResponse?.nanoseconds ?? -1)
      #expect(columns.lastApproval == row.times.lastApproval?.nanoseconds ?? -1)
      #expect(columns.merged == row.times.merged?.nanoseconds ?? -1)
      #expect(columns.repository == row.labels.repository)
      #expect(columns.workType == row.labels.workType)
      #expect(columns.traits == row.labels.traits)
      #expect(columns.reverts == row.reverts?.rawValue ?? 0)
    }
  }

  @Test("of damaged bytes are told apart where the whole row is")
  func damage() {
    var random = SeededRandom(seed: 2)
    let bytes = EncodedFact(Self.row(&random)).bytes
    for count in 0..<bytes.count {
      #expect(throws: DamagedFact.self) { try bytes[..<count].withUnsafeBytes { try DeliveredChangeColumns($0) } }
    }
    for offset in [55, 63, 71, 79, 87, 95] {
      var changed = bytes
      for place in offset..<offset + 8 { changed[place] = 0x7f }
      #expect(throws: DamagedFact.self) { try changed.withUnsafeBytes { try DeliveredChangeColumns($0) } }
    }
  }
}
