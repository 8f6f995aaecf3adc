extension Subject {
  /// Computes the spans from the facts, in order of attempts. Empty if no event states an operation.
  ///
  /// The result depends only on the set of facts, not on their order of arrival.
  public func spans() -> [Span] {
    spans(of: attempts())
  }

  /// Computes the spans with a part of what events state, which costs a fraction of ``spans()``.
  package func spans(with parts: SpanParts) -> [Span] {
    spans(of: attempts(), with: parts)
  }

  /// Returns the span of one attempt. Nil if there is no attempt with this number.
  func span(ofAttempt number: Int) -> Span? {
    spans(of: attempts().filter { $0.number == number }).first
  }

  /// - Parameter parts: what to include; nil for all.
  private func spans(of attempts: [Attempt], with parts: SpanParts? = nil) -> [Span] {
    guard let operation else { return [] }
    let shared = Shared(operation: operation, name: name, source: key.source, project: project, owner: owner)
    return attempts.map { span(of: $0, shared: shared, with: parts) }
  }

  /// Computes start, end and outcome of each attempt at a fraction of the cost of ``spans()``.
  package func outlines() -> [AttemptOutline] {
    operation == nil ? [] : attempts().map(outline(of:))
  }

  /// Computes the spans without attributes and links, at a fraction of the cost of ``spans()``.
  package func lives() -> [AttemptLife] {
    guard operation != nil else { return [] }
    return attempts().map { attempt in
      let outline = outline(of: attempt)
      return AttemptLife(
        outline: outline, phases: phases(of: attempt, end: outline.end), events: spanEvents(of: attempt.facts))
    }
  }

  private struct Shared {
    var operation: Operation
    var name: String
    var source: String
    var project: String?
    var owner: String?
  }

  /// One run, with its facts not yet merged into a span.
  struct Attempt {
    var number: Int
    var start: Timestamp
    var isStartUnknown: Bool
    /// The stated ends. The greatest wins: a vendor's time before a time of receipt, then the later one.
    var ends: [EventTime] = []
    /// The start of the next attempt, if attempts are counted by their starts. Nil for the last one.
    var supersededAt: Timestamp?
    var facts: [Fact] = []
    /// The outcome stated by a dropped fact.
    var droppedOutcome: DroppedFacts.Statement<Outcome>?
  }

  // MARK: Attempts

  /// The attempts that have at least one kept fact.
  func attempts() -> [Attempt] {
    dropped == nil ? allAttempts() : allAttempts().filter { !$0.facts.isEmpty }
  }

  func allAttempts() -> [Attempt] {
    let isNumbered = facts.contains { $0.event.attempt.number != nil } || dropped.map { !$0.numbered.isEmpty } ?? false
    if isNumbered { return numberedAttempts() }
    if dropped?.isCounted ?? false || facts.contains(where: { $0.event.attempt == .counted }) { return countedAttempts() }
    return [attempt(number: 1, facts: facts, dropped: dropped?.whole)]
  }

  /// Assigns facts without a number to the attempt that was running at their time.
  private func numberedAttempts() -> [Attempt] {
    if let only = facts.first?.event.attempt.number, facts.allSatisfy({ $0.event.attempt.number == only }),
      dropped.map({ $0.numbered.keys.allSatisfy { $0 == only } }) ?? true
    {
      return [attempt(number: only, facts: facts, dropped: dropped?.numbered[only])]
    }
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
    var ends: [EventTime] = []
    var (vendorStart, receiptStart): (Timestamp?, Timestamp?)
    func take(_ mark: LifeMark) {
      let time = mark.time.timestamp
      if mark.kind == .end {
        ends.append(mark.time)
      } else if mark.time.isVendor {
        vendorStart = vendorStart.map { min($0, time) } ?? time
      } else {
        receiptStart = receiptStart.map { min($0, time) } ?? time
      }
    }
    for fact in facts { for mark in fact.event.marks { take(mark) } }
    for mark in dropped?.marks ?? [] { take(mark) }
    // The earliest time of receipt counts if the vendor states no start.
    let start = vendorStart ?? receiptStart
    return Attempt(
      number: number, start: start ?? ends.max()?.timestamp ?? facts.lazy.map(\.event.time.timestamp).min() ?? .epoch,
      isStartUnknown: start == nil, ends: ends, facts: facts, droppedOutcome: dropped?.outcome)
  }

  /// A time at which an attempt may start or end.
  private struct Boundary: Comparable {
    /// The kinds, in the order in which simultaneous boundaries are applied.
    enum Kind: Int { case begin, seenRunning, end, restart }
    var time: EventTime
    var kind: Kind

    static func < (left: Boundary, right: Boundary) -> Bool {
      if left.time.timestamp != right.time.timestamp { return left.time.timestamp < right.time.timestamp }
      if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
      return left.time < right.time
    }
  }

  /// Numbers attempts by their starts. A start after an end opens a new attempt; a restart always does.
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
          // The attempt was seen running at exactly this time.
          result[result.count - 1].isStartUnknown = false
        }
      case .end:
        if result.isEmpty { open(at: boundary) }
        result[result.count - 1].ends.append(boundary.time)
        isOpen = false
      }
    }
    guard !result.isEmpty else { return [attempt(number: 1, facts: facts, dropped: dropped?.whole)] }
    if result.count == 1, dropped == nil {
      result[0].facts = facts
      return result
    }
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
    var hasVendorBegin = dropped?.hasVendorBegin ?? false
    var ends: [Timestamp] = []
    visitMarks { mark in
      guard mark.time.isVendor else { return }
      switch mark.kind {
      case .begin: hasVendorBegin = true
      case .end: ends.append(mark.time.timestamp)
      case .restart: break
      }
    }
    if ends.count > 1 { ends.sort() }
    var boundaries: [Boundary] = []
    boundaries.reserveCapacity(3 * facts.count)
    visitMarks { mark in
      switch mark.kind {
      // Ignore times of receipt if the vendor states start times.
      case .begin:
        if mark.time.isVendor || !hasVendorBegin {
          boundaries.append(Boundary(time: Self.begin(mark.time, notJustAfter: ends), kind: .begin))
        }
      case .end: boundaries.append(Boundary(time: mark.time, kind: .end))
      case .restart: boundaries.append(Boundary(time: mark.time, kind: .restart))
      }
    }
    for fact in facts where fact.event.time.isVendor {
      if let state = fact.event.state, state != .ended {
        boundaries.append(Boundary(time: Self.begin(fact.event.time, notJustAfter: ends), kind: .seenRunning))
      }
    }
    for time in dropped?.seen ?? [] {
      boundaries.append(Boundary(time: Self.begin(.vendor(time), notJustAfter: ends), kind: .seenRunning))
    }
    if let horizon = dropped?.horizon { boundaries.removeAll { $0.time.timestamp < horizon } }
    boundaries.sort()
    // The same boundary may be stated several times, but rarely is.
    guard zip(boundaries, boundaries.dropFirst()).contains(where: ==) else { return boundaries }
    var last: Boundary?
    return boundaries.filter { boundary in
      defer { last = boundary }
      return boundary != last
    }
  }

  private func visitMarks(_ visit: (LifeMark) -> Void) {
    for fact in facts { for mark in fact.event.marks { visit(mark) } }
    if let dropped { for mark in dropped.marks.keys { visit(mark) } }
  }

  /// Moves a start back to an end shortly before it, so that clock differences within one run do not create another attempt.
  ///
  /// A time of receipt is delayed by transport, so an end up to 2 s before it counts. An end in whole seconds is up to
  /// 1 s early, so for a vendor's start the end at the same full second counts.
  ///
  /// - Parameter ends: sorted.
  private static func begin(_ begin: EventTime, notJustAfter ends: [Timestamp]) -> EventTime {
    let time = begin.timestamp
    // The last end before the start. For a vendor's start, only an end at the same full second can match.
    let bound = begin.isVendor ? Timestamp(seconds: time.seconds).advanced(byNanoseconds: 1) : time
    guard bound <= time, let end = ends.last(before: bound), end < time else { return begin }
    let isJustBefore = begin.isVendor ? end == Timestamp(seconds: time.seconds) : time.seconds(since: end) < 2
    return isJustBefore ? EventTime(end, isVendor: begin.isVendor) : begin
  }

  // MARK: One attempt's span

  private func span(of attempt: Attempt, shared: Shared, with parts: SpanParts?) -> Span {
    let outline = outline(of: attempt)
    let ordered = attempt.facts.inOrder
    let state = outline.end != nil ? .ended : ordered.last { $0.event.state != nil }?.event.state ?? .running
    var registers = AttributeRegisters(names: parts?.attributes)
    for fact in ordered { registers.take(fact.attributes(whereOutcomeIs: outline.outcome)) }
    var attributes = registers.attributes
    if let outcome = outline.outcome {
      let pipeline = attributes.value(of: AttributeName.cicdPipelineName)
      for attribute in SemanticConventions.attributes(of: shared.operation, pipelineName: pipeline, outcome: outcome) {
        // Attributes that the source states win.
        attributes.insert(attribute, replacing: false)
      }
    }
    if attempt.isStartUnknown { attributes.insert(Attribute(AttributeName.valuestreamStartUnknown, true)) }
    if outline.isEndUnknown { attributes.insert(Attribute(AttributeName.valuestreamEndUnknown, true)) }
    if droppedFactCount > 0 { attributes.insert(Attribute(AttributeName.valuestreamFactsDropped, .int(Int64(droppedFactCount)))) }
    return Span(
      key: key, attempt: attempt.number, name: shared.name, operation: shared.operation, source: shared.source,
      project: shared.project, owner: shared.owner, start: outline.start, isStartUnknown: attempt.isStartUnknown,
      end: outline.end, isEndUnknown: outline.isEndUnknown, state: state, outcome: outline.outcome,
      attributes: attributes, phases: phases(of: attempt, end: outline.end) { parts == nil || $0 == parts?.track },
      events: parts == nil ? spanEvents(of: ordered) : [], links: parts == nil ? links(of: ordered) : [])
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

  /// True for a deploy that never ran according to its facts, and that was cancelled or last waited for approval.
  ///
  /// Vendors report a rejected deploy as failed.
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

  /// Returns the value of one semantic attribute for the attempts with these numbers. Attempts without it are absent.
  package func attribute(_ name: String, ofAttempts numbers: [Int]) -> [Int: AttributeValue] {
    var result: [Int: AttributeValue] = [:]
    guard facts.contains(where: { $0.event.attributes.value(of: name) != nil }) else { return result }
    for span in spans(with: SpanParts(attributes: [name])) where numbers.contains(span.attempt) {
      result[span.attempt] = span.attributes.value(of: name)
    }
    return result
  }

  /// Returns how many seconds the attempts with these numbers spent in each phase, by name of the phase.
  ///
  /// The attempts must have ended. Costs a fraction of ``spans()``. Omits steps, which are parts of a run, and phases
  /// that last until an unknown end.
  package func phaseSeconds(ofAttempts numbers: [Int]) -> [Int: [String: Double]] {
    var result: [Int: [String: Double]] = [:]
    guard facts.contains(where: { $0.event.phases.contains { $0.track != "step" } }) else { return result }
    for attempt in attempts() where numbers.contains(attempt.number) {
      let outline = outline(of: attempt)
      for phase in phases(of: attempt, end: outline.end, on: { $0 != "step" }) {
        guard let end = phase.end, !outline.isEndUnknown || end != outline.end else { continue }
        result[attempt.number, default: [:]][phase.name, default: 0] += end.seconds(since: phase.start)
      }
    }
    return result
  }

  /// Returns when an attempt started to run, after all waiting. Its start if no fact states that.
  func runStart(of outline: AttemptOutline) -> Timestamp {
    func isRun(_ phase: Phase) -> Bool { phase.track == "run" && phase.name == "run" }
    guard facts.contains(where: { $0.event.phases.contains { $0.track == "run" && $0.name == "run" } }),
      let attempt = attempts().first(where: { $0.number == outline.number })
    else { return outline.start }
    return phases(of: attempt, end: outline.end, on: { $0 == "run" }).first(where: isRun)?.start ?? outline.start
  }

  private func spanEvents(of facts: [Fact]) -> [SpanEvent] {
    guard facts.contains(where: { !$0.event.spanEvents.isEmpty }) else { return [] }
    return Set(facts.flatMap(\.event.spanEvents)).sorted {
      ($0.time, $0.name, $0.contentHash) < ($1.time, $1.name, $1.contentHash)
    }
  }

  private func links(of facts: [Fact]) -> [LinkStatement] {
    guard facts.contains(where: { !$0.event.links.isEmpty }) else { return [] }
    return Set(facts.flatMap(\.event.links)).sorted { ($0.reference, $0.rule) < ($1.reference, $1.rule) }
  }

  // MARK: Phases

  /// - Parameter isWanted: false for tracks to leave out.
  private func phases(of attempt: Attempt, end: Timestamp?, on isWanted: (String) -> Bool = { _ in true }) -> [Phase] {
    guard attempt.facts.contains(where: { $0.event.phases.contains { isWanted($0.track) } }) else { return [] }
    let hasFailed = attempt.facts.contains { $0.event.phases.contains { $0.outcome?.isError == true } }
    let hasRun = !hasFailed || !neverRan(attempt)
    let statements = attempt.facts.flatMap { fact in
      fact.event.phases.filter { isWanted($0.track) && (hasRun || $0.track != "run" || $0.name != "run") }
    }.distinct
    let tracks = statements.map(\.track).distinct
    var phases: [Phase] = []
    for track in tracks {
      let own = tracks.count == 1 ? statements : statements.filter { $0.track == track }
      phases += PhaseTrack(track, of: own, from: attempt.start, to: end).phases
    }
    // A phase without duration comes before the one that follows it.
    return phases.sorted { left, right in
      if left.start != right.start { return left.start < right.start }
      return (left.track, left.endRank, left.name) < (right.track, right.endRank, right.name)
    }
  }
}

extension [Subject.Attempt] {
  /// Returns the index of the last attempt that started at or before a time. The attempts are sorted by start.
  fileprivate func lastStarted(by instant: Timestamp) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].start <= instant { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? low - 1 : nil
  }
}

extension [Timestamp] {
  /// Returns the last element before a time. The elements are sorted.
  fileprivate func last(before instant: Timestamp) -> Timestamp? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < instant { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? self[low - 1] : nil
  }
}

extension Phase {
  fileprivate var endRank: Int64 { end?.nanoseconds ?? .max }
}

/// A part of spans, for readers that need no more. Events and links are not included.
package struct SpanParts: Sendable {
  /// The names of attributes to include, beside those that follow from times and outcome.
  var attributes: [String]
  /// The track of the phases to include; empty for none.
  var track: String

  package init(attributes: [String], track: String = "") {
    // The name of the pipeline decides what follows from an outcome.
    self.attributes = attributes + [AttributeName.cicdPipelineName]
    self.track = track
  }
}

/// What happened in an attempt, without its attributes.
package struct AttemptLife: Sendable {
  package var outline: AttemptOutline
  package var phases: [Phase]
  package var events: [SpanEvent]
}

/// Start, end and outcome of an attempt.
package struct AttemptOutline: Sendable, Hashable {
  package var number: Int
  package var start: Timestamp
  package var isStartUnknown: Bool
  /// Nil while the attempt runs.
  package var end: Timestamp?
  package var isEndUnknown: Bool
  package var outcome: Outcome?
}

extension AttemptRule {
  var number: Int? {
    if case .numbered(let number) = self { number } else { nil }
  }
}
