/// Reads spans with their traces from a store, for APIs and exporters.
///
/// The ``TraceStrategy`` determines which ties form a trace. The trace id derives from the root of the tree until a
/// part of the tree is exported. From then on, the tree keeps the exported id (``ExportRecord``), even if it gets
/// another root. A tie between two traces becomes a link: two exported trees that turn out to be one stay two traces.
///
/// Caches all reads, so use one reader for a single response or batch, then create a new one.
public struct TraceReader {
  let store: any SpanReading
  let strategy: TraceStrategy
  private var known: [SubjectKey: Subject?] = [:]
  private var records: [SubjectKey: ExportRecord?] = [:]
  private var places: [SubjectKey: TraceRoot.Place] = [:]
  private var timelines: [DeployTimeline.Selection: DeployTimeline] = [:]
  /// Cached branch updates.
  let branchUpdates: BranchUpdates
  /// Traces, by root, of trees without exported subjects on the path to the root.
  private var treeTraces: [SubjectKey: TraceID] = [:]
  /// Nil until it is read from the store.
  private var hasExportRecords: Bool?
  /// How often a look-up left out subjects, because too many have the same name. See ``publishers(of:atMost:)``.
  package internal(set) var cutLookUpCount = 0

  /// The maximum number of subjects of a tree to search for exported ones.
  private static let searchLimit = 1000

  /// The maximum number of links in a span. ``TracedSpan/droppedLinkCount`` counts the others.
  public static let linkLimit = 128

  /// - Parameter strategy: must be the same for all readers of a store, or they disagree on traces.
  public init(store: any SpanReading, strategy: TraceStrategy) {
    self.store = store
    self.strategy = strategy
    branchUpdates = BranchUpdates(store)
  }

  /// Returns the spans of a subject, in order of attempts.
  public mutating func spans(of subject: Subject) throws -> [TracedSpan] {
    known[subject.key] = subject
    return try traced(subject.spans(), of: subject)
  }

  /// Returns the span of one attempt of a subject. Nil if it is unknown.
  package mutating func span(of key: SubjectKey, attempt: Int) throws -> TracedSpan? {
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
      if place.isCut, place.rootIndex == 0 { span.attributes.insert(Attribute(AttributeName.valuestreamTraceCut, true)) }
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

  /// Returns the spans of the subject with this key. Empty if it is unknown.
  public mutating func spans(of key: SubjectKey) throws -> [TracedSpan] {
    guard let subject = try subject(for: key) else { return [] }
    return try spans(of: subject)
  }

  /// Returns the trace that a subject belongs to. Nil if the subject is unknown.
  package mutating func traceID(of key: SubjectKey) throws -> TraceID? {
    guard let subject = try subject(for: key) else { return nil }
    return try traceID(at: try place(of: subject))
  }

  /// Returns the current ids of an attempt. Nil if the attempt does not exist, or no longer exists.
  package mutating func ids(ofAttempt number: Int, of key: SubjectKey) throws -> (trace: TraceID, span: SpanID)? {
    guard let subject = try subject(for: key), subject.outlines().contains(where: { $0.number == number }) else { return nil }
    return (try traceID(at: try place(of: subject)), SpanID(key: key, attempt: number))
  }

  /// Returns the ancestors of a subject whose spans were read, from its parent to the root of its trace.
  package func ancestors(of key: SubjectKey) -> ArraySlice<SubjectKey> {
    places[key]?.tracePath.dropFirst() ?? []
  }

  // MARK: Traces

  mutating func place(of subject: Subject) throws -> TraceRoot.Place {
    // That of a subject without a parent is computed faster than it is found.
    guard subject.parent != nil else { return TraceRoot.place(of: subject, strategy: strategy) { _ in nil } }
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
    let exported = try strategy.adoptsExportedTraces && mayBeExported() ? try exportedTrace(below: place.root) : nil
    let traceID = exported ?? TraceID(root: place.root)
    treeTraces[place.root] = traceID
    return traceID
  }

  private mutating func mayBeExported() throws -> Bool {
    if let hasExportRecords { return hasExportRecords }
    let hasRecords = try store.hasExportRecords()
    hasExportRecords = hasRecords
    return hasRecords
  }

  /// Returns the trace in which a subject below a root was exported: the nearest to the root, then the first by key.
  private mutating func exportedTrace(below root: SubjectKey) throws -> TraceID? {
    var seen: Set<SubjectKey> = [root]
    var level = [root]
    var rest = Self.followerLimit
    while !level.isEmpty, seen.count < Self.searchLimit {
      var next: [SubjectKey] = []
      for key in level { next += try children(of: key, limit: Self.searchLimit - next.count, reading: &rest) }
      level = next.filter { seen.insert($0).inserted }.sorted()
      try readRecords(of: level)
      for key in level {
        if let record = try record(of: key) { return record.traceID }
      }
    }
    return nil
  }

  // MARK: Parents

  private struct Parent {
    var key: SubjectKey
    var traceID: TraceID
    var attempts: [AttemptOutline]

    /// Returns the number of the parent's attempt: the named one, or the last one that had started when the child began to run.
    ///
    /// The child's start counts only if nobody states when it began to run: a job is created with its pipeline, but may
    /// wait until somebody starts it, hours after the pipeline ended.
    func attempt(for span: Span, of tie: ParentTie?) -> Int? {
      if let named = tie?.attempt, attempts.contains(where: { $0.number == named }) { return named }
      let ran = span.phases.first { $0.track == "run" && $0.name == "run" }?.start ?? span.start
      return (attempts.last { $0.start <= ran } ?? attempts.first)?.number
    }
  }

  /// Returns the tie to the nearest ancestor that has spans.
  mutating func parentTie(at place: TraceRoot.Place) throws -> ParentTie? {
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

  /// Returns links that depend on other subjects: the changes in a deploy, and the deploy before an incident.
  private mutating func conclusions(from span: inout Span, under tie: ParentTie?) throws -> [LinkEnd] {
    switch span.operation {
    case .deploy: try changesBrought(by: &span)
    case .incident: try deployBefore(span, under: tie)
    default: []
    }
  }

  /// The target of a link and its reason.
  struct LinkEnd: Hashable {
    var key: SubjectKey
    var attempt: Int
    var rule: String
    var attributes: [Attribute] = []
  }

  /// Returns the targets of a span's links, in order of the statements, without duplicates.
  ///
  /// A reference counts only if exactly one other subject publishes it.
  private mutating func linkEnds(of span: Span) throws -> [LinkEnd] {
    guard !span.links.isEmpty else { return [] }
    let publishers = try store.publishers(of: Set(span.links.map(\.reference)).sorted(), limit: 2)
    let targets = span.links.map { statement -> SubjectKey? in
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
    let subject = try subject(for: end.key)
    return TracedLink(
      key: end.key, traceID: try traceID(of: end.key) ?? TraceID(root: end.key),
      spanID: SpanID(key: end.key, attempt: end.attempt), rule: end.rule, attributes: end.attributes, name: subject?.name,
      change: subject.flatMap { $0.operation == .pullRequest ? LinkedChange($0) : nil })
  }

  // MARK: Cache

  /// The number of cached subjects.
  package var lookUpCount: Int { known.count }

  /// Clears the cache if it holds more than this number of subjects.
  ///
  /// Timelines of deploys stay up to a limit of their own: they are small, and the next deploys need the same days.
  package mutating func forget(beyond limit: Int) {
    guard known.count > limit else { return }
    (known, records, places, treeTraces, hasExportRecords) = ([:], [:], [:], [:], nil)
    if timelines.values.reduce(0, { $0 + $1.count }) > Self.timelineLimit { timelines = [:] }
  }

  /// The maximum number of timeline entries that survive ``forget(beyond:)``.
  private static let timelineLimit = 100_000

  /// Removes a timeline from the cache, so that it can use this reader while it changes itself.
  mutating func takeTimeline(of selection: DeployTimeline.Selection) -> DeployTimeline {
    timelines.removeValue(forKey: selection) ?? DeployTimeline(selection)
  }

  mutating func keep(_ timeline: DeployTimeline, of selection: DeployTimeline.Selection) {
    timelines[selection] = timeline
  }

  /// Reads subjects, and caches them while the cache is small.
  mutating func visitSubjects(_ keys: Set<SubjectKey>, _ visit: (Subject) -> Void) throws {
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
  private static let visitedLimit = 4000

  /// Reads subjects, their ancestors and the export records of both into the cache.
  ///
  /// Needs few queries to the store instead of several for each subject.
  package mutating func prepare(for keys: some Sequence<SubjectKey>) throws {
    var level = Set(keys)
    // More distant ancestors are read when they are needed.
    for _ in 0...TraceRoot.depthLimit where !level.isEmpty {
      try readSubjects(level)
      try readRecords(of: level)
      level = Set(level.compactMap { known[$0]??.parent?.parent }.filter { known[$0] == nil })
    }
  }

  package mutating func subject(for key: SubjectKey) throws -> Subject? {
    if let known = known[key] { return known }
    try readSubjects([key])
    return known[key] ?? nil
  }

  mutating func readSubjects(_ keys: some Sequence<SubjectKey>) throws {
    let missing = keys.filter { known[$0] == nil }
    guard !missing.isEmpty else { return }
    let found = try store.subjects(missing)
    for key in missing { known[key] = .some(found[key]) }
  }

  private mutating func record(of key: SubjectKey) throws -> ExportRecord? {
    try readRecords(of: [key])
    return records[key] ?? nil
  }

  private mutating func readRecords(of keys: some Sequence<SubjectKey>) throws {
    let missing = keys.filter { records[$0] == nil }
    guard !missing.isEmpty else { return }
    let found = try mayBeExported() ? try store.exportRecords(of: missing) : [:]
    for key in missing { records[key] = .some(found[key]) }
  }
}

extension Subject {
  /// The id of the subject in the Go ValueStream. Nil if it had none. Events that state an operation are more reliable.
  public var classicID: String? {
    func id(of event: Event) -> String? { event.publishes.first { $0.kind == .classicID }?.value }
    return register { $0.operation == nil ? nil : id(of: $0) } ?? register(id)
  }
}
