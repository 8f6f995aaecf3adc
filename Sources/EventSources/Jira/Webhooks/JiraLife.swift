import PayloadReading
import ValueStreamCore

/// What one payload tells of an issue's beginnings, ends and statuses.
///
/// A payload tells the transition it is about, and of the time before it how the issue stands now and since when its status has been
/// of that category. So what was missed is known again, as far as what came later tells it.
struct JiraLife {
  /// When what the payload shows was true.
  let time: EventTime
  let isDone: Bool
  /// When it was done, where that is told.
  let end: EventTime?
  /// True where the payload is about the issue's becoming done, or does not tell what it is about.
  let becomesDone: Bool
  let marks: [LifeMark]
  /// Statuses; those of the category *Done* are none, they come after the end.
  let phases: [PhaseStatement]

  /// Jira writes the change of a category down a moment before or after it sends the time of the event: less than this apart they are
  /// one moment.
  private static let tolerance = 2.0

  init(_ issue: JiraIssue, payload: JiraPayload, received: Timestamp) {
    let transition = JiraTransition(payload.changes)
    let isCreation = payload.event == "issue_created"
    let told = payload.timestamp ?? issue.fields?.time("updated")
    let categoryChanged = issue.categoryChanged
    let isDone = issue.category == .done
    let turned = categoryChanged ?? (isDone ? issue.fields?.time("resolutiondate") : nil)
    let isOtherCategory = Self.areOne(told, turned)
    // Several payloads tell when the category changed, but only one the event's own time, so the former counts.
    let moment = isOtherCategory && (transition.isMove || isCreation) ? turned : told
    // From one status that is done to another one nothing happens that counts.
    let wasDone = isDone && (turned != nil ? !isOtherCategory : transition.keepsResolution && issue.isResolved)
    time = .vendor(moment, orReceipt: received)
    self.isDone = isDone
    end = isDone ? (turned ?? (transition.isMove && !wasDone ? moment : nil)).map(EventTime.vendor) : nil
    becomesDone = isDone && !wasDone && (transition.isMove || isCreation || !payload.tellsChanges)

    var marks = issue.created.map { [LifeMark.begin(.vendor($0))] } ?? []
    if isDone {
      // What is told later tells that it was done, but not when.
      marks.append(.end(end ?? .receipt(moment ?? received)))
    } else if issue.created != nil {
      // Each says nothing new, unless the issue was done before.
      if let categoryChanged { marks.append(.begin(.vendor(categoryChanged))) }
      if let moment, transition.clearsResolution {
        marks.append(.restart(.vendor(moment)))
      } else if let moment, transition.isMove, !isCreation {
        marks.append(.begin(.vendor(moment)))
      }
    } else if payload.event != "comment_created" {
      marks.append(.begin(.receipt(moment ?? received)))
    }
    self.marks = marks
    phases =
      issue.status?.text("name").map { status in
        Self.phases(
          of: issue, in: status, at: moment ?? received, isCreation: isCreation, transition, isOtherCategory: isOtherCategory,
          wasDone: wasDone)
      } ?? []
  }

  private static func phases(
    of issue: JiraIssue, in status: String, at moment: Timestamp, isCreation: Bool, _ transition: JiraTransition,
    isOtherCategory: Bool, wasDone: Bool
  ) -> [PhaseStatement] {
    let isDone = issue.category == .done
    let earliest = areOne(issue.created, issue.categoryChanged) ? issue.created : issue.categoryChanged
    if isCreation { return isDone ? [] : [PhaseStatement(track: track, name: status, start: issue.created ?? moment)] }
    guard let from = transition.from else {
      return isDone ? [] : [.seen(track: track, name: status, at: moment, earliestStart: earliest)]
    }
    if wasDone { return [] }
    var left = PhaseStatement(track: track, name: from, end: moment)
    if !isOtherCategory { left.earliestStart = earliest }
    let entered = PhaseStatement(track: track, name: status, start: moment)
    if isDone { return [left] }
    // What was resolved was done, and that is no phase.
    return transition.clearsResolution ? [entered] : [left, entered]
  }

  private static let track = "status"

  private static func areOne(_ left: Timestamp?, _ right: Timestamp?) -> Bool {
    guard let left, let right else { return false }
    return abs(left.seconds(since: right)) <= tolerance
  }
}
