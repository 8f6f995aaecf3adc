extension [Subject.Fact] {
  /// The facts of one attempt in the order in which they override each other, the strongest last.
  ///
  /// The order is by lifecycle state, then time. Among simultaneous moves between phases, a move into a phase comes
  /// before the move that leaves it: To Do, Dev, Review.
  var inOrder: [Subject.Fact] {
    var facts = sorted { $0.yieldsWithinAttempt(to: $1) }
    var start = 0
    while start < facts.count {
      var end = start + 1
      while end < facts.count, facts[end].isSimultaneous(with: facts[start]) { end += 1 }
      if end - start > 1 {
        let left = Set(facts[start..<end].flatMap(\.phasesLeft))
        if !left.isEmpty {
          let group = facts[start..<end]
          let passed = group.filter { $0.entersPhase(among: left) }
          if !passed.isEmpty { facts[start..<end] = (passed + group.filter { !$0.entersPhase(among: left) })[...] }
        }
      }
      start = end
    }
    return facts
  }

  /// True if this end only stands in for an unknown one: facts show that the attempt is over, but not when it ended.
  ///
  /// A source states such an end as a time of receipt, so that any real end overrides it. The same event has a vendor
  /// time with an equal timestamp.
  func isStandIn(_ end: EventTime) -> Bool {
    if end.isVendor { return false }
    let real = EventTime.vendor(end.timestamp)
    return contains { fact in
      fact.event.marks.contains { $0.kind == .end && $0.time == end }
        && (fact.event.time == real || fact.event.marks.contains { $0.time == real })
    }
  }
}

extension Subject.Fact {
  /// Attributes that describe an outcome.
  private static let outcomeAttributes: Set<String> = [
    AttributeName.cicdPipelineResult, AttributeName.cicdPipelineTaskRunResult, "deployment.status", AttributeName.errorType,
  ]

  /// Returns the attributes, without those of an outcome that another fact overrode.
  ///
  /// - Parameter outcome: the outcome of the attempt. Nil while it has none.
  func attributes(whereOutcomeIs outcome: Outcome?) -> [Attribute] {
    guard let own = event.outcome, let outcome, own != outcome else { return event.attributes }
    return event.attributes.filter { $0.vocabulary != .semantic || !Self.outcomeAttributes.contains($0.name) }
  }

  fileprivate func isSimultaneous(with other: Subject.Fact) -> Bool {
    event.state == other.event.state && event.time == other.event.time
  }

  fileprivate struct PhaseBorder: Hashable {
    var track: String
    var name: String
    var time: Timestamp
  }

  /// The phases whose end the fact states without their start.
  fileprivate var phasesLeft: [PhaseBorder] {
    event.phases.compactMap { phase in
      guard phase.start == nil, let end = phase.end else { return nil }
      return PhaseBorder(track: phase.track, name: phase.name, time: end)
    }
  }

  fileprivate func entersPhase(among left: Set<PhaseBorder>) -> Bool {
    event.phases.contains { phase in
      guard let start = phase.start else { return false }
      return left.contains(PhaseBorder(track: phase.track, name: phase.name, time: start))
    }
  }
}
