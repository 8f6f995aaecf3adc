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
    guard bytes.count >= Offset.end else { throw DamagedFact() }
    func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Value.Type = Value.self) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
    id = FactID(rawValue: load(Offset.id))
    attempt = load(Offset.attempt)
    repository = FactName(rawValue: load(Offset.repository))
    workflow = FactName(rawValue: load(Offset.workflow))
    job = FactName(rawValue: load(Offset.job))
    commit = CommitPrefix(rawValue: load(Offset.commit))
    created = load(Offset.created)
    started = load(Offset.started)
    ended = load(Offset.ended)
    change = load(Offset.change)
    guard let outcome = RunOutcome(rawValue: load(Offset.outcome)), created >= 0, Timestamp.isTimeOrNone(created),
      Timestamp.isTimeOrNone(started), Timestamp.isTimeOrNone(ended)
    else { throw DamagedFact() }
    self.outcome = outcome
  }
}
