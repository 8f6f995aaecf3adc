import ValueStreamCore

/// Finds traces with a thing that is looked for, the one whose such thing was seen last first.
struct TraceSearch {
  let queries: SpanQueries
  /// What the thing must be.
  var filter = SubjectFilter()
  /// What its spans must be besides, where a store does not know.
  var condition: (@Sendable ([TracedSpan]) -> Bool)?
  /// True for only those traces in which nothing runs.
  var isFinished = false
  /// Keys of the only things that are looked for.
  var keys: [SpanKey]?
  /// The most things to be read of a trace.
  var membersLimit = SpanQueries.spanLimit

  struct Page {
    var traces: [TraceMembers] = []
    /// Where the next page begins; nil after the last.
    var next: UInt64?
  }

  /// A page for which more than this many things would have to be looked at, or read, is shorter than asked for.
  private static let searchLimit = 2000
  private static let readLimit = 10_000
  private static let stepLimit = 50

  func page(after cursor: UInt64?, limit: Int) throws -> Page {
    var page = Page(next: cursor)
    var reader = queries.reader()
    var seen: Set<TraceID> = []
    var (looked, read) = (0, 0)
    while page.traces.count < limit, looked < Self.searchLimit, read < Self.readLimit {
      let step = try candidates(after: page.next, limit: min(Self.stepLimit, max(limit, 10)))
      for (index, subject) in step.subjects.enumerated() {
        looked += 1
        if try matches(subject, &reader), let traceID = try reader.traceID(of: subject.key), seen.insert(traceID).inserted,
          let members = try reader.members(ofTrace: traceID, limit: membersLimit)
        {
          read += members.subjects.count
          if try belongs(members, to: subject, isFirstPage: cursor == nil, &reader) { page.traces.append(members) }
        }
        guard page.traces.count == limit || read >= Self.readLimit else { continue }
        let isLast = index == step.subjects.count - 1 && step.next == nil
        page.next = isLast ? nil : try queries.store.places(of: [subject.key])[subject.key]
        return page
      }
      page.next = step.next
      if step.next == nil { break }
      // What was looked up is remembered only as long as it is not much.
      reader.forget(beyond: Self.readLimit)
    }
    return page
  }

  private func candidates(after cursor: UInt64?, limit: Int) throws -> SubjectPage {
    guard let keys else { return try queries.store.subjects(matching: filter, after: cursor, limit: limit) }
    let places = try queries.store.places(of: keys)
    let subjects = try queries.store.subjects(keys).values.filter { subject in
      places[subject.key] ?? 0 < cursor ?? .max && filter.matches(SubjectSummary(subject))
    }
    return SubjectPage(subjects: subjects.sorted { places[$0.key] ?? 0 > places[$1.key] ?? 0 }, next: nil)
  }

  private func matches(_ subject: Subject, _ reader: inout TraceReader) throws -> Bool {
    guard let condition else { return true }
    return try condition(reader.spans(of: subject))
  }

  /// A trace is on one page only: that of its newest thing that is looked for.
  private func belongs(
    _ members: TraceMembers, to subject: Subject, isFirstPage: Bool, _ reader: inout TraceReader
  ) throws -> Bool {
    if isFinished, members.subjects.contains(where: { $0.outlines().contains { $0.end == nil } }) { return false }
    if isFirstPage { return true }
    let rivals = try members.subjects.filter { rival in
      try filter.matches(SubjectSummary(rival)) && matches(rival, &reader)
    }
    let places = try queries.store.places(of: rivals.map(\.key))
    return places.values.max() == places[subject.key]
  }
}
