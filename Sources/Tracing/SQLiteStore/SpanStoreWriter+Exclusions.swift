import ValueStreamCore

/// Writes what persons left out of all numbers.
extension SpanStoreWriter {
  /// Applies decisions in their order. Call it after the subjects of the same step are written.
  func write(_ decisions: [ExclusionDecision]) throws {
    for decision in decisions {
      let change = decision.change
      let item = change.item
      switch change.action {
      case .include: try deleteExclusion(of: item)
      case .exclude:
        guard exclusions.entries.count < Exclusion.limit || exclusions.entries[item] != nil else { continue }
        let exclusion = Exclusion(item: item, reason: change.reason, actor: change.actor, time: decision.time)
        try set(.init(exclusion, fact: item.directChange == nil ? fact(about: item.key) : nil))
      }
    }
  }

  /// Notes the id of the facts about a subject if that is left out and was unknown so far.
  func noteExcluded(_ subject: FactSubject) throws {
    guard exclusions.unknown.contains(subject.key), !subject.id.isDirect,
      var entry = exclusions.entries[ExcludedItem(subject.key)]
    else { return }
    entry.fact = subject.id
    try set(entry)
  }

  /// Takes over the exclusion of a subject that turned out to be another one.
  func moveExclusion(from fallback: SubjectKey, to key: SubjectKey) throws {
    guard let entry = exclusions.entries[ExcludedItem(fallback)] else { return }
    try deleteExclusion(of: ExcludedItem(fallback))
    guard exclusions.entries[ExcludedItem(key)] == nil else { return }
    var moved = entry.exclusion
    moved.item = ExcludedItem(key)
    try set(.init(moved, fact: fact(about: key)))
  }

  /// Returns the id of the facts about a subject. Those of a subject without spans are searched for, which reads all of them.
  private func fact(about key: SubjectKey) throws -> FactID? {
    if let known = try sequence(of: key)?.sequence { return FactID(rawValue: UInt64(bitPattern: known)) }
    let statement = try reader.facts(.subjectNamed)
    guard try reader.bind(StoredName(key), to: statement) else { return nil }
    defer { statement.reset() }
    return try statement.step() ? FactID(rawValue: UInt64(bitPattern: statement.int(0))) : nil
  }

  private func set(_ entry: ExclusionTable.Entry) throws {
    let statement = try reader.facts(.setExclusion)
    statement.bind(1, entry.exclusion.item.description)
    statement.bind(2, entry.fact.map { Int64(bitPattern: $0.rawValue) })
    statement.bind(3, entry.exclusion.reason)
    statement.bind(4, entry.exclusion.actor)
    statement.bind(5, entry.exclusion.time.nanoseconds)
    try statement.run()
    exclusions.set(entry)
  }

  private func deleteExclusion(of item: ExcludedItem) throws {
    let statement = try reader.facts(.deleteExclusion)
    statement.bind(1, item.description)
    try statement.run()
    exclusions.remove(item)
  }
}
