extension [Subject.Fact] {
  /// In the order in which facts of one attempt count, the last one most: by rank in the life cycle, then time. Of moves at one
  /// moment those count first that lead to where another one leaves from: To Do, Dev, Review.
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

  /// True when the end only stands in for one that nobody told: facts show that it is over, by the last time that they do tell.
  ///
  /// A source states such an end as a time of receipt, so that any real one counts before it, at a time that the same event has from
  /// the vendor.
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
  /// Attributes that say how something ended.
  private static let outcomeAttributes: Set<String> = [
    "cicd.pipeline.result", "cicd.pipeline.task.run.result", "deployment.status", "error.type",
  ]

  /// Its attributes, without those of an end that was overruled.
  ///
  /// - Parameter outcome: the one that counts; nil while none does.
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

  /// Phases that it says were left, and did not say the beginning of.
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
