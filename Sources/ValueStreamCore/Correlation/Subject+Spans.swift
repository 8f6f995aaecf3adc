extension Subject {
  /// The spans that follow from the facts, in order of attempts; none where no event classified the thing.
  ///
  /// Depends on the set of facts only, not on the order in which they came.
  public func spans() -> [Span] {
    spans(of: attempts())
  }

  /// The span of one attempt; nil where there is none of this number.
  func span(ofAttempt number: Int) -> Span? {
    spans(of: attempts().filter { $0.number == number }).first
  }

  private func spans(of attempts: [Attempt]) -> [Span] {
    guard let operation else { return [] }
    let shared = Shared(operation: operation, name: name, source: key.source, project: project, owner: owner)
    return attempts.map { span(of: $0, shared: shared) }
  }

  /// Beginning, end and outcome of each attempt: what ``spans()`` tells of them, at a fraction of its cost.
  package func outlines() -> [AttemptOutline] {
    operation == nil ? [] : attempts().map(outline(of:))
  }

  private struct Shared {
    var operation: Operation
    var name: String
    var source: String
    var project: String?
    var owner: String?
  }

  /// One run, before its registers are read.
  struct Attempt {
    var number: Int
    var start: Timestamp
    var isStartUnknown: Bool
    /// The ends that were told; a vendor's is believed before a time of receipt, a later before an earlier one.
    var ends: [EventTime] = []
    /// When the next attempt began, if there is one.
    var supersededAt: Timestamp?
    var facts: [Fact] = []
    /// The outcome that a dropped fact tells.
    var droppedOutcome: DroppedFacts.Statement<Outcome>?
  }

  // MARK: Attempts

  /// Those of which a fact is kept.
  func attempts() -> [Attempt] {
    dropped == nil ? allAttempts() : allAttempts().filter { !$0.facts.isEmpty }
  }

  func allAttempts() -> [Attempt] {
    let isNumbered = facts.contains { $0.event.attempt.number != nil } || dropped.map { !$0.numbered.isEmpty } ?? false
    if isNumbered { return numberedAttempts() }
    if dropped?.isCounted ?? false || facts.contains(where: { $0.event.attempt == .counted }) { return countedAttempts() }
    return [attempt(number: 1, facts: facts, dropped: dropped?.whole)]
  }

  /// Facts without a number belong to the attempt that was running at their time.
  private func numberedAttempts() -> [Attempt] {
    var byNumber: [Int: [Fact]] = [:]
    for fact in facts {
      if let number = fact.event.attempt.number { byNumber[number, default: []].append(fact) }
    }
    for number in (dropped?.numbered ?? [:]).keys where byNumber[number] == nil { byNumber[number] = [] }
    var attempts = byNumber.sorted { $0.key < $1.key }.map {
      attempt(number: $0.key, facts: $0.value, dropped: dropped?.numbered[$0.key])
    }
    for fact in facts where fact.event.attempt.number == nil {
      let index = attempts.lastIndex { $0.start <= fact.event.time.timestamp } ?? 0
      attempts[index].facts.append(fact)
    }
    return attempts
  }

  private func attempt(number: Int, facts: [Fact], dropped: DroppedFacts.Bounds?) -> Attempt {
    let marks = facts.flatMap(\.event.marks) + (dropped?.marks ?? [])
    let ends = marks.filter { $0.kind == .end }.map(\.time)
    let start = Self.earliest(marks.filter { $0.kind != .end })
    return Attempt(
      number: number, start: start ?? ends.max()?.timestamp ?? facts.map(\.event.time.timestamp).min() ?? .epoch,
      isStartUnknown: start == nil, ends: ends, facts: facts, droppedOutcome: dropped?.outcome)
  }

  /// The first of the vendor's times; the first time of receipt only where the vendor sends none.
  private static func earliest(_ marks: [LifeMark]) -> Timestamp? {
    let vendor = marks.filter(\.time.isVendor)
    return (vendor.isEmpty ? marks : vendor).map(\.time.timestamp).min()
  }

  /// A moment that may begin or end an attempt.
  private struct Boundary: Hashable {
    /// In the order in which moments of one time are taken.
    enum Kind: Int { case begin, seenRunning, end, restart }
    var time: EventTime
    var kind: Kind
  }

  /// Counted by beginnings: one that follows an end opens another attempt, a restart always does.
  private func countedAttempts() -> [Attempt] {
    var result: [Attempt] = []
    var isOpen = false
    func open(at boundary: Boundary) {
      let isUnknown = boundary.kind == .seenRunning || boundary.kind == .end
      let number = droppedAttemptCount + result.count + 1
      result.append(Attempt(number: number, start: boundary.time.timestamp, isStartUnknown: isUnknown))
      isOpen = true
    }
    for boundary in boundaries() {
      switch boundary.kind {
      case .begin: if !isOpen { open(at: boundary) }
      case .seenRunning: if !isOpen, !result.isEmpty || dropped?.horizon != nil { open(at: boundary) }
      case .restart:
        if result.last.map({ boundary.time.timestamp > $0.start }) ?? true {
          open(at: boundary)
        } else if let last = result.last, last.isStartUnknown, last.start == boundary.time.timestamp {
          // Seen running at the very moment.
          result[result.count - 1].isStartUnknown = false
        }
      case .end:
        if result.isEmpty { open(at: boundary) }
        result[result.count - 1].ends.append(boundary.time)
        isOpen = false
      }
    }
    guard !result.isEmpty else { return [attempt(number: 1, facts: facts, dropped: dropped?.whole)] }
    for index in result.indices.dropLast() { result[index].supersededAt = result[index + 1].start }
    var attemptOfEnd: [EventTime: Int] = [:]
    for (index, attempt) in result.enumerated() {
      for end in attempt.ends where attemptOfEnd[end] == nil { attemptOfEnd[end] = index }
    }
    for fact in facts {
      let end = fact.event.marks.first { $0.kind == .end }?.time
      let index = end.flatMap { attemptOfEnd[$0] } ?? result.lastStarted(by: fact.event.time.timestamp) ?? 0
      result[index].facts.append(fact)
    }
    for (mark, outcome) in dropped?.marks ?? [:] {
      guard let outcome, let index = attemptOfEnd[mark.time] else { continue }
      if let known = result[index].droppedOutcome, !known.yieldsWithinAttempt(to: outcome) { continue }
      result[index].droppedOutcome = outcome
    }
    return result
  }

  private func boundaries() -> [Boundary] {
    var marks = facts.flatMap(\.event.marks)
    if let dropped { marks += dropped.marks.keys }
    let hasVendorBegin = dropped?.hasVendorBegin ?? false || marks.contains { $0.kind == .begin && $0.time.isVendor }
    let ends = Set(marks.lazy.filter { $0.kind == .end && $0.time.isVendor }.map(\.time.timestamp)).sorted()
    var boundaries: Set<Boundary> = []
    for mark in marks {
      switch mark.kind {
      // A time of receipt never competes with a vendor's.
      case .begin:
        if mark.time.isVendor || !hasVendorBegin {
          boundaries.insert(Boundary(time: Self.begin(mark.time, notJustAfter: ends), kind: .begin))
        }
      case .end: boundaries.insert(Boundary(time: mark.time, kind: .end))
      case .restart: boundaries.insert(Boundary(time: mark.time, kind: .restart))
      }
    }
    for fact in facts where fact.event.time.isVendor {
      if let state = fact.event.state, state != .ended {
        boundaries.insert(Boundary(time: Self.begin(fact.event.time, notJustAfter: ends), kind: .seenRunning))
      }
    }
    for time in dropped?.seen ?? [] {
      boundaries.insert(Boundary(time: Self.begin(.vendor(time), notJustAfter: ends), kind: .seenRunning))
    }
    return boundaries.filter { boundary in dropped?.horizon.map { boundary.time.timestamp >= $0 } ?? true }.sorted {
      ($0.time.timestamp, $0.kind.rawValue, $0.time) < ($1.time.timestamp, $1.kind.rawValue, $1.time)
    }
  }

  /// A beginning that another clock puts just after the end of the same run is at that end, and begins no other run: a time of receipt
  /// is late by the way here, and an end in whole seconds is up to one early.
  ///
  /// - Parameter ends: sorted, each once.
  private static func begin(_ begin: EventTime, notJustAfter ends: [Timestamp]) -> EventTime {
    let time = begin.timestamp
    // The last end before it: for a vendor's time the one in whole seconds, which is less than a second before it.
    let bound = begin.isVendor ? Timestamp(seconds: time.seconds).advanced(byNanoseconds: 1) : time
    guard bound <= time, let end = ends.last(before: bound), end < time else { return begin }
    let isJustBefore = begin.isVendor ? end == Timestamp(seconds: time.seconds) : time.seconds(since: end) < 2
    return isJustBefore ? EventTime(end, isVendor: begin.isVendor) : begin
  }

  // MARK: One attempt's span

  private func span(of attempt: Attempt, shared: Shared) -> Span {
    let outline = outline(of: attempt)
    let ordered = attempt.facts.inOrder
    let state = outline.end != nil ? .ended : ordered.last { $0.event.state != nil }?.event.state ?? .running
    var registers = AttributeRegisters()
    for fact in ordered { registers.take(fact.attributes(whereOutcomeIs: outline.outcome)) }
    var attributes = registers.attributes
    if let outcome = outline.outcome {
      let pipeline = attributes.value(of: "cicd.pipeline.name")
      for attribute in SemanticConventions.attributes(of: shared.operation, pipelineName: pipeline, outcome: outcome) {
        // What the source has stated is nearer to the truth.
        attributes.insert(attribute, replacing: false)
      }
    }
    if attempt.isStartUnknown { attributes.insert(Attribute("valuestream.start.unknown", true)) }
    if outline.isEndUnknown { attributes.insert(Attribute("valuestream.end.unknown", true)) }
    if droppedFactCount > 0 { attributes.insert(Attribute("valuestream.facts.dropped", .int(Int64(droppedFactCount)))) }
    return Span(
      key: key, attempt: attempt.number, name: shared.name, operation: shared.operation, source: shared.source,
      project: shared.project, owner: shared.owner, start: outline.start, isStartUnknown: attempt.isStartUnknown,
      end: outline.end, isEndUnknown: outline.isEndUnknown, state: state, outcome: outline.outcome,
      attributes: attributes, phases: phases(of: attempt, end: outline.end), events: moments(of: ordered),
      links: links(of: ordered))
  }

  func outline(of attempt: Attempt) -> AttemptOutline {
    let knownEnd = attempt.ends.max()
    let end = (knownEnd?.timestamp ?? attempt.supersededAt).map { max($0, attempt.start) }
    var deciding: Fact?
    if end != nil {
      for fact in attempt.facts where fact.event.outcome != nil {
        if deciding.map({ $0.yieldsWithinAttempt(to: fact) }) ?? true { deciding = fact }
      }
    }
    var outcome = deciding?.event.outcome
    if end != nil, let told = attempt.droppedOutcome {
      let isGreatest = deciding.map { DroppedFacts.Statement($0, told.value).yieldsWithinAttempt(to: told) } ?? true
      if isGreatest { outcome = told.value }
    }
    if outcome?.isError == true, neverRan(attempt) { outcome = .cancellation }
    return AttemptOutline(
      number: attempt.number, start: attempt.start, isStartUnknown: attempt.isStartUnknown, end: end,
      isEndUnknown: end != nil && (knownEnd.map { attempt.facts.isStandIn($0) } ?? true), outcome: outcome)
  }

  /// True for a deploy that nothing says ran, and that waited for an approval last, or was cancelled: vendors let fail what is rejected.
  private func neverRan(_ attempt: Attempt) -> Bool {
    var wasCancelled = false
    var last: (start: Timestamp, name: String)?
    for fact in attempt.facts {
      wasCancelled = wasCancelled || fact.event.outcome == .cancellation
      for phase in fact.event.phases where phase.track == "run" {
        guard let start = phase.start else { continue }
        if phase.name == "run" { return false }
        if last.map({ $0 < (start, phase.name) }) ?? true { last = (start, phase.name) }
      }
    }
    return (wasCancelled || last?.name == "wait") && operation == .deploy
  }

  /// One attribute of the semantic vocabulary of the attempts with these numbers, where they have it.
  package func attribute(_ name: String, ofAttempts numbers: [Int]) -> [Int: AttributeValue] {
    var result: [Int: AttributeValue] = [:]
    guard facts.contains(where: { $0.event.attributes.contains { $0.name == name } }) else { return result }
    for span in spans() where numbers.contains(span.attempt) { result[span.attempt] = span.attributes.value(of: name) }
    return result
  }

  /// How long attempts with these numbers, which have ended, were in each phase, by name: what ``spans()`` tells of it, at a fraction of
  /// its cost. Steps, which are parts of a run and not where it stood, are left out; so is a phase that goes on to an end that nobody
  /// knows.
  package func phaseSeconds(ofAttempts numbers: [Int]) -> [Int: [String: Double]] {
    var result: [Int: [String: Double]] = [:]
    guard facts.contains(where: { $0.event.phases.contains { $0.track != "step" } }) else { return result }
    for attempt in attempts() where numbers.contains(attempt.number) {
      let outline = outline(of: attempt)
      for phase in phases(of: attempt, end: outline.end) where phase.track != "step" {
        guard let end = phase.end, !outline.isEndUnknown || end != outline.end else { continue }
        result[attempt.number, default: [:]][phase.name, default: 0] += end.seconds(since: phase.start)
      }
    }
    return result
  }

  /// When an attempt began to run, after what it waited for: its start where nobody tells.
  func runStart(of outline: AttemptOutline) -> Timestamp {
    func isRun(_ phase: Phase) -> Bool { phase.track == "run" && phase.name == "run" }
    guard facts.contains(where: { $0.event.phases.contains { $0.track == "run" && $0.name == "run" } }),
      let attempt = attempts().first(where: { $0.number == outline.number })
    else { return outline.start }
    return phases(of: attempt, end: outline.end).first(where: isRun)?.start ?? outline.start
  }

  private func moments(of facts: [Fact]) -> [SpanEvent] {
    Set(facts.flatMap(\.event.moments)).sorted {
      ($0.time, $0.name, $0.contentHash) < ($1.time, $1.name, $1.contentHash)
    }
  }

  private func links(of facts: [Fact]) -> [LinkStatement] {
    Set(facts.flatMap(\.event.links)).sorted { ($0.reference, $0.rule) < ($1.reference, $1.rule) }
  }

  // MARK: Phases

  private func phases(of attempt: Attempt, end: Timestamp?) -> [Phase] {
    var statements = Set(attempt.facts.flatMap(\.event.phases))
    if statements.isEmpty { return [] }
    if statements.contains(where: { $0.outcome?.isError == true }), neverRan(attempt) {
      statements = statements.filter { $0.track != "run" || $0.name != "run" }
    }
    return Dictionary(grouping: statements, by: \.track)
      .flatMap { track, statements in PhaseTrack(track, of: statements, from: attempt.start, to: end).phases }
      // One that was over at once comes before the one that followed it.
      .sorted { ($0.start, $0.track, $0.endRank, $0.name) < ($1.start, $1.track, $1.endRank, $1.name) }
  }
}

extension [Subject.Attempt] {
  /// The place of the last that had begun at a moment, of attempts that are sorted by their starts.
  fileprivate func lastStarted(by moment: Timestamp) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].start <= moment { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }
}

extension [Timestamp] {
  /// The last of them before a moment; they are sorted.
  fileprivate func last(before moment: Timestamp) -> Timestamp? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < moment { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? self[low - 1] : nil
  }
}

extension Phase {
  fileprivate var endRank: Int64 { end?.nanoseconds ?? .max }
}

/// When an attempt began and ended, and how.
package struct AttemptOutline: Sendable, Hashable {
  package var number: Int
  package var start: Timestamp
  package var isStartUnknown: Bool
  /// Nil while it runs.
  package var end: Timestamp?
  package var isEndUnknown: Bool
  package var outcome: Outcome?
}

extension AttemptRule {
  var number: Int? {
    if case .numbered(let number) = self { number } else { nil }
  }
}
