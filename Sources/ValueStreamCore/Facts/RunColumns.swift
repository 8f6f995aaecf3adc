/// The members of a stored ``RunFact`` from which reports are computed.
package struct RunColumns {
  package let id: FactID
  package let attempt: UInt16
  package let repository: FactName
  package let workflow: FactName
  package let job: FactName
  package let commit: CommitPrefix
  package let created: Int64
  /// In nanoseconds; -1 if unknown.
  package let started: Int64
  package let ended: Int64
  package let outcome: RunOutcome
  /// 0 if the run belongs to no change.
  package let change: UInt64

  /// The places of the members in the encoded row. See ``RunFact/write(to:)``.
  private enum Offset {
    static let (id, attempt, repository, workflow, job) = (0, 8, 10, 14, 18)
    static let (commit, created, started, ended) = (26, 34, 42, 50)
    static let (outcome, change) = (58, 59)
    static let end = 67
  }

  /// - Parameter bytes: an encoded ``RunFact``.
  /// - Throws: ``DamagedFact`` if there are too few, or a value is out of range.
  package init(_ bytes: UnsafeRawBufferPointer) throws(DamagedFact) {
    let row = try FactColumns(bytes, count: Offset.end)
    id = row.id(Offset.id)
    attempt = row.load(Offset.attempt)
    repository = row.name(Offset.repository)
    workflow = row.name(Offset.workflow)
    job = row.name(Offset.job)
    commit = CommitPrefix(rawValue: row.load(Offset.commit))
    created = row.load(Offset.created)
    started = row.load(Offset.started)
    ended = row.load(Offset.ended)
    change = row.load(Offset.change)
    guard let outcome = RunOutcome(rawValue: row.load(Offset.outcome)), created >= 0, Timestamp.isTimeOrNone(created),
      Timestamp.isTimeOrNone(started), Timestamp.isTimeOrNone(ended)
    else { throw DamagedFact() }
    self.outcome = outcome
  }
}
