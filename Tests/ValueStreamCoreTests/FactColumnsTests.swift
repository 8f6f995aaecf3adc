import Testing
import ValueStreamCore

/// The readers that decode a part of a stored row, or all of it without a general reader.
@Suite("Columns of facts")
struct FactColumnsTests {
  private struct Draws {
    var random: SeededRandom

    init(_ seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func time() -> Timestamp? {
      random.next() % 4 == 0 ? nil : Timestamp(seconds: Int64(random.next() % 4_000_000_000))
    }

    mutating func name() -> FactName { FactName(rawValue: UInt32(truncatingIfNeeded: random.next())) }
    mutating func id() -> FactID { FactID(rawValue: random.next() | 1) }
    mutating func optionalID() -> FactID? { random.next() % 2 == 0 ? nil : id() }
    mutating func number<Value: FixedWidthInteger>() -> Value { Value(truncatingIfNeeded: random.next()) }

    mutating func change() -> ChangeFact {
      ChangeFact(
        id: id(),
        times: ChangeMilestones(
          firstCommit: time(), opened: time(), ready: time(), firstResponse: time(), lastApproval: time(), merged: time()),
        labels: ChangeLabels(
          repository: name(), author: name(), workType: name(), traits: ChangeLabels.Traits(rawValue: number())),
        state: ChangeState(rawValue: UInt8(random.next() % 3)) ?? .open, abandoned: time(), reverts: optionalID(),
        reviewRounds: number(), reviewCount: number(), secondsWaitingForReviewer: Float(random.next() % 1000),
        secondsWaitingForAuthor: Float(random.next() % 1000), size: random.next() % 3 == 0 ? nil : number(), issue: optionalID(),
        placement: random.next())
    }

    mutating func deploy() -> DeployFact {
      DeployFact(
        id: id(), attempt: number(),
        target: DeployFactTarget(
          service: name(), environment: name(), repository: name(), traits: DeployFactTarget.Traits(rawValue: number())),
        commit: CommitPrefix(rawValue: random.next()), created: time() ?? .epoch, started: time(), ended: time(),
        outcome: DeployOutcome(rawValue: UInt8(random.next() % 4)) ?? .running,
        step: DeployFactStep(rawValue: UInt8(random.next() % 5)) ?? .unknown,
        basis: ChangesFactBasis(rawValue: UInt8(random.next() % 3)) ?? .none, previous: optionalID(),
        previousAttempt: number(), changeCount: number())
    }

    mutating func delivered() -> DeliveredChange {
      let (change, deploy) = (change(), deploy())
      return DeliveredChange(
        deploy: id(), attempt: number(), target: deploy.target, commit: deploy.commit, deployStarted: time(),
        deployEnded: time() ?? .epoch, change: change.id, times: change.times, labels: change.labels, reverts: optionalID(),
        isRepeated: random.next() % 2 == 0)
    }

    mutating func run() -> RunFact {
      RunFact(
        id: id(), attempt: number(), repository: name(), workflow: name(), job: name(), runner: name(),
        commit: CommitPrefix(rawValue: random.next()), created: time() ?? .epoch, started: time(), ended: time(),
        outcome: RunOutcome(rawValue: UInt8(random.next() % 4)) ?? .running, change: optionalID())
    }

    mutating func issue() -> IssueFact {
      IssueFact(
        id: id(), project: name(), type: name(), created: time() ?? .epoch, firstChange: time(), firstAssignment: time(),
        closed: time(), traits: IssueFact.Traits(rawValue: number()),
        statuses: (0..<Int(random.next() % 5)).map { _ in
          IssueFact.StatusStay(status: name(), start: time() ?? .epoch, end: time())
        })
    }
  }

  private static func stored(_ time: Timestamp?) -> Int64 { time?.nanoseconds ?? -1 }

  @Test("of changes are those of the whole row")
  func changes() throws {
    var draws = Draws(1)
    for _ in 0..<200 {
      let row = draws.change()
      let columns = try EncodedFact(row).bytes.withUnsafeBytes { try ChangeColumns($0) }
      #expect(columns.id == row.id)
      #expect(
        [columns.firstCommit, columns.opened, columns.ready, columns.firstResponse, columns.lastApproval, columns.merged]
          == [
            row.times.firstCommit, row.times.opened, row.times.ready, row.times.firstResponse, row.times.lastApproval,
            row.times.merged,
          ].map(Self.stored))
      #expect(columns.abandoned == Self.stored(row.abandoned))
      #expect([columns.repository, columns.workType] == [row.labels.repository, row.labels.workType])
      #expect(columns.traits == row.labels.traits)
      #expect(columns.state == row.state)
      #expect(columns.reviewRounds == row.reviewRounds)
      #expect(columns.secondsWaitingForReviewer == row.secondsWaitingForReviewer)
      #expect(columns.secondsWaitingForAuthor == row.secondsWaitingForAuthor)
      #expect(columns.size == row.size ?? .max)
      let closed: [ChangeState: Timestamp?] = [.open: nil, .merged: row.times.merged, .abandoned: row.abandoned]
      #expect(columns.closedTime == closed[row.state] ?? nil)
    }
  }

  @Test("of deploys give the whole row")
  func deploys() throws {
    var draws = Draws(2)
    for _ in 0..<200 {
      let row = draws.deploy()
      #expect(try EncodedFact(row).bytes.withUnsafeBytes { try DeployFact($0) } == row)
    }
  }

  @Test("of runs are those of the whole row")
  func runs() throws {
    var draws = Draws(3)
    for _ in 0..<200 {
      let row = draws.run()
      let columns = try EncodedFact(row).bytes.withUnsafeBytes { try RunColumns($0) }
      #expect(columns.id == row.id)
      #expect(columns.attempt == row.attempt)
      #expect([columns.repository, columns.workflow, columns.job] == [row.repository, row.workflow, row.job])
      #expect(columns.commit == row.commit)
      #expect([columns.created, columns.started, columns.ended] == [row.created, row.started, row.ended].map(Self.stored))
      #expect(columns.outcome == row.outcome)
      #expect(columns.change == row.change?.rawValue ?? 0)
    }
  }

  @Test("of issues are those of the whole row")
  func issues() throws {
    var draws = Draws(4)
    for _ in 0..<200 {
      let row = draws.issue()
      try EncodedFact(row).bytes.withUnsafeBytes { bytes in
        let columns = try IssueColumns(bytes)
        #expect(columns.id == row.id)
        #expect([columns.project, columns.type] == [row.project, row.type])
        #expect(
          [columns.created, columns.firstChange, columns.firstAssignment, columns.closed]
            == [row.created, row.firstChange, row.firstAssignment, row.closed].map(Self.stored))
        #expect(columns.traits == row.traits)
        #expect(columns.stayCount == row.statuses.count)
        for (index, stay) in row.statuses.enumerated() {
          let found = columns.stay(index)
          #expect(found.status == stay.status)
          #expect([found.start, found.end] == [stay.start, stay.end].map(Self.stored))
        }
      }
    }
  }

  @Test("do not depend on the members that stores keep apart, and the layout has the length of a row")
  func layouts() throws {
    var draws = Draws(6)
    func check<Row: Fact, Columns>(_ row: Row, _ read: (UnsafeRawBufferPointer) throws -> Columns) throws {
      let layout = try #require(FactLayout.of(Row.kind))
      var bytes = EncodedFact(row).bytes
      #expect(layout.byteCount == bytes.count)
      let expected = try bytes.withUnsafeBytes(read)
      for member in layout.others {
        for place in member.offset..<member.offset + member.width { bytes[place] = draws.number() }
      }
      #expect(try String(describing: bytes.withUnsafeBytes(read)) == String(describing: expected))
    }
    for _ in 0..<50 {
      try check(draws.change()) { try ChangeColumns($0) }
      try check(draws.deploy()) { try DeployFact($0) }
      try check(draws.run()) { try RunColumns($0) }
      try check(draws.delivered()) { try DeliveredChangeColumns($0) }
    }
  }

  /// A byte of a row may change without harm. A row that cannot be read as a whole has no columns either, as far as they reach.
  @Test("of damaged rows do not trap, and those of shortened rows are damaged")
  func damage() {
    var draws = Draws(5)
    func check<Row: Fact>(_ row: Row, _ read: (UnsafeRawBufferPointer) throws -> Void) {
      let bytes = EncodedFact(row).bytes
      for count in 0..<bytes.count {
        #expect(throws: DamagedFact.self) { try bytes[..<count].withUnsafeBytes(read) }
      }
      for place in bytes.indices {
        var changed = bytes
        changed[place] ^= UInt8(1 << (place % 8))
        let isReadable =
          (try? changed.withUnsafeBytes { buffer in
            var reader = FactReader(buffer)
            return try Row(from: &reader)
          }) != nil
        let hasColumns = (try? changed.withUnsafeBytes(read)) != nil
        #expect(hasColumns || !isReadable)
      }
    }
    for _ in 0..<5 {
      check(draws.change()) { _ = try ChangeColumns($0) }
      check(draws.deploy()) { _ = try DeployFact($0) }
      check(draws.run()) { _ = try RunColumns($0) }
      check(draws.issue()) { _ = try IssueColumns($0) }
    }
  }
}
