package import ValueStreamCore

/// Projects events in batches and reexamines followers step by step, as the daemon does.
package enum PendingSteps {
  /// Projects events into a store until no follower is pending.
  ///
  /// - Parameters:
  ///   - batch: The most events in a batch; nil for a random number.
  ///   - followersPerStep: The most work that each step does to reexamine followers.
  ///   - pending: References whose followers are pending at the start.
  ///   - onStep: Called after each step is written, with the references that are still pending.
  package static func project(
    _ events: [Event], batch: Int? = nil, followersPerStep: Int, into store: any SpanStore, pending: PendingTies = PendingTies(),
    _ random: inout SeededRandom, onStep: (PendingTies) throws -> Void = { _ in }
  ) throws {
    var rest = events[...]
    var pending = pending
    while !rest.isEmpty || !pending.isEmpty {
      var correlation = Correlation(store: store, pending: pending)
      // Some steps in between have no events.
      let count = rest.isEmpty || random.oneIn(6) ? 0 : batch ?? [1, 2, 7, 50, 1000][Int.random(in: 0...4, using: &random)]
      for event in rest.prefix(count) { _ = try correlation.take(event) }
      rest = rest.dropFirst(count)
      try correlation.reexamineFollowers(atMost: followersPerStep)
      var changes = correlation.finish()
      changes.values[PendingTies.valueName] = correlation.pending.encoded
      try store.write(changes)
      // Each step starts from the stored state of the previous step.
      pending = PendingTies(encoded: try store.values()[PendingTies.valueName] ?? [])
      try onStep(pending)
    }
  }

  /// Returns all spans in a store, sorted by subject key and attempt.
  package static func spans(in store: any SpanStore, _ strategy: TraceStrategy = .nested) throws -> [TracedSpan] {
    var reader = TraceReader(store: store, strategy: strategy)
    return try store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects
      .flatMap { try reader.spans(of: $0) }.sorted { ($0.span.key, $0.span.attempt) < ($1.span.key, $1.span.attempt) }
  }

  /// Returns the parent of each subject that has one, by the key of the subject.
  package static func ties(in store: any SpanStore) throws -> [SubjectKey: ParentTie] {
    var result: [SubjectKey: ParentTie] = [:]
    for subject in try store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects {
      result[subject.key] = subject.parent
    }
    return result
  }

  /// Describes the differences between the parents in two stores, one line per subject, for the message of a failed test.
  package static func difference(_ one: [SubjectKey: ParentTie], _ other: [SubjectKey: ParentTie]) -> [String] {
    Set(one.keys).union(other.keys).sorted().filter { one[$0] != other[$0] }.map { key in
      let ties = [one[key], other[key]].map { $0.map { "\($0.parent) by \($0.rule) \($0.reference)" } ?? "none" }
      return "\(key): \(ties[0]), \(ties[1])"
    }
  }

  /// Computes the parent of each subject anew from the whole store, and ignores the stored parents.
  package static func tiesWorkedOut(in store: any SpanStore) throws -> [SubjectKey: ParentTie] {
    var result: [SubjectKey: ParentTie] = [:]
    for subject in try store.subjects(matching: SubjectFilter(), after: nil, limit: .max).subjects {
      var knowledge = Knowledge()
      asking: while true {
        switch Correlator().tie(of: subject.key, knowing: knowledge) {
        case .tie(let tie):
          result[subject.key] = tie
          break asking
        case .need(let queries):
          for query in queries {
            switch query {
            case .subject(let key): knowledge.subjects[key] = .some(try store.subjects([key])[key])
            case .publishers(let reference):
              knowledge.publishers[reference] = try store.publishers(of: [reference])[reference] ?? []
            case .isFollowed(let reference): knowledge.followed[reference] = !(try store.followers(of: [reference])).isEmpty
            }
          }
        }
      }
    }
    return result
  }
}
