extension DeployFact {
  /// The places of the members in the encoded row. See ``write(to:)``.
  private enum Offset {
    static let (id, attempt, service, environment, repository, traits) = (0, 8, 10, 14, 18, 22)
    static let (commit, created, started, ended) = (23, 31, 39, 47)
    static let (outcome, step, basis, previous, previousAttempt, changeCount) = (55, 56, 57, 58, 66, 68)
    static let end = 72
  }

  /// Decodes a stored deploy. Reports read a hundred thousand of them.
  ///
  /// - Throws: ``DamagedFact`` if there are too few bytes, or a value is out of range.
  package init(_ bytes: UnsafeRawBufferPointer) throws(DamagedFact) {
    guard bytes.count >= Offset.end else { throw DamagedFact() }
    func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Value.Type = Value.self) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
    func name(_ offset: Int) -> FactName { FactName(rawValue: load(offset)) }
    let (created, started, ended): (Int64, Int64, Int64) = (load(Offset.created), load(Offset.started), load(Offset.ended))
    guard let outcome = DeployOutcome(rawValue: load(Offset.outcome)), let step = DeployFactStep(rawValue: load(Offset.step)),
      let basis = ChangesFactBasis(rawValue: load(Offset.basis)), created >= 0, Timestamp.isTimeOrNone(created),
      Timestamp.isTimeOrNone(started), Timestamp.isTimeOrNone(ended)
    else { throw DamagedFact() }
    let previous = load(Offset.previous, UInt64.self)
    self.init(
      id: FactID(rawValue: load(Offset.id)), attempt: load(Offset.attempt),
      target: DeployFactTarget(
        service: name(Offset.service), environment: name(Offset.environment), repository: name(Offset.repository),
        traits: DeployFactTarget.Traits(rawValue: load(Offset.traits))),
      commit: CommitPrefix(rawValue: load(Offset.commit)), created: Timestamp(nanoseconds: created),
      started: started < 0 ? nil : Timestamp(nanoseconds: started), ended: ended < 0 ? nil : Timestamp(nanoseconds: ended),
      outcome: outcome, step: step, basis: basis, previous: previous == 0 ? nil : FactID(rawValue: previous),
      previousAttempt: load(Offset.previousAttempt), changeCount: load(Offset.changeCount))
  }
}
