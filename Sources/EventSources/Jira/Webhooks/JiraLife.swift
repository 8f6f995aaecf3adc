import PayloadReading
import ValueStreamCore

/// Computes the starts, ends and statuses of an issue from one payload.
///
/// A payload has the transition that it reports, the current status, and the time at which the status category last
/// changed. From the last two, a later payload recovers much of what a missed one would have shown.
struct JiraLife {
  /// The time at which the state in the payload was true.
  let time: EventTime
  let isDone: Bool
  /// When the issue was done. Nil if it is not done, or the payload does not show when.
  let end: EventTime?
  /// True if the payload reports that the issue became done, or does not show what changed.
  let becomesDone: Bool
  let marks: [LifeMark]
  /// The statuses as phases. Statuses of the category *Done* come after the end, so they are no phases.
  let phases: [PhaseStatement]

  /// Times up to this many seconds apart are the same. Jira records a change of category shortly before or after the
  /// time of the event.
  private static let tolerance = 2.0

  init(_ issue: JiraIssue, payload: JiraPayload, received: Timestamp) {
    let transition = JiraTransition(payload.changes)
    let isCreation = payload.event == "issue_created"
    let told = payload.timestamp ?? issue.fields?.time("updated")
    let categoryChanged = issue.categoryChanged
    let isDone = issue.category == .done
    let turned = categoryChanged ?? (isDone ? issue.fields?.time("resolutiondate") : nil)
    let isOtherCategory = Self.areOne(told, turned)
    // Several payloads have the time of the category change, but only one has the time of the event. The former keeps
    // them consistent.
    let spanEvent = isOtherCategory && (transition.isMove || isCreation) ? turned : told
    // A move from one done status to another changes nothing.
    let wasDone = isDone && (turned != nil ? !isOtherCategory : transition.keepsResolution && issue.isResolved)
    time = .vendor(spanEvent, orReceipt: received)
    self.isDone = isDone
    end = isDone ? (turned ?? (transition.isMove && !wasDone ? spanEvent : nil)).map(EventTime.vendor) : nil
    becomesDone = isDone && !wasDone && (transition.isMove || isCreation || !payload.tellsChanges)

    var marks = issue.created.map { [LifeMark.begin(.vendor($0))] } ?? []
    if isDone {
      // A later payload shows that the issue is done, but not since when.
      marks.append(.end(end ?? .receipt(spanEvent ?? received)))
    } else if issue.created != nil {
      // Each of these starts another attempt only if the issue was done before.
      if let categoryChanged { marks.append(.begin(.vendor(categoryChanged))) }
      if let spanEvent, transition.clearsResolution {
        marks.append(.restart(.vendor(spanEvent)))
      } else if let spanEvent, transition.isMove, !isCreation {
        marks.append(.begin(.vendor(spanEvent)))
      }
    } else if payload.event != "comment_created" {
      marks.append(.begin(.receipt(spanEvent ?? received)))
    }
    self.marks = marks
    phases =
      issue.status?.text("name").map { status in
        Self.phases(
          of: issue, in: status, at: spanEvent ?? received, isCreation: isCreation, transition, isOtherCategory: isOtherCategory,
          wasDone: wasDone)
      } ?? []
  }

  private static func phases(
    of issue: JiraIssue, in status: String, at spanEvent: Timestamp, isCreation: Bool, _ transition: JiraTransition,
    isOtherCategory: Bool, wasDone: Bool
  ) -> [PhaseStatement] {
    let isDone = issue.category == .done
    let earliest = areOne(issue.created, issue.categoryChanged) ? issue.created : issue.categoryChanged
    if isCreation { return isDone ? [] : [PhaseStatement(track: track, name: status, start: issue.created ?? spanEvent)] }
    guard let from = transition.from else {
      return isDone ? [] : [.seen(track: track, name: status, at: spanEvent, earliestStart: earliest)]
    }
    if wasDone { return [] }
    var left = PhaseStatement(track: track, name: from, end: spanEvent)
    if !isOtherCategory { left.earliestStart = earliest }
    let entered = PhaseStatement(track: track, name: status, start: spanEvent)
    if isDone { return [left] }
    // An issue whose resolution is cleared was done, and done is not a phase.
    return transition.clearsResolution ? [entered] : [left, entered]
  }

  private static let track = "status"

  private static func areOne(_ left: Timestamp?, _ right: Timestamp?) -> Bool {
    guard let left, let right else { return false }
    return abs(left.seconds(since: right)) <= tolerance
  }
}
