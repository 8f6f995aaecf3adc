/// Reads spans in their traces from a store, for APIs and exporters.
///
/// A trace id follows from the root of the tree, until part of the tree was exported: then the tree keeps the id that went
/// out (``ExportRecord``), whatever root it grows. Two exported trees that turn out to be one stay two traces with a link.
///
/// Remembers what it looked up, so use one for one answer or batch and then a new one.
public struct TraceReader {
  let store: any SpanStore
  private var known: [SpanKey: Subject?] = [:]
  private var records: [SpanKey: ExportRecord?] = [:]
  private var places: [SpanKey: TraceRoot.Place] = [:]
  /// Traces of trees that nothing on the path to their root fixes, by root.
  private var treeTraces: [SpanKey: TraceID] = [:]

  /// In a tree of more things than this, what was exported of it is not looked for beyond them.
  private static let searchLimit = 1000

  public init(store: any SpanStore) {
    self.store = store
  }

  /// The spans of a thing, in order of attempts.
  public mutating func spans(of subject: Subject) throws -> [TracedSpan] {
    known[subject.key] = subject
    let spans = subject.spans()
    guard !spans.isEmpty else { return [] }
    let place = try place(of: subject)
    let traceID = try traceID(at: place)
    let record = try record(of: subject.key)
    let tie = try parentTie(at: place)
    let parent = try tie.flatMap { try parentAttempts(of: $0) }
    let classicID = subject.classicID
    return try spans.map { span in
      let parentAttempt = parent.flatMap { $0.attempt(for: span, of: tie) }
      var traced = TracedSpan(
        span: span, classicID: classicID, traceID: traceID, parentSpanID: nil,
        parent: parentAttempt == nil ? nil : tie, links: try span.links.compactMap { try link($0, from: span) })
      if let parent, let parentAttempt {
        let parentSpanID = SpanID(key: parent.key, attempt: parentAttempt)
        if parent.traceID == traceID {
          traced.parentSpanID = parentSpanID
        } else {
          let rule = tie?.rule.name ?? ""
          traced.links.append(TracedLink(key: parent.key, traceID: parent.traceID, spanID: parentSpanID, rule: rule))
        }
      }
      if let exported = record?.attempt(span.attempt) { traced.parentSpanID = exported.parentSpanID }
      return traced
    }
  }

  /// The spans of the thing with a key; empty when it is not known.
  public mutating func spans(of key: SpanKey) throws -> [TracedSpan] {
    guard let subject = try subject(for: key) else { return [] }
    return try spans(of: subject)
  }

  /// The trace that a thing belongs to; nil when it is not known.
  package mutating func traceID(of key: SpanKey) throws -> TraceID? {
    guard let subject = try subject(for: key) else { return nil }
    return try traceID(at: try place(of: subject))
  }

  /// The things above one whose spans were read, from its parent to the root of its trace.
  package func ancestors(of key: SpanKey) -> ArraySlice<SpanKey> {
    places[key]?.path.dropFirst() ?? []
  }

  // MARK: Traces

  mutating func place(of subject: Subject) throws -> TraceRoot.Place {
    if let known = places[subject.key] { return known }
    let place = try TraceRoot.place(of: subject) { try self.subject(for: $0) }
    places[subject.key] = place
    return place
  }

  mutating func traceID(at place: TraceRoot.Place) throws -> TraceID {
    try readRecords(of: place.path)
    for key in place.path {
      if let record = try record(of: key) { return record.traceID }
    }
    if let known = treeTraces[place.root] { return known }
    let traceID = try exportedTrace(below: place.root) ?? TraceID(root: place.root)
    treeTraces[place.root] = traceID
    return traceID
  }

  /// The trace under which anything below a root was exported; of several the nearest to the root, then by key.
  private mutating func exportedTrace(below root: SpanKey) throws -> TraceID? {
    var seen: Set<SpanKey> = [root]
    var level = [root]
    while !level.isEmpty, seen.count < Self.searchLimit {
      var next: [SpanKey] = []
      for key in level { next += try children(of: key, limit: Self.searchLimit - next.count) }
      level = next.filter { seen.insert($0).inserted }.sorted()
      try readRecords(of: level)
      for key in level {
        if let record = try record(of: key) { return record.traceID }
      }
    }
    return nil
  }

  /// The things whose tie leads to one: the first of them by key.
  mutating func children(of key: SpanKey, limit: Int) throws -> [SpanKey] {
    guard limit > 0, let subject = try subject(for: key) else { return [] }
    let followers = Set(try store.followers(of: subject.aliases + [.key(key)]).values.joined()).sorted()
    var children: [SpanKey] = []
    for start in stride(from: 0, to: followers.count, by: Self.childrenAtOnce) where children.count < limit {
      let some = followers[start..<min(start + Self.childrenAtOnce, followers.count)]
      try readSubjects(some)
      children += try some.filter { try self.subject(for: $0)?.parent?.parent == key }
    }
    return Array(children.prefix(limit))
  }

  /// Of a thing that very many follow, not all are read when a few are enough.
  private static let childrenAtOnce = 200

  // MARK: Parents

  private struct Parent {
    var key: SpanKey
    var traceID: TraceID
    var attempts: [AttemptOutline]

    /// The attempt that was named, else the one that had begun when the child began.
    func attempt(for span: Span, of tie: ParentTie?) -> Int? {
      if let named = tie?.attempt, attempts.contains(where: { $0.number == named }) { return named }
      return (attempts.last { $0.start <= span.start } ?? attempts.first)?.number
    }
  }

  /// The tie to the parent. Things without spans are passed over: what is below them hangs from the next above that has some.
  private mutating func parentTie(at place: TraceRoot.Place) throws -> ParentTie? {
    guard var tie = place.parent else { return nil }
    for key in place.path.dropFirst() {
      guard let subject = try subject(for: key) else { break }
      if subject.operation == nil { continue }
      if key != tie.parent { (tie.parent, tie.attempt) = (key, nil) }
      return tie
    }
    return place.parent
  }

  private mutating func parentAttempts(of tie: ParentTie) throws -> Parent? {
    guard let subject = try subject(for: tie.parent) else { return nil }
    return Parent(key: tie.parent, traceID: try traceID(at: try place(of: subject)), attempts: subject.outlines())
  }

  // MARK: Links

  /// A link to the one thing of that name; none while nobody, or more than one, has it.
  private mutating func link(_ statement: LinkStatement, from span: Span) throws -> TracedLink? {
    let publishers = try store.publishers(of: [statement.reference])[statement.reference] ?? []
    guard publishers.count == 1, let key = publishers.first, key != span.key, let target = try subject(for: key) else {
      return nil
    }
    let attempts = target.outlines()
    guard let attempt = attempts.last(where: { $0.start <= span.start }) ?? attempts.first else { return nil }
    return TracedLink(
      key: key, traceID: try traceID(at: try place(of: target)), spanID: SpanID(key: key, attempt: attempt.number),
      rule: statement.rule)
  }

  // MARK: Look-ups

  /// How many things it remembers.
  package var lookUpCount: Int { known.count }

  mutating func subject(for key: SpanKey) throws -> Subject? {
    if let known = known[key] { return known }
    try readSubjects([key])
    return known[key] ?? nil
  }

  mutating func readSubjects(_ keys: some Sequence<SpanKey>) throws {
    let missing = keys.filter { known[$0] == nil }
    guard !missing.isEmpty else { return }
    let found = try store.subjects(missing)
    for key in missing { known[key] = .some(found[key]) }
  }

  private mutating func record(of key: SpanKey) throws -> ExportRecord? {
    try readRecords(of: [key])
    return records[key] ?? nil
  }

  private mutating func readRecords(of keys: [SpanKey]) throws {
    let missing = keys.filter { records[$0] == nil }
    guard !missing.isEmpty else { return }
    let found = try store.exportRecords(of: missing)
    for key in missing { records[key] = .some(found[key]) }
  }
}

extension Subject {
  /// Its id in the Go ValueStream; nil where that had none. Events that know what the thing is know its id better.
  public var classicID: String? {
    func id(of event: Event) -> String? { event.publishes.first { $0.kind == .classicID }?.value }
    return register { $0.operation == nil ? nil : id(of: $0) } ?? register(id)
  }
}
