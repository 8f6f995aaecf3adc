import ValueStreamCore

/// The rows of a waterfall: spans in the order of the trace, each with its phases.
struct WaterfallRows {
  struct Mark {
    enum Kind { case commit, changesRequested, good, bad, other }

    var time: Timestamp
    var kind: Kind
    var text: String
  }

  struct Row {
    enum Content {
      case span(TracedSpan)
      case phase(Phase)
    }

    var content: Content
    var depth: Int
    var from: Timestamp
    /// The end, or now while it goes on.
    var to: Timestamp
    var isOpen: Bool
    var pieces: [WorkPiece]
    var marks: [Mark] = []
    /// The index after the last row below this one.
    var end = 0
    /// True if its rows below are hidden at first.
    var isShut = false

    var traced: TracedSpan? {
      if case .span(let traced) = content { traced } else { nil }
    }
  }

  /// A stretch of the critical path on a row.
  struct PathStep {
    var row: Int
    var from: Timestamp
    var to: Timestamp
    /// True for a time after the end of the item that the next step belongs to: nothing went on.
    var isIdle = false
  }

  private(set) var rows: [Row] = []
  private(set) var path: [PathStep] = []
  let now: Timestamp
  /// The first start and the last end of all spans.
  private(set) var from = Timestamp.latest
  private(set) var to = Timestamp.epoch

  private static let phaseLimit = 30
  private static let markLimit = 60
  /// From this number of rows on, jobs are hidden at first.
  private static let manyRows = 60

  /// Creates the rows of a trace.
  ///
  /// - Parameter selected: The span that the reader looks at. It is never hidden.
  init(of trace: Trace, selected: SpanID?, now: Timestamp) {
    self.now = now
    var rowOfSpan: [SpanID: Int] = [:]
    var rowOfIndex: [Int] = []
    var spans: [CriticalPath.Item] = []
    var indexOfSpan: [SpanID: Int] = [:]
    for traced in trace.spans {
      let span = traced.span
      let parentRow = traced.parentSpanID.flatMap { rowOfSpan[$0] }
      let depth = parentRow.map { rows[$0].depth + 1 } ?? 0
      rowOfSpan[span.id] = rows.count
      rowOfIndex.append(rows.count)
      let parent = traced.parentSpanID.flatMap { indexOfSpan[$0] }
      let isBelowChange = parent.map { trace.spans[$0].span.operation == .pullRequest } ?? false
      spans.append(
        CriticalPath.Item(
          start: span.start, end: span.end ?? max(now, span.start), parent: parent,
          isCheck: isBelowChange && (span.operation == .build || span.operation == .job)))
      indexOfSpan[span.id] = spans.count - 1
      append(traced, depth)
    }
    for index in rows.indices {
      from = min(from, rows[index].from)
      to = max(to, rows[index].to)
    }
    if rows.isEmpty { (from, to) = (now, now) }
    closeSubtrees()
    findPath(spans, rowOfIndex)
    if rows.count >= Self.manyRows { shutJobs(except: selected.flatMap { rowOfSpan[$0] }) }
  }

  private mutating func append(_ traced: TracedSpan, _ depth: Int) {
    let span = traced.span
    rows.append(
      Row(
        content: .span(traced), depth: depth, from: span.start, to: span.end ?? max(now, span.start), isOpen: !span.isFinished,
        pieces: WorkRules.pieces(of: span, now: now), marks: Self.marks(of: span)))
    // Runs and steps are pieces of the bar or details; statuses and reviews are rows of their own.
    for phase in span.phases.filter({ $0.track != "run" && $0.track != "step" }).prefix(Self.phaseLimit) {
      let piece = WorkRules.piece(of: phase, now: now)
      rows.append(
        Row(content: .phase(phase), depth: depth + 1, from: piece.from, to: piece.to, isOpen: piece.isOpen, pieces: [piece]))
    }
  }

  private static func marks(of span: Span) -> [Mark] {
    var marks = span.events.prefix(markLimit).map { event -> Mark in
      let state = event.attributes.text(of: AttributeName.valuestreamReviewState)
      let kind: Mark.Kind =
        switch (event.name, state) {
        case ("review", "approved"?): .good
        case ("review", "changes_requested"?): .changesRequested
        case ("synchronize", _), ("commit", _): .commit
        default: .other
        }
      let words = state?.replacing("_", with: " ") ?? (kind == .commit ? "commits pushed" : event.name.replacing("_", with: " "))
      return Mark(time: event.time, kind: kind, text: words)
    }
    if let end = span.end, [.issue, .pullRequest, .incident].contains(span.operation) {
      switch span.outcome {
      case .merged?: marks.append(Mark(time: end, kind: .good, text: "merged"))
      case .completed?, .success?:
        marks.append(Mark(time: end, kind: .good, text: span.operation == .incident ? "resolved" : "done"))
      default: break
      }
    }
    return marks
  }

  private mutating func closeSubtrees() {
    var open: [Int] = []
    for index in rows.indices {
      while let last = open.last, rows[last].depth >= rows[index].depth { rows[open.removeLast()].end = index }
      open.append(index)
    }
    for index in open { rows[index].end = rows.count }
  }

  /// Finds the critical path, and puts the steps of a span on the rows of its phases where it has them.
  private mutating func findPath(_ spans: [CriticalPath.Item], _ rowOfIndex: [Int]) {
    for step in CriticalPath(of: spans).steps {
      let row = rowOfIndex[step.span]
      // After the end of an item, its row is no place for the path: it goes on where it was.
      let ownEnd = min(step.to, max(step.from, spans[step.span].end))
      defer {
        if ownEnd < step.to {
          path.append(PathStep(row: path.last?.row ?? row, from: ownEnd, to: step.to, isIdle: true))
        }
      }
      var time = step.from
      var index = row + 1
      while index < rows[row].end, case .phase = rows[index].content {
        defer { index += 1 }
        let (start, end) = (max(rows[index].from, time), min(rows[index].to, ownEnd))
        guard start < end else { continue }
        if time < start { path.append(PathStep(row: row, from: time, to: start)) }
        path.append(PathStep(row: index, from: start, to: end))
        time = end
      }
      if time < ownEnd { path.append(PathStep(row: row, from: time, to: ownEnd)) }
    }
  }

  /// Hides the jobs of builds that neither failed nor lie on the critical path.
  private mutating func shutJobs(except selected: Int?) {
    var important = Set(path.map(\.row))
    if let selected { important.insert(selected) }
    for index in rows.indices {
      guard rows[index].traced?.span.operation == .build, rows[index].end > index + 1 else { continue }
      let below = index + 1..<rows[index].end
      let keepsOpen = below.contains { row in
        important.contains(row)
          || rows[row].traced.map { $0.span.operation != .job || $0.span.outcome?.isError ?? false } ?? false
      }
      rows[index].isShut = !keepsOpen
    }
  }

  // MARK: Time

  /// All pieces of all rows.
  var pieces: some Sequence<WorkPiece> { rows.lazy.flatMap(\.pieces) }

  /// Returns a scale for a period, in which stretches without work and without any event are shortened.
  func scale(from: Timestamp, to: Timestamp) -> TimeScale {
    var busy: [(from: Timestamp, to: Timestamp)] = []
    for row in rows {
      busy.append((row.from, row.from))
      busy.append((row.to, row.to))
      for piece in row.pieces where piece.kind == .work && row.traced != nil { busy.append((piece.from, piece.to)) }
      for mark in row.marks { busy.append((mark.time, mark.time)) }
    }
    return TimeScale(from: from, to: to, busy: busy)
  }
}
