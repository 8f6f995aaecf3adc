/// The phases of one track of a span, put together from what payloads say of them.
///
/// What is stated counts. Where a payload was missed and a border between two phases is not stated, it is taken to be the last
/// moment at which the earlier phase, or what is known of it, was going on; unless the later one cannot have begun by then.
struct PhaseTrack {
  /// Sorted by start.
  private(set) var phases: [Phase] = []
  private let name: String
  private let spanStart: Timestamp
  private let spanEnd: Timestamp?
  /// The last moment up to which the track is known.
  private var known: Timestamp

  /// - Parameters:
  ///   - start: of the span.
  ///   - end: of the span; nil while it runs.
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

  /// What of a phase lies within its span; nil for nothing. Facts of one run tell of others: a pipeline that is tried again still
  /// shows the jobs that ran hours before.
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

  /// What is known of a phase at one moment.
  private struct Observation {
    /// In the order in which observations of one moment are taken.
    enum Kind: Int { case end, start, seen }
    var kind: Kind
    var time: Timestamp
    var name: String
    /// Of a start: when the phase ended, where that was told with it.
    var end: Timestamp?
    var outcome: Outcome?
    var earliestStart: Timestamp?

    /// A phase that was passed through at one moment comes before the one that went on.
    var rankAtOneMoment: Int { kind == .start && end == time ? 0 : 1 }

    var endRank: (Int64, String) { (end?.nanoseconds ?? .min, outcome?.rawValue ?? "") }
  }

  private static func observations(in statements: [PhaseStatement]) -> [Observation] {
    struct Identity: Hashable {
      var name: String
      var start: Timestamp
    }
    var starts: [Identity: Observation] = [:]
    for statement in statements {
      guard let start = statement.start else { continue }
      let identity = Identity(name: statement.name, start: start)
      var told = Observation(
        kind: .start, time: start, name: statement.name, end: statement.end,
        outcome: statement.end == nil ? nil : statement.outcome, earliestStart: statement.earliestStart)
      if let known = starts[identity] {
        // What is stated without a condition counts without one.
        let condition = told.earliestStart.flatMap { told in known.earliestStart.map { max(told, $0) } }
        // Of two the one with an end counts, and the later end.
        if known.endRank > told.endRank { told = known }
        told.earliestStart = condition
      }
      starts[identity] = told
    }
    var observations: [Observation] = []
    for statement in statements where statement.start == nil {
      let kind = statement.end == nil ? Observation.Kind.seen : .end
      guard let time = statement.end ?? statement.seen else { continue }
      let identity = Identity(name: statement.name, start: time)
      if kind == .end, var start = starts[identity] {
        // Over the moment it began.
        if start.end == nil { (start.end, start.outcome) = (time, statement.outcome) }
        starts[identity] = start
        continue
      }
      observations.append(
        Observation(
          kind: kind, time: time, name: statement.name, outcome: statement.outcome, earliestStart: statement.earliestStart))
    }
    return (starts.values + observations).sorted {
      ($0.time, $0.kind.rawValue, $0.rankAtOneMoment, $0.name, $0.outcome?.rawValue ?? "", $0.earliestStart ?? .epoch)
        < ($1.time, $1.kind.rawValue, $1.rankAtOneMoment, $1.name, $1.outcome?.rawValue ?? "", $1.earliestStart ?? .epoch)
    }
  }

  // MARK: One after the other

  private mutating func takeStart(_ start: Observation) {
    // One that opens an attempt, and this attempt was under way.
    if let moment = start.earliestStart, let first = phases.first(where: { $0.start >= spanStart }), first.start < moment {
      return
    }
    if let last = phases.last, last.end == nil, last.start == start.time {
      // A phase that gave way at the moment it is said to have begun never was: a job that waits for approval is not queued.
      phases.removeLast()
    }
    endLast(at: start.time)
    // Clocks of vendors that tell both may differ.
    let end = start.end.map { max($0, start.time) }
    phases.append(Phase(track: name, name: start.name, start: start.time, end: end, outcome: start.outcome))
    known = max(known, end ?? start.time)
  }

  /// Of several that ended at one moment, the one that was known to go on did, and the others lasted no time.
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
      // What is stated of another phase counts.
      if last.start >= seen.time || last.end.map({ $0 > seen.time }) ?? false { return }
    }
    let start = closeLast(by: seen)
    phases.append(Phase(track: name, name: seen.name, start: start, end: nil, outcome: nil))
    known = max(known, seen.time)
  }

  /// False for one of the same name that was interrupted in between.
  private func isSame(_ phase: Phase, as later: Observation) -> Bool {
    phase.name == later.name && later.earliestStart.map { $0 <= phase.start } ?? true
  }

  /// Ends the phase that goes on, if one does.
  private mutating func endLast(at moment: Timestamp) {
    guard let last = phases.last, last.end == nil else { return }
    phases[phases.count - 1].end = max(moment, last.start)
  }

  /// Ends the phase that goes on because another one, whose start was not told, was found.
  ///
  /// - Returns: the border between both.
  private mutating func closeLast(by next: Observation) -> Timestamp {
    let border = min(max(known, next.earliestStart ?? spanStart), next.time)
    // What comes back was away before.
    endLast(at: phases.last?.name == next.name ? known : border)
    return border
  }
}
