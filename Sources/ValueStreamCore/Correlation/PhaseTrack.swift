/// Computes the phases of one track of a span from the statements in payloads.
///
/// Stated times always win. If a payload is missing and the border between two phases is not stated, the border is the
/// last time at which the earlier phase was seen, but not before the earliest possible start of the later one.
struct PhaseTrack {
  /// The phases, sorted by start.
  private(set) var phases: [Phase] = []
  private let name: String
  private let spanStart: Timestamp
  private let spanEnd: Timestamp?
  /// The latest time for which the state of the track is known.
  private var known: Timestamp

  /// - Parameters:
  ///   - start: the start of the span.
  ///   - end: the end of the span. Nil while it runs.
  init(_ name: String, of statements: [PhaseStatement], from start: Timestamp, to end: Timestamp?) {
    self.name = name
    spanStart = start
    spanEnd = end
    known = start
    var rest = Self.observations(in: statements)[...]
    while let next = rest.first {
      switch next.kind {
      case .end:
        let ends = rest.prefix { $0.kind == .end && $0.time == next.time }
        rest.removeFirst(ends.count)
        takeEnds(ends)
      case .start: takeStart(rest.removeFirst())
      case .seen: takeSeen(rest.removeFirst())
      }
    }
    if let end, let last = phases.indices.last, phases[last].end == nil { phases[last].end = max(end, phases[last].start) }
    phases = phases.compactMap { Self.part(of: $0, from: start, to: end) }
  }

  /// Returns the part of a phase that lies within the span. Nil if there is none.
  ///
  /// Facts of one run may describe others: a retried pipeline still lists the jobs that ran hours before.
  private static func part(of phase: Phase, from start: Timestamp, to end: Timestamp?) -> Phase? {
    var phase = phase
    if phase.start < start {
      if let phaseEnd = phase.end, phaseEnd <= start { return nil }
      phase.start = start
    }
    if let end {
      if phase.start > end { return nil }
      phase.end = phase.end.map { min($0, end) }
    }
    return phase
  }

  // MARK: Observations

  /// What is known of a phase at one time.
  fileprivate struct Observation {
    /// The kinds, in the order in which simultaneous observations are applied.
    enum Kind: Int { case end, start, seen }
    var kind: Kind
    var time: Timestamp
    var name: String
    /// The end of the phase, for a start that was stated together with its end.
    var end: Timestamp?
    var outcome: Outcome?
    var earliestStart: Timestamp?

    /// At equal times, a phase without duration comes before the phase that follows it.
    var rankAtOneInstant: Int { kind == .start && end == time ? 0 : 1 }

    var endRank: (Int64, String) { (end?.nanoseconds ?? .min, outcome?.rawValue ?? "") }

    func precedes(_ name: String, startedAt time: Timestamp) -> Bool {
      self.time != time ? self.time < time : self.name < name
    }
  }

  private static func observations(in statements: [PhaseStatement]) -> [Observation] {
    var starts = Self.starts(in: statements)
    var observations: [Observation] = []
    for statement in statements where statement.start == nil {
      let kind = statement.end == nil ? Observation.Kind.seen : .end
      guard let time = statement.end ?? statement.seen else { continue }
      if kind == .end, let place = starts.place(of: statement.name, startedAt: time) {
        // The phase started and ended at the same time.
        if starts[place].end == nil { (starts[place].end, starts[place].outcome) = (time, statement.outcome) }
        continue
      }
      observations.append(
        Observation(
          kind: kind, time: time, name: statement.name, outcome: statement.outcome, earliestStart: statement.earliestStart))
    }
    return (starts + observations).sorted { left, right in
      if left.time != right.time { return left.time < right.time }
      return (left.kind.rawValue, left.rankAtOneInstant, left.name, left.outcome?.rawValue ?? "", left.earliestStart ?? .epoch)
        < (right.kind.rawValue, right.rankAtOneInstant, right.name, right.outcome?.rawValue ?? "", right.earliestStart ?? .epoch)
    }
  }

  /// Returns one observation for each name and start, in their order.
  private static func starts(in statements: [PhaseStatement]) -> [Observation] {
    let told = statements.compactMap { statement -> Observation? in
      guard let start = statement.start else { return nil }
      return Observation(
        kind: .start, time: start, name: statement.name, end: statement.end,
        outcome: statement.end == nil ? nil : statement.outcome, earliestStart: statement.earliestStart)
    }.sorted { $0.precedes($1.name, startedAt: $1.time) }
    var starts: [Observation] = []
    starts.reserveCapacity(told.count)
    for next in told {
      guard let last = starts.last, last.time == next.time, last.name == next.name else {
        starts.append(next)
        continue
      }
      // Of two statements, the one with an end wins, then the later end.
      var merged = last.endRank > next.endRank ? last : next
      // If either statement has no condition, the result has none.
      merged.earliestStart = next.earliestStart.flatMap { told in last.earliestStart.map { max(told, $0) } }
      starts[starts.count - 1] = merged
    }
    return starts
  }

  // MARK: Applying observations

  private mutating func takeStart(_ start: Observation) {
    // The statement holds only if the phase opens an attempt, but this attempt already had a phase before that.
    if let instant = start.earliestStart, let first = phases.first(where: { $0.start >= spanStart }), first.start < instant {
      return
    }
    if let last = phases.last, last.end == nil, last.start == start.time {
      // Drop a phase without duration: a job that immediately waits for approval was never queued.
      phases.removeLast()
    }
    endLast(at: start.time)
    // Clamp the end, because the vendor may take both times from different clocks.
    let end = start.end.map { max($0, start.time) }
    phases.append(Phase(track: name, name: start.name, start: start.time, end: end, outcome: start.outcome))
    known = max(known, end ?? start.time)
  }

  /// Applies simultaneous ends. The phase that was known to run ends; the others get no duration.
  private mutating func takeEnds(_ ends: ArraySlice<Observation>) {
    let isKnown: (Observation) -> Bool = { [last = phases.last] in $0.name == last?.name }
    for end in ends.filter(isKnown) + ends.filter({ !isKnown($0) }) { takeEnd(end) }
  }

  private mutating func takeEnd(_ end: Observation) {
    if let last = phases.last, last.end == nil, isSame(last, as: end) {
      phases[phases.count - 1].end = end.time
      phases[phases.count - 1].outcome = end.outcome
    } else if end.time > max(spanStart, known), spanEnd.map({ end.time <= $0 }) ?? true {
      let start = closeLast(by: end)
      phases.append(Phase(track: name, name: end.name, start: start, end: end.time, outcome: end.outcome))
    }
    known = max(known, end.time)
  }

  private mutating func takeSeen(_ seen: Observation) {
    guard seen.time >= spanStart, spanEnd.map({ seen.time < $0 }) ?? true else { return }
    if let last = phases.last {
      if isSame(last, as: seen), last.end.map({ $0 >= seen.time }) ?? true {
        known = max(known, seen.time)
        return
      }
      // A stated time of another phase wins.
      if last.start >= seen.time || last.end.map({ $0 > seen.time }) ?? false { return }
    }
    let start = closeLast(by: seen)
    phases.append(Phase(track: name, name: seen.name, start: start, end: nil, outcome: nil))
    known = max(known, seen.time)
  }

  /// False for a later run of a phase with the same name, after an interruption.
  private func isSame(_ phase: Phase, as later: Observation) -> Bool {
    phase.name == later.name && later.earliestStart.map { $0 <= phase.start } ?? true
  }

  /// Ends the current phase, if there is one.
  private mutating func endLast(at instant: Timestamp) {
    guard let last = phases.last, last.end == nil else { return }
    phases[phases.count - 1].end = max(instant, last.start)
  }

  /// Ends the current phase because a phase with unknown start follows.
  ///
  /// - Returns: the border between the two phases.
  private mutating func closeLast(by next: Observation) -> Timestamp {
    let border = min(max(known, next.earliestStart ?? spanStart), next.time)
    // A phase that follows one of the same name was interrupted, so the earlier one ended when it was last seen.
    endLast(at: phases.last?.name == next.name ? known : border)
    return border
  }
}

extension [PhaseTrack.Observation] {
  /// Returns the place of the start of a phase. The observations are starts, sorted by time and name.
  fileprivate func place(of name: String, startedAt time: Timestamp) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].precedes(name, startedAt: time) { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low].time == time && self[low].name == name ? low : nil
  }
}
