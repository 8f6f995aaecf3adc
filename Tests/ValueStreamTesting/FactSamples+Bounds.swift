package import ValueStreamCore

extension FactSamples {
  /// Returns a store with facts of all kinds whose times and numbers lie at the bounds and around `now`, in any order.
  ///
  /// Each fact is one that a store may hold. Most contradict each other, as senders may.
  package static func storeAtBounds(around now: Timestamp, seed: UInt64) -> MemorySpanStore {
    let store = MemorySpanStore()
    var facts = BoundFacts(now: now, seed: seed, names: store.factNames(for: BoundFacts.texts))
    var changes = FactChanges()
    for number in 1...300 {
      let id = FactID(rawValue: UInt64(number))
      changes.facts.append(Self.facts(facts.rows(number, id), of: id))
      if number % 6 == 0 { changes.tallies[id] = [facts.tally()] }
    }
    store.write(changes)
    return store
  }

  private static func facts(_ rows: [EncodedFact], of id: FactID) -> SubjectFacts {
    SubjectFacts(subject: subject(id), rows: rows)
  }
}

/// Draws facts at the bounds.
private struct BoundFacts {
  static let texts = ["", "a", "production", "A", "é", "e\u{301}", "<b>", "other", "=1+2"]

  private let times: [Timestamp]
  private let names: [FactName]
  private var random: SeededRandom

  init(now: Timestamp, seed: UInt64, names: [FactName]) {
    times = [
      .epoch, Timestamp(nanoseconds: 1), now.advanced(bySeconds: -1e9), now.advanced(bySeconds: -86_400),
      now.advanced(bySeconds: -86_400), now.advanced(byNanoseconds: -1), now, now.advanced(bySeconds: 86_400),
      Timestamp.latest.advanced(byNanoseconds: -1), .latest,
    ]
    self.names = names + [.none]
    random = SeededRandom(seed: seed)
  }

  private mutating func time() -> Timestamp { times.randomElement(using: &random) ?? .epoch }
  private mutating func maybe() -> Timestamp? { random.next() % 4 == 0 ? nil : time() }
  private mutating func name() -> FactName { names.randomElement(using: &random) ?? .none }
  private mutating func id() -> FactID { FactID(rawValue: UInt64.random(in: 0...301, using: &random)) }
  private mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type) -> Number {
    [0, 1, .max].randomElement(using: &random) ?? 0
  }
  private mutating func one<Value>(_ values: Value...) -> Value { values[Int(random.next() % UInt64(values.count))] }

  private mutating func milestones() -> ChangeMilestones {
    ChangeMilestones(
      firstCommit: maybe(), opened: maybe(), ready: maybe(), firstResponse: maybe(), lastApproval: maybe(), merged: maybe())
  }

  private mutating func labels() -> ChangeLabels {
    ChangeLabels(
      repository: name(), author: name(), workType: name(), traits: ChangeLabels.Traits(rawValue: UInt16(random.next() % 512)))
  }

  private mutating func target() -> DeployFactTarget {
    DeployFactTarget(
      service: name(), environment: name(), repository: name(),
      traits: DeployFactTarget.Traits(rawValue: UInt8(random.next() % 16)))
  }

  /// The facts of one subject. Their kind follows from its number.
  mutating func rows(_ number: Int, _ id: FactID) -> [EncodedFact] {
    switch number % 6 {
    case 0:
      return [
        EncodedFact(
          RunFact(
            id: id, attempt: self.number(UInt16.self), repository: name(), workflow: name(), job: name(), runner: name(),
            commit: commit(), created: time(), started: maybe(), ended: maybe(),
            outcome: one(.running, .success, .failure, .other),
            change: random.next() % 2 == 0 ? self.id() : nil))
      ]
    case 1:
      return [
        EncodedFact(
          ChangeFact(
            id: id, times: milestones(), labels: labels(), state: one(.open, .merged, .abandoned), abandoned: maybe(),
            reverts: random.next() % 2 == 0 ? self.id() : nil, reviewRounds: self.number(UInt16.self),
            reviewCount: self.number(UInt16.self), secondsWaitingForReviewer: one(0, 1, .greatestFiniteMagnitude),
            secondsWaitingForAuthor: one(0, 1, .greatestFiniteMagnitude), size: one(nil, 0, .max)))
      ]
    case 2, 3: return deployRows(id)
    case 4:
      return [
        EncodedFact(
          IncidentFact(
            id: id, service: name(), environment: name(), repository: name(), severity: name(), began: time(), detected: time(),
            resolved: maybe(), isResolutionUnknown: random.next() % 2 == 0, cause: random.next() % 2 == 0 ? self.id() : nil,
            causeAttempt: self.number(UInt16.self),
            basis: one(.unknown, .stated)))
      ]
    default:
      let stays = (0..<4).map { _ in IssueFact.StatusStay(status: name(), start: time(), end: maybe()) }
      return [
        EncodedFact(
          IssueFact(
            id: id, project: name(), type: name(), created: time(), firstChange: maybe(), firstAssignment: maybe(),
            closed: maybe(), traits: IssueFact.Traits(rawValue: UInt8(random.next() % 32)), statuses: stays))
      ]
    }
  }

  private mutating func deployRows(_ id: FactID) -> [EncodedFact] {
    let target = target()
    var rows: [EncodedFact] = []
    for attempt: UInt16 in [1, .max] {
      let (commit, started, ended) = (commit(), maybe(), maybe())
      rows.append(
        EncodedFact(
          DeployFact(
            id: id, attempt: attempt, target: target, commit: commit, created: time(), started: started, ended: ended,
            outcome: one(.running, .success, .failure, .cancelled), step: one(.unknown, .first, .forward, .redeploy, .rollback),
            basis: one(.none, .pushes, .mergeTimes), previous: random.next() % 2 == 0 ? self.id() : nil,
            previousAttempt: number(UInt16.self), changeCount: number(UInt32.self))))
      guard let ended else { continue }
      for _ in 0..<3 {
        rows.append(
          EncodedFact(
            DeliveredChange(
              deploy: id, attempt: attempt, target: target, commit: commit, deployStarted: started, deployEnded: ended,
              change: self.id(), times: milestones(), labels: labels(), reverts: random.next() % 2 == 0 ? self.id() : nil,
              isRepeated: random.next() % 2 == 0)))
      }
    }
    return rows
  }

  private mutating func commit() -> CommitPrefix { CommitPrefix(rawValue: random.next() % 4) }

  mutating func tally() -> RunTally {
    RunTally(
      day: FactDay(time()), repository: name(), workflow: name(), job: name(), runner: name(),
      traits: one([], .isUndecided, .hasFailed, .isRerun),
      queue: one(nil, DurationSketch.bucket(of: 0), DurationSketch.bucket(of: 7e9)),
      run: one(nil, DurationSketch.bucket(of: 1e-9), DurationSketch.bucket(of: 7e9)),
      runMilliseconds: one(0, 1, .max))
  }
}
