/// The subjects of a trace, without their spans.
package struct TraceMembers: Sendable {
  package var traceID: TraceID
  /// Parents before children. Includes subjects without spans, which tie others together.
  package var subjects: [Subject]
  /// True if the trace has more subjects than the limit.
  package var isTruncated: Bool
}

/// A trace with all currently known spans.
package struct Trace: Sendable, Hashable {
  package var id: TraceID
  /// Parents before children, siblings by start.
  package var spans: [TracedSpan]
  /// True if the trace has more spans than the limit. Those nearest to the root are included.
  package var isTruncated: Bool
}

extension TraceReader {
  /// Returns a trace by its id, or by the id that it had before its root was known.
  ///
  /// - Parameter limit: the maximum number of subjects and of spans to read.
  /// - Returns: the trace. Nil if no span belongs to it.
  package mutating func trace(_ traceID: TraceID, limit: Int) throws -> Trace? {
    try members(ofTrace: traceID, limit: limit).flatMap { try trace($0, limit: limit) }
  }

  /// Returns the trace with the spans of these members. Nil if none of them has spans.
  package mutating func trace(_ members: TraceMembers, limit: Int) throws -> Trace? {
    var spans: [TracedSpan] = []
    for subject in members.subjects where spans.count <= limit { spans += try self.spans(of: subject) }
    guard !spans.isEmpty else { return nil }
    let isTruncated = members.isTruncated || spans.count > limit
    return Trace(id: members.traceID, spans: Self.ordered(Array(spans.prefix(limit))), isTruncated: isTruncated)
  }

  /// Returns the subjects of a trace. Beyond the limit, those farthest from the root are left out.
  package mutating func members(ofTrace traceID: TraceID, limit: Int) throws -> TraceMembers? {
    let named = try store.keys(ofTrace: traceID, limit: limit + 1)
    try readSubjects(named)
    let seeds = try named.filter { try self.traceID(of: $0) == traceID }
    guard let stray = named.first, seeds.isEmpty else { return try members(ofTrace: traceID, around: seeds, limit: limit) }
    // The subject was the root of its own trace and is now part of another.
    guard let current = try self.traceID(of: stray) else { return nil }
    let others = try store.keys(ofTrace: current, limit: limit + 1)
    return try members(ofTrace: current, around: others.filter { try self.traceID(of: $0) == current }, limit: limit)
  }

  /// Returns the subjects of the trace that a known subject belongs to. Beyond the limit, those farthest from the root are left out.
  package mutating func members(ofTraceOf subject: Subject, limit: Int) throws -> TraceMembers? {
    let place = try place(of: subject)
    let traceID = try traceID(at: place)
    // The root need not be searched for, unless the trace has its id from an export.
    guard traceID == TraceID(root: place.root) else { return try members(ofTrace: traceID, limit: limit) }
    let named = Set(try store.keys(exportedIn: traceID, limit: limit + 1)).union([place.root]).sorted()
    try readSubjects(named)
    return try members(ofTrace: traceID, around: named.filter { try self.traceID(of: $0) == traceID }, limit: limit)
  }

  private mutating func members(ofTrace traceID: TraceID, around seeds: [SubjectKey], limit: Int) throws -> TraceMembers? {
    guard !seeds.isEmpty else { return nil }
    var level = try tops(above: seeds, in: traceID)
    let others = try seeds.map { (try depth(of: $0), $0) }.sorted(by: <).map(\.1)
    var seen = Set(level)
    var members = TraceMembers(traceID: traceID, subjects: [], isTruncated: false)
    var rest = limit + Self.followerLimit
    while !level.isEmpty {
      var next: [SubjectKey] = []
      for key in level {
        guard members.subjects.count < limit else {
          members.isTruncated = true
          return members
        }
        guard let subject = try subject(for: key) else { continue }
        members.subjects.append(subject)
        // Read one more than fits, to detect that some are left out.
        let room = limit - members.subjects.count - next.count + 1
        guard strategy.goesBelow(subject.operation) else { continue }
        next += try children(of: key, in: traceID, limit: room, reading: &rest).filter { seen.insert($0).inserted }
      }
      // Continue with exported subjects that the strategy does not reach from the root.
      level = next.isEmpty ? others.filter { seen.insert($0).inserted } : next
    }
    members.isTruncated = rest <= 0
    return members
  }

  /// The number of subjects above this one.
  private mutating func depth(of key: SubjectKey) throws -> Int {
    try subject(for: key).map { try place(of: $0).path.count } ?? 0
  }

  /// Returns the uppermost subjects of a trace above these: its root, or several if trees were joined or split.
  private mutating func tops(above seeds: [SubjectKey], in traceID: TraceID) throws -> [SubjectKey] {
    var tops: Set<SubjectKey> = []
    for seed in seeds {
      guard let subject = try subject(for: seed) else { continue }
      var top = seed
      for key in try place(of: subject).path.dropFirst() {
        guard try self.traceID(of: key) == traceID else { break }
        top = key
      }
      tops.insert(top)
    }
    let starts = try Dictionary(uniqueKeysWithValues: tops.map { ($0, try subject(for: $0)?.outlines().first?.start ?? .epoch) })
    return tops.sorted { (starts[$0] ?? .epoch, $0) < (starts[$1] ?? .epoch, $1) }
  }

  /// Sorts spans so that each follows its parent, and the spans of a subtree stay together.
  private static func ordered(_ spans: [TracedSpan]) -> [TracedSpan] {
    let sorted = spans.sorted {
      ($0.span.start, $0.span.key, $0.span.attempt) < ($1.span.start, $1.span.key, $1.span.attempt)
    }
    // Ids are hashes of data that senders write, so duplicates are possible, if unlikely.
    let byID = Dictionary(sorted.map { ($0.span.id, $0) }) { first, _ in first }
    var children: [SpanID: [TracedSpan]] = [:]
    var roots: [TracedSpan] = []
    for span in sorted.reversed() {
      if let parent = span.parentSpanID, byID[parent] != nil {
        children[parent, default: []].append(span)
      } else {
        roots.append(span)
      }
    }
    var result: [TracedSpan] = []
    var placed: Set<Attempt> = []
    func place(_ first: [TracedSpan]) {
      var waiting = first
      while let span = waiting.popLast() {
        guard placed.insert(Attempt(span.span)).inserted else { continue }
        result.append(span)
        waiting += children[span.span.id] ?? []
      }
    }
    place(roots)
    // A span that was exported below another, which later moved below it, forms a cycle. Start anywhere in it.
    for span in sorted where !placed.contains(Attempt(span.span)) {
      var above: Set<SpanID> = []
      var top = span
      while above.insert(top.span.id).inserted, let parent = top.parentSpanID.flatMap({ byID[$0] }) { top = parent }
      place([span, top])
    }
    return result
  }

  private struct Attempt: Hashable {
    var key: SubjectKey
    var number: Int

    init(_ span: Span) {
      key = span.key
      number = span.attempt
    }
  }
}
