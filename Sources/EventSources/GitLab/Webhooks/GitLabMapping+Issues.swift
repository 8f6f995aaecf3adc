import PayloadReading
import ValueStreamCore

/// Maps issues and the other work items that share their numbers.
extension GitLabMapping {
  func issueEvent() throws(PayloadError) -> Event {
    let issue = try payload.attributes()
    let number = try ItemNumber(of: issue, in: "iid")
    let action = issue.text("action")
    let state = issue.text("state")
    let created = issue.time("created_at")
    let updated = issue.time("updated_at")
    let isClosed = state == "closed" || action == "close"
    let labels = labels(of: issue)
    let type = issue.text("type")
    let isIncident = ClassificationSettings.isIncident(labels: labels ?? [], type: type, by: rules.incidentLabels)
    let time = EventTime.vendor(updated ?? created, orReceipt: received)
    // Only in the delivery of the `close` action is the time of change the time of the end. Later deliveries have a
    // later one.
    let isNow = action == "close" && updated != nil
    let ended = issue.time("closed_at").map(EventTime.vendor) ?? (isNow ? time : standIn(time.timestamp))
    var event = Event(key: try issueKey(number), time: time, attempt: .counted)
    event.operation = isIncident ? .incident : .issue
    event.name = "\(payload.project?.path ?? "")#\(number)"
    event.state = isClosed ? .ended : .running
    event.marks = lifeMarks(created: created, action: action, at: time)
    if isClosed {
      event.marks.append(.end(ended))
      event.outcome = outcome(of: issue)
    }
    event.spanEvents = action == "update" ? labelEvents(at: time.timestamp) : []
    if let project = payload.project { event.publishes = names(ofIssue: number, in: project) }
    describe(payload.project, in: &event)
    event.attributes.add(AttributeName.valuestreamIssueNumber, issue.int("iid"))
    event.attributes.add(AttributeName.valuestreamIssueTitle, issue.text("title"))
    event.attributes.add(AttributeName.valuestreamIssueURL, issue.text("url"))
    event.attributes.add(AttributeName.valuestreamIssueAuthor, author(of: issue))
    event.attributes.add(AttributeName.valuestreamIssueType, type)
    event.attributes.add(AttributeName.valuestreamIncidentSeverity, isIncident ? issue.text("severity") : nil)
    event.attributes.add(AttributeName.valuestreamIssueLabels, labels)
    event.attributes += GitLabClassicTags.issue(issue, payload)
    event.classic = classicMark(
      type: isIncident ? "incident" : "issue", action: action, state: state, isOver: isClosed, created: created,
      at: isClosed ? ended : time)
    return event
  }

  /// Returns the key of an issue or epic. Epics belong to a group, which numbers them on its own.
  private func issueKey(_ number: ItemNumber) throws(PayloadError) -> SubjectKey {
    if let project = payload.project { return key("issue", number, of: project) }
    guard let group = payload.root.object("group")?.int("id") ?? payload.root.object("group")?.int("group_id") else {
      throw payload.root.missing("project", expected: "an object with an id or a name")
    }
    return key("issue", number.keyPart, container: "group-\(group)")
  }

  private func names(ofIssue number: ItemNumber, in project: GitLabProject) -> [Reference] {
    [
      classicID("issue", of: project.name, number),
      number.isReal ? .issue(number.value, of: project.path, host: payload.host) : nil,
    ].compactMap { $0 }
  }

  private func outcome(of issue: PayloadObject) -> Outcome {
    if issue.int("duplicated_to_id") != nil { return .notPlanned }
    return issue.int("moved_to_id") == nil ? .completed : .abandoned
  }

  func lifeMarks(created: Timestamp?, action: String?, at time: EventTime) -> [LifeMark] {
    var marks: [LifeMark] = []
    if let created {
      marks.append(.begin(.vendor(created)))
    } else if action == "open" {
      marks.append(.begin(time))
    }
    if action == "reopen" { marks.append(.restart(time)) }
    return marks
  }

  // MARK: Comments

  func noteInterpretation() throws(PayloadError) -> Interpretation {
    let note = try payload.attributes()
    let project = try payload.requireProject()
    if note.bool("system") == true { return .ignored(reason: "a note that GitLab wrote itself") }
    if let action = note.text("action"), action != "create" { return .ignored(reason: "a comment after its creation") }
    let item: (kind: String, operation: Operation, sign: String, object: PayloadObject)
    switch note.string("noteable_type") {
    case "MergeRequest":
      item = ("pull_request", .pullRequest, "!", try payload.root.requireObject("merge_request"))
    case "Issue": item = ("issue", .issue, "#", try payload.root.requireObject("issue"))
    default: return .ignored(reason: "a comment on a \(note.string("noteable_type") ?? "thing")")
    }
    let number = try ItemNumber(of: item.object, in: "iid")
    let created = note.time("created_at")
    var event = Event(
      key: key(item.kind, number, of: project), time: .vendor(created, orReceipt: received), attempt: .counted)
    // The payload of a comment does not show whether the issue is an incident.
    event.usualOperation = item.operation
    event.name = "\(project.path)\(item.sign)\(number)"
    event.marks = lifeMarks(created: item.object.time("created_at"), action: nil, at: event.time)
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamCommentID, note.int("id"))
    attributes.add(AttributeName.valuestreamCommentAuthor, payload.root.object("user")?.text("username"))
    event.spanEvents = [SpanEvent(name: "comment", time: created ?? received, attributes: attributes)]
    describe(project, in: &event)
    event.attributes.add(
      item.operation == .pullRequest ? AttributeName.valuestreamChangeAuthor : AttributeName.valuestreamIssueAuthor,
      author(of: item.object))
    return .events([event])
  }

  // MARK: Authors

  /// Returns the user name of the author of an issue or merge request.
  ///
  /// A payload has only the id of the account. The name is known if the author sent the event, or is an assignee or reviewer.
  /// At the latest, the author's own events tell it.
  func author(of item: PayloadObject) -> String? {
    guard let id = item.int("author_id"), id > 0 else { return nil }
    let root = payload.root
    let accounts = [root.object("user")].compactMap(\.self) + root.objects("assignees") + root.objects("reviewers")
    return accounts.first { $0.int("id") == id }?.text("username")
  }
}
