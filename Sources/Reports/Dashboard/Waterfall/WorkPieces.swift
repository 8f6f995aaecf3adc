import ValueStreamCore

/// A stretch of a row in which something was worked on, or waited.
struct WorkPiece: Hashable {
  enum Kind {
    /// A build, job or deploy ran.
    case work
    /// Somebody had the item in hand, with pauses: a draft, or a status that says so.
    case hand
    case wait
    /// A status that says neither.
    case plain
  }

  var from: Timestamp
  /// The end, or now while it goes on.
  var to: Timestamp
  var kind: Kind
  var isOpen = false
}

/// Tells work from waiting.
///
/// Builds, jobs and deploys work while they run and wait while they queue. A change is in hand while it is a draft, and
/// waits while it is in review. A status counts as in hand or as waiting if its name says so.
enum WorkRules {
  /// Returns the pieces of a span itself; none for items that only contain others, such as issues and changes.
  static func pieces(of span: Span, now: Timestamp) -> [WorkPiece] {
    switch span.operation {
    case .issue, .pullRequest, .sprint, .environment, .incident: return []
    default: break
    }
    let runs = span.phases.filter { $0.track == "run" }
    guard !runs.isEmpty else {
      return [WorkPiece(from: span.start, to: max(span.end ?? now, span.start), kind: .work, isOpen: !span.isFinished)]
    }
    return runs.map { piece(of: $0, now: now) }
  }

  static func piece(of phase: Phase, now: Timestamp) -> WorkPiece {
    WorkPiece(from: phase.start, to: max(phase.end ?? now, phase.start), kind: kind(of: phase), isOpen: phase.end == nil)
  }

  static func kind(of phase: Phase) -> WorkPiece.Kind {
    switch (phase.track, phase.name) {
    case ("run", "run"), ("step", _): .work
    case ("review", "draft"): .hand
    case ("run", _), ("review", _), ("merge", _): .wait
    case ("status", let name): kind(ofStatus: name)
    default: .plain
    }
  }

  /// Words that say that a status waits. They count first: "ready for development" waits.
  private static let waiting = [
    "ready", "wait", "block", "hold", "backlog", "queue", "review", "to do", "todo", "selected", "approv", "open", "new", "inbox",
  ]
  private static let working = ["progress", "doing", "develop", "implement", "coding", "fixing", "testing", "investigat"]

  static func kind(ofStatus name: String) -> WorkPiece.Kind {
    let name = name.lowercased()
    if waiting.contains(where: { name.contains($0) }) { return .wait }
    return working.contains { name.contains($0) } ? .hand : .plain
  }

  /// Returns the stretches in which at least one piece was of one of these kinds, in order and without overlaps, within a
  /// period.
  static func stretches(
    of kinds: Set<WorkPiece.Kind>, in pieces: some Sequence<WorkPiece>, from: Timestamp, to: Timestamp
  ) -> [(from: Timestamp, to: Timestamp)] {
    var result: [(from: Timestamp, to: Timestamp)] = []
    let work = pieces.filter { kinds.contains($0.kind) && $0.from < to && $0.to > from }
    for piece in work.sorted(by: { $0.from < $1.from }) {
      let (start, end) = (max(piece.from, from), min(piece.to, to))
      if let last = result.last, start <= last.to {
        result[result.count - 1].to = max(last.to, end)
      } else {
        result.append((start, end))
      }
    }
    return result
  }
}
