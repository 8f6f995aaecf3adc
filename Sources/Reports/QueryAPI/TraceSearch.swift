import ValueStreamCore

/// Finds the traces that contain a matching subject, beginning with the trace whose matching subject was updated
/// last.
struct TraceSearch {
  let queries: SpanQueries
  /// The conditions for a subject to match.
  var filter = SubjectFilter()
  /// Tells cheaply of most subjects that do not meet ``condition``. Nil if nothing is known.
  var mayMatch: (@Sendable (Subject) -> Bool)?
  /// A further condition on the subject's spans that the store cannot evaluate.
  var condition: (@Sendable ([TracedSpan]) -> Bool)?
  /// True to find only traces without running spans.
  var isFinished = false
  /// The keys to search among; nil for all subjects.
  var keys: [SubjectKey]?
  /// The maximum number of subjects to read of one trace.
  var membersLimit = SpanQueries.spanLimit

  struct Page {
    var traces: [TraceMembers] = []
    /// The cursor of the next page; nil after the last page.
    var next: UInt64?
    /// The number of damaged subjects left out of the search.
    var damagedCount = 0
  }

  /// Limits on the subjects examined and on the trace members read for one page. A page that reaches one is shorter
  /// than requested.
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
      page.damagedCount += step.damagedCount
      for (index, subject) in step.subjects.enumerated() {
        looked += 1
        if try matches(subject, &reader), let traceID = try reader.traceID(of: subject.key), seen.insert(traceID).inserted,
          let members = try reader.members(ofTraceOf: subject, limit: membersLimit)
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
      // Bounds the memory of the reader's cache.
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
    if let mayMatch, !mayMatch(subject) { return false }
    guard let condition else { return true }
    return try condition(reader.spans(of: subject))
  }

  /// True if the trace belongs on the page at this subject: only its newest matching subject lists a trace, so that
  /// pages do not repeat it.
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
