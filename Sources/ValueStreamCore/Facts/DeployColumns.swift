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
    let row = try FactColumns(bytes, count: Offset.end)
    let (created, started, ended): (Int64, Int64, Int64) = (
      row.load(Offset.created), row.load(Offset.started), row.load(Offset.ended)
    )
    guard let outcome = DeployOutcome(rawValue: row.load(Offset.outcome)),
      let step = DeployFactStep(rawValue: row.load(Offset.step)),
      let basis = ChangesFactBasis(rawValue: row.load(Offset.basis)), created >= 0, Timestamp.isTimeOrNone(created),
      Timestamp.isTimeOrNone(started), Timestamp.isTimeOrNone(ended)
    else { throw DamagedFact() }
    let previous = row.load(Offset.previous, UInt64.self)
    self.init(
      id: row.id(Offset.id), attempt: row.load(Offset.attempt),
      target: DeployFactTarget(
        service: row.name(Offset.service), environment: row.name(Offset.environment), repository: row.name(Offset.repository),
        traits: DeployFactTarget.Traits(rawValue: row.load(Offset.traits))),
      commit: CommitPrefix(rawValue: row.load(Offset.commit)), created: Timestamp(nanoseconds: created),
      started: started < 0 ? nil : Timestamp(nanoseconds: started), ended: ended < 0 ? nil : Timestamp(nanoseconds: ended),
      outcome: outcome, step: step, basis: basis, previous: previous == 0 ? nil : FactID(rawValue: previous),
      previousAttempt: row.load(Offset.previousAttempt), changeCount: row.load(Offset.changeCount))
  }
}
