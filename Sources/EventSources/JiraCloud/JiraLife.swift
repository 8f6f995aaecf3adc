import Payloads
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
  private static let tolerance = 10.0

  init(_ issue: JiraIssue, payload: JiraPayload, received: Timestamp) {
    let change = payload.changes.first { $0.field == "status" }
    let isCreation = payload.event == "issue_created"
    let told = payload.timestamp ?? issue.fields?.time("updated")
    let categoryChanged = issue.categoryChanged
    let isDone = issue.category == .done
    let turned = categoryChanged ?? (isDone ? issue.fields?.time("resolutiondate") : nil)
    let isOtherCategory = Self.areOne(told, turned)
    // Several payloads tell when the category changed, but only one the event's own time, so the former counts.
    let moment = isOtherCategory && (change != nil || isCreation) ? turned : told
    time = .vendor(moment, orReceipt: received)
    self.isDone = isDone
    end = isDone ? (turned ?? (change == nil ? nil : moment)).map(EventTime.vendor) : nil
    // From one status that is done to another one nothing happens that counts.
    let wasDone = isDone && turned != nil && !isOtherCategory
    becomesDone = isDone && !wasDone && (change != nil || isCreation || !payload.root.has("changelog"))

    var marks = issue.created.map { [LifeMark.begin(.vendor($0))] } ?? []
    if isDone {
      marks.append(.end(end ?? .receipt(received)))
    } else if issue.created != nil {
      // Each says nothing new, unless the issue was done before.
      if let categoryChanged { marks.append(.begin(.vendor(categoryChanged))) }
      let isReopened = change != nil && !isCreation || payload.changes.contains { $0.field == "resolution" && $0.to == nil }
      if isReopened, let moment { marks.append(.begin(.vendor(moment))) }
    }
    self.marks = marks

    guard let moment, let status = issue.status?.text("name") else {
      phases = []
      return
    }
    let earliest = Self.areOne(issue.created, categoryChanged) ? issue.created : categoryChanged
    func seen() -> PhaseStatement {
      .seen(track: Self.track, name: status, at: moment, earliestStart: earliest)
    }
    if isCreation {
      phases = isDone ? [] : [PhaseStatement(track: Self.track, name: status, start: issue.created ?? moment)]
    } else if let change, let from = change.from, change.to != from {
      var left = PhaseStatement(track: Self.track, name: from, end: moment)
      if !isOtherCategory { left.earliestStart = earliest }
      let entered = PhaseStatement(track: Self.track, name: change.to ?? status, start: moment)
      phases = wasDone ? [] : isDone ? [left] : [left, entered]
    } else {
      phases = isDone ? [] : [seen()]
    }
  }

  private static let track = "status"

  private static func areOne(_ left: Timestamp?, _ right: Timestamp?) -> Bool {
    guard let left, let right else { return false }
    return abs(left.seconds(since: right)) <= tolerance
  }
}
