/// Reads spans in their traces from a store, for APIs and exporters.
///
/// Which ties make a trace, the ``TraceStrategy`` says. A trace id follows from the root of the tree, until part of the tree was
/// exported: then the tree keeps the id that went out (``ExportRecord``), whatever root it grows. A tie between two traces is a
/// link: two exported trees that turn out to be one stay two.
///
/// Remembers what it looked up, so use one for one answer or batch and then a new one.
public struct TraceReader {
  let store: any SpanStore
  let strategy: TraceStrategy
  private var known: [SpanKey: Subject?] = [:]
  private var records: [SpanKey: ExportRecord?] = [:]
  private var places: [SpanKey: TraceRoot.Place] = [:]
  private var timelines: [DeployTimeline.Selection: DeployTimeline] = [:]
  /// What was asked of branches.
  let branchUpdates: BranchUpdates
  /// Traces of trees that nothing on the path to their root fixes, by root.
  private var treeTraces: [SpanKey: TraceID] = [:]

  /// In a tree of more things than this, what was exported of it is not looked for beyond them.
  private static let searchLimit = 1000

  /// More links than this are not shown of a span; ``TracedSpan/droppedLinkCount`` tells how many there are besides.
  public static let linkLimit = 128

  /// - Parameter strategy: the same for everybody who reads the store, or they disagree on traces.
  public init(store: any SpanStore, strategy: TraceStrategy) {
    self.store = store
    self.strategy = strategy
    branchUpdates = BranchUpdates(store)
  }

  /// The spans of a thing, in order of attempts.
  public mutating func spans(of subject: Subject) throws -> [TracedSpan] {
    known[subject.key] = subject
    return try traced(subject.spans(), of: subject)
  }

  /// The span of one attempt of the thing with a key; nil when it is not known.
  package mutating func span(of key: SpanKey, attempt: Int) throws -> TracedSpan? {
    guard let subject = try subject(for: key), let span = subject.span(ofAttempt: attempt) else { return nil }
    return try traced([span], of: subject).first
  }

  private mutating func traced(_ spans: [Span], of subject: Subject) throws -> [TracedSpan] {
    guard !spans.isEmpty else { return [] }
    let place = try place(of: subject)
    let traceID = try traceID(at: place)
    let record = try record(of: subject.key)
    let tie = try parentTie(at: place)
    let parent = try tie.flatMap { try parentAttempts(of: $0) }
    let classicID = subject.classicID
    return try spans.map { span in
      var span = span
      let conclusions = try conclusions(from: &span, under: tie)
      if place.isCut, place.rootIndex == 0 { span.attributes.insert(Attribute("valuestream.trace.cut", true)) }
      let parentAttempt = parent.flatMap { $0.attempt(for: span, of: tie) }
      var traced = TracedSpan(
        span: span, classicID: classicID, traceID: traceID, parentSpanID: nil,
        parent: parentAttempt == nil ? nil : tie, links: [])
      var ends = try linkEnds(of: span) + conclusions
      if let parent, let parentAttempt {
        if parent.traceID == traceID {
          traced.parentSpanID = SpanID(key: parent.key, attempt: parentAttempt)
        } else {
          ends.insert(LinkEnd(key: parent.key, attempt: parentAttempt, rule: tie?.rule.name ?? ""), at: 0)
        }
      }
      traced.links = try ends.prefix(Self.linkLimit).map { try link(to: $0) }
      traced.countDroppedLinks(ends.count - traced.links.count)
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

  /// The ids by which an attempt is found at present; nil when there is no such attempt (any more).
  package mutating func ids(ofAttempt number: Int, of key: SpanKey) throws -> (trace: TraceID, span: SpanID)? {
    guard let subject = try subject(for: key), subject.outlines().contains(where: { $0.number == number }) else { return nil }
    return (try traceID(at: try place(of: subject)), SpanID(key: key, attempt: number))
  }

  /// The things above one whose spans were read, from its parent to the root of its trace.
  package func ancestors(of key: SpanKey) -> ArraySlice<SpanKey> {
    places[key]?.tracePath.dropFirst() ?? []
  }

  // MARK: Traces

  mutating func place(of subject: Subject) throws -> TraceRoot.Place {
    if let known = places[subject.key] { return known }
    let place = try TraceRoot.place(of: subject, strategy: strategy) { try self.subject(for: $0) }
    places[subject.key] = place
    return place
  }

  mutating func traceID(at place: TraceRoot.Place) throws -> TraceID {
    try readRecords(of: place.tracePath)
    for key in place.tracePath {
      if let record = try record(of: key) { return record.traceID }
    }
    if let known = treeTraces[place.root] { return known }
    let exported = strategy.adoptsExportedTraces ? try exportedTrace(below: place.root) : nil
    let traceID = exported ?? TraceID(root: place.root)
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

  /// The things whose tie leads to one: the first of them by key, or of those in a trace.
  mutating func children(of key: SpanKey, in traceID: TraceID? = nil, limit: Int) throws -> [SpanKey] {
    guard limit > 0, let subject = try subject(for: key) else { return [] }
    let followers = Set(try store.followers(of: subject.aliases + [.key(key)]).values.joined()).sorted()
    var children: [SpanKey] = []
    for start in stride(from: 0, to: followers.count, by: Self.childrenAtOnce) where children.count < limit {
      let some = followers[start..<min(start + Self.childrenAtOnce, followers.count)]
      try readSubjects(some)
      children += try some.filter { child in
        guard try self.subject(for: child)?.parent?.parent == key else { return false }
        return try traceID == nil || self.traceID(of: child) == traceID
      }
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

    /// The attempt that was named, else the one that had begun when the child ran, or began where nobody says when it ran: a job
    /// that is made with its pipeline may wait until somebody starts it, hours after the pipeline was over.
    func attempt(for span: Span, of tie: ParentTie?) -> Int? {
      if let named = tie?.attempt, attempts.contains(where: { $0.number == named }) { return named }
      let ran = span.phases.first { $0.track == "run" && $0.name == "run" }?.start ?? span.start
      return (attempts.last { $0.start <= ran } ?? attempts.first)?.number
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

  /// What follows from the other things a store knows: the changes that a deploy brought, the deploy that an incident came after.
  private mutating func conclusions(from span: inout Span, under tie: ParentTie?) throws -> [LinkEnd] {
    switch span.operation {
    case .deploy: try changesBrought(by: &span)
    case .incident: try deployBefore(span, under: tie)
    default: []
    }
  }

  /// Where a link leads, and why.
  struct LinkEnd: Hashable {
    var key: SpanKey
    var attempt: Int
    var rule: String
    var attributes: [Attribute] = []
  }

  /// The ends of a span's links, in the order of their statements, each once: the one thing of each name; none while nobody, or
  /// more than one, has it.
  private mutating func linkEnds(of span: Span) throws -> [LinkEnd] {
    guard !span.links.isEmpty else { return [] }
    let publishers = try store.publishers(of: Set(span.links.map(\.reference)).sorted(), limit: 2)
    let targets = span.links.map { statement -> SpanKey? in
      guard let keys = publishers[statement.reference], keys.count == 1, keys[0] != span.key else { return nil }
      return keys[0]
    }
    try readSubjects(Set(targets.compactMap { $0 }))
    var ends: [LinkEnd] = []
    var seen: Set<LinkEnd> = []
    for (statement, key) in zip(span.links, targets) {
      guard let key, let attempts = try subject(for: key)?.outlines(),
        let attempt = attempts.last(where: { $0.start <= span.start }) ?? attempts.first
      else { continue }
      let end = LinkEnd(key: key, attempt: attempt.number, rule: statement.rule)
      if seen.insert(end).inserted { ends.append(end) }
    }
    return ends
  }

  private mutating func link(to end: LinkEnd) throws -> TracedLink {
    TracedLink(
      key: end.key, traceID: try traceID(of: end.key) ?? TraceID(root: end.key),
      spanID: SpanID(key: end.key, attempt: end.attempt), rule: end.rule, attributes: end.attributes)
  }

  // MARK: Look-ups

  /// How many things it remembers.
  package var lookUpCount: Int { known.count }

  /// Forgets what it looked up, once that is more than so many things. Days of deploys stay: they are small, and the next deploys lie
  /// in the same.
  package mutating func forget(beyond limit: Int) {
    guard known.count > limit else { return }
    (known, records, places, treeTraces) = ([:], [:], [:], [:])
    if timelines.values.reduce(0, { $0 + $1.count }) > Self.timelineLimit { timelines = [:] }
  }

  /// More entries of timelines are not kept.
  private static let timelineLimit = 100_000

  func timeline(of selection: DeployTimeline.Selection) -> DeployTimeline {
    timelines[selection] ?? DeployTimeline(selection)
  }

  /// For the time in which the timeline itself reads.
  mutating func takeTimeline(of selection: DeployTimeline.Selection) -> DeployTimeline {
    timelines.removeValue(forKey: selection) ?? DeployTimeline(selection)
  }

  mutating func keep(_ timeline: DeployTimeline, of selection: DeployTimeline.Selection) {
    timelines[selection] = timeline
  }

  /// Reads things, and remembers them as long as they are not many.
  mutating func visitSubjects(_ keys: Set<SpanKey>, _ visit: (Subject) -> Void) throws {
    let keys = keys.sorted()
    for start in stride(from: 0, to: keys.count, by: Self.visitedAtOnce) {
      let some = keys[start..<min(start + Self.visitedAtOnce, keys.count)]
      let found = try store.subjects(some.filter { known[$0] == nil })
      let remembers = known.count < Self.visitedLimit
      for key in some {
        if let subject = known[key] ?? found[key] { visit(subject) }
        if remembers, known[key] == nil { known[key] = .some(found[key]) }
      }
    }
  }

  private static let visitedAtOnce = 200
  private static let visitedLimit = 2000

  /// Reads things that will be asked for, what is above them, and what was exported of these: in a few questions to the store
  /// instead of several for each.
  package mutating func prepare(for keys: some Sequence<SpanKey>) throws {
    var level = Set(keys)
    // What is farther above is read when it is asked for.
    for _ in 0...TraceRoot.depthLimit where !level.isEmpty {
      try readSubjects(level)
      try readRecords(of: level)
      level = Set(level.compactMap { known[$0]??.parent?.parent }.filter { known[$0] == nil })
    }
  }

  package mutating func subject(for key: SpanKey) throws -> Subject? {
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

  private mutating func readRecords(of keys: some Sequence<SpanKey>) throws {
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
