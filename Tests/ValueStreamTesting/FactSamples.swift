package import ValueStreamCore

/// Facts for tests of stores. Days count from 2026-03-01.
package enum FactSamples {
  package static func day(_ number: Int) -> FactDay {
    FactDay(rawValue: FactDay(StoreSamples.morning).rawValue + Int32(clamping: number))
  }

  package static func time(_ day: Int) -> Timestamp { StoreSamples.time(Int64(day) * 86_400) }

  package static func change(_ id: UInt64, mergedOn day: Int?) -> ChangeFact {
    ChangeFact(
      id: FactID(rawValue: id),
      times: ChangeMilestones(firstCommit: time(0), opened: time(0), merged: day.map { time($0) }),
      labels: ChangeLabels(repository: FactName(rawValue: 3), author: FactName(rawValue: UInt32(truncatingIfNeeded: id))),
      state: day == nil ? .open : .merged, reverts: FactID(rawValue: id / 2 + 1), reviewRounds: 2, secondsWaitingForAuthor: 1.5,
      size: UInt32(truncatingIfNeeded: id))
  }

  package static func issue(_ id: UInt64, closedOn day: Int?) -> IssueFact {
    let stays = (0..<3).map {
      IssueFact.StatusStay(status: FactName(rawValue: UInt32($0)), start: time($0), end: $0 < 2 ? time($0 + 1) : nil)
    }
    return IssueFact(id: FactID(rawValue: id), created: time(0), closed: day.map { time($0) }, statuses: stays)
  }

  package static func run(_ id: FactID, attempt: UInt16, endedOn day: Int?, commit: UInt64) -> RunFact {
    RunFact(
      id: id, attempt: attempt, commit: CommitPrefix(rawValue: commit), created: time(0), ended: day.map { time($0) },
      outcome: day == nil ? .running : .failure)
  }

  /// A tally on one of 64 days, of few repositories, workflows, jobs and runners.
  package static func tally(using random: inout SeededRandom) -> RunTally {
    func name(_ first: UInt32, _ count: UInt64) -> FactName { FactName(rawValue: first + UInt32(random.next() % count)) }
    let isUndecided = random.next() % 8 == 0
    return RunTally(
      day: day(Int(random.next() % 64)), repository: name(1, 3), workflow: name(10, 2),
      job: random.next() % 3 == 0 ? .none : name(20, 4), runner: random.next() % 2 == 0 ? .none : name(30, 2),
      traits: isUndecided ? .isUndecided : random.next() % 4 == 0 ? [.hasFailed, .isRerun] : [],
      queue: isUndecided ? nil : DurationSketch.bucket(of: Double(random.next() % 100) / 7),
      run: isUndecided ? nil : DurationSketch.bucket(of: Double(random.next() % 10_000)),
      runMilliseconds: Int64(random.next() % 10_000_000))
  }

  package static func deploy(_ id: UInt64, endedOn day: Int) -> DeployFact {
    DeployFact(
      id: FactID(rawValue: id), target: DeployFactTarget(service: FactName(rawValue: 1)), created: time(0), started: time(0),
      ended: time(day), outcome: .success)
  }

  package static func update(_ branch: SubjectKey, _ second: Int) -> BranchUpdate {
    BranchUpdate(
      branch: branch, kind: .moved, time: EventTime(StoreSamples.time(Int64(second)), isVendor: true), before: nil,
      after: String(repeating: "ab", count: 19) + String(100_000 + second).suffix(2), commits: [], isForced: false,
      isDefaultBranch: true)
  }

  // MARK: Facts of a subject

  package static func subject(_ id: FactID) -> FactSubject {
    FactSubject(
      id: id, key: SubjectKey(source: "github", host: "github.com", container: "1", kind: "issue", id: String(id.rawValue)),
      name: "acme/site#\(id.rawValue)", traceID: TraceID(high: id.rawValue, low: 7))
  }

  package static func facts(_ rows: [some Fact], of id: FactID) -> SubjectFacts {
    SubjectFacts(subject: subject(id), rows: rows.map { EncodedFact($0) })
  }

  package static func facts(_ row: some Fact) -> SubjectFacts { facts([row], of: row.id) }

  package static func facts(_ deploy: DeployFact, bringing changes: [FactID]) -> SubjectFacts {
    var facts = facts(deploy)
    facts.rows += changes.map { change in
      EncodedFact(
        DeliveredChange(
          deploy: deploy.id, target: deploy.target, deployStarted: deploy.started, deployEnded: deploy.ended ?? deploy.created,
          change: change, times: ChangeMilestones(merged: deploy.created), labels: ChangeLabels()))
    }
    return facts
  }

  package static func changes(_ facts: [SubjectFacts]) -> FactChanges {
    var changes = FactChanges()
    changes.facts = facts
    return changes
  }
}
