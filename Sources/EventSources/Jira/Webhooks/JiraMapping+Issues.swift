import PayloadReading
import ValueStreamCore

/// Maps issues. A span runs from the creation until a status of the category *Done*, with a phase for every status on
/// the way.
extension JiraMapping {
  func issueEvent() throws(PayloadError) -> Event {
    try issueEvent(of: JiraIssue(try payload.requireIssue()))
  }

  /// Maps an issue in any payload that holds one.
  ///
  /// - Parameter issue: the issue as the payload shows it, whatever the payload reports.
  func issueEvent(of issue: JiraIssue) throws(PayloadError) -> Event {
    let life = JiraLife(issue, payload: payload, received: received)
    let labels = issue.fields?.texts("labels")
    let type = issue.type?.text("name")
    let isIncident = ClassificationSettings.isIncident(labels: labels ?? [], type: type, by: rules.incidentLabels)
    let isGone = payload.event == "issue_deleted"
    var event = Event(key: issueKey(issue), time: life.time, attempt: .counted)
    event.operation = isIncident ? .incident : .issue
    event.name = issue.key ?? issue.id
    event.project = issue.projectKey
    event.state = life.isDone || isGone ? .ended : issue.category.map { _ in .running }
    event.marks = life.marks
    if life.isDone {
      event.outcome = outcome(of: issue)
    } else if isGone {
      event.marks.append(.end(life.time))
      event.outcome = .abandoned
    }
    event.phases = isGone ? [] : life.phases
    event.publishes = names(of: issue)
    event.follows = parents(of: issue)
    event.links = links(of: issue)
    event.spanEvents = spanEvents(at: life.time.timestamp)
    describe(&event)
    describe(issue, labels: labels, in: &event)
    event.attributes += JiraClassicTags.issue(issue, user: payload.root.object("user"))
    event.classic = classicMark(of: issue, life: life, type: isIncident ? "incident" : "issue")
    return event
  }

  private func outcome(of issue: JiraIssue) -> Outcome {
    let resolution = issue.fields?.object("resolution")?.text("name")
    return resolution.map(rules.undeliveredResolutions.match) == true ? .notPlanned : .completed
  }

  // MARK: Aliases

  private func issueKey(_ issue: JiraIssue) -> SubjectKey {
    key("issue", issue.id ?? SubjectKey.fallbackPart(issue.key ?? ""))
  }

  /// Returns the current key, earlier keys that the payload shows, and the id for payloads that have nothing else.
  private func names(of issue: JiraIssue) -> [Reference] {
    var keys = [issue.key].compactMap { $0 }
    for change in payload.changes.filter({ $0.field == "key" }).prefix(2) { keys += [change.from, change.to].compactMap { $0 } }
    var names: [Reference] = []
    for key in keys where !names.contains(Reference(.issue, key)) {
      names += [classicID("issue", key), Reference(.issue, key)]
    }
    if let page = Self.page(of: issue) { names.append(Reference(.address, page)) }
    if let id = issue.id { names.append(Reference(.issueID, id)) }
    return names
  }

  // MARK: Parents and links

  /// Returns the parent of a subtask. Other parents are epics, which span months, so they become links.
  private func parents(of issue: JiraIssue) -> [FollowStatement] {
    guard issue.type != nil else { return [] }
    let parent = issue.isSubtask ? issue.fields?.object("parent").flatMap { $0.identifier() } : nil
    return [FollowStatement(.vendorLink, parent.map { [.key(key("issue", $0))] } ?? [])]
  }

  private func links(of issue: JiraIssue) -> [LinkStatement] {
    var links: [LinkStatement] = []
    var known: Set<LinkStatement> = []
    func link(_ rule: String, _ kind: String, _ id: String?) {
      guard let id, links.count < Self.linkLimit else { return }
      let link = LinkStatement(.key(key(kind, id)), rule: rule)
      if known.insert(link).inserted { links.append(link) }
    }
    if !issue.isSubtask { link("epic", "issue", issue.fields?.object("parent").flatMap { $0.identifier() }) }
    for sprint in issue.sprintIDs { link("sprint", "sprint", String(sprint)) }
    for version in issue.fields?.objects("fixVersions") ?? [] { link("fix_version", "version", version.identifier()) }
    for tie in issue.fields?.objects("issuelinks") ?? [] {
      let type = tie.object("type")
      let (outward, inward) = (tie.object("outwardIssue"), tie.object("inwardIssue"))
      link(Self.rule(type?.text("outward")), "issue", outward.flatMap { $0.identifier() })
      link(Self.rule(type?.text("inward")), "issue", inward.flatMap { $0.identifier() })
    }
    for change in payload.changes {
      switch change.field {
      case "epic link": link("epic", "issue", change.toID)
      case "sprint":
        for sprint in (change.toID ?? "").split(separator: ",").prefix(Self.linkLimit) {
          link("sprint", "sprint", sprint.trimmed)
        }
      default: break
      }
    }
    return links
  }

  /// The most links, labels and span events to read from one payload. The rest are dropped.
  private static let linkLimit = 200

  /// Returns the phrase for a link between two issues as a name: `is_blocked_by` for `is blocked by`.
  static func rule(_ words: String?) -> String {
    words.map { $0.lowercased().split(separator: " ").joined(separator: "_") } ?? "relates_to"
  }

  // MARK: Span events

  private func spanEvents(at time: Timestamp) -> [SpanEvent] {
    var spanEvents: [SpanEvent] = []
    if payload.event == "issue_deleted" { spanEvents.append(SpanEvent(name: "deleted", time: time)) }
    if payload.root.text("issue_event_type_name") == "issue_commented", let comment = payload.root.object("comment") {
      spanEvents.append(commentEvent(comment))
    }
    for change in payload.changes where payload.event == "issue_updated" && spanEvents.count < Self.linkLimit {
      switch change.field {
      case "labels":
        let (before, after) = (Self.words(change.from), Self.words(change.to))
        spanEvents += after.subtracting(before).sorted().map { Self.labelEvent("labeled", $0, at: time) }
        spanEvents += before.subtracting(after).sorted().map { Self.labelEvent("unlabeled", $0, at: time) }
      case "key":
        var attributes: [Attribute] = []
        attributes.add(AttributeName.valuestreamIssuePreviousKey, change.from)
        spanEvents.append(SpanEvent(name: "moved", time: time, attributes: attributes))
      default: break
      }
    }
    return spanEvents
  }

  private static func words(_ text: String?) -> Set<String> {
    Set((text ?? "").split(separator: " ").prefix(linkLimit).map(String.init))
  }

  private static func labelEvent(_ name: String, _ label: String, at time: Timestamp) -> SpanEvent {
    SpanEvent(name: name, time: time, attributes: [Attribute(AttributeName.valuestreamLabelName, .string(label))])
  }

  // MARK: Attributes

  private func describe(_ issue: JiraIssue, labels: [String]?, in event: inout Event) {
    let fields = issue.fields
    event.attributes.add(AttributeName.valuestreamIssueKey, issue.key)
    event.attributes.add(AttributeName.valuestreamIssueTitle, fields?.text("summary"))
    event.attributes.add(AttributeName.valuestreamIssueURL, Self.page(of: issue))
    event.attributes.add(AttributeName.valuestreamIssueType, issue.type?.text("name"))
    event.attributes.add(
      AttributeName.valuestreamIssueAuthor, (fields?.object("creator") ?? fields?.object("reporter")).flatMap(Self.name))
    event.attributes.add(AttributeName.valuestreamIssueStatus, issue.status?.text("name"))
    event.attributes.add(AttributeName.valuestreamIssueStatusCategory, issue.status?.object("statusCategory")?.text("key"))
    event.attributes.add(AttributeName.valuestreamIssueLabels, labels)
    func add(_ name: String, _ value: AttributeValue?) {
      if let value { event.attributes.append(Attribute(name, value)) }
    }
    add(AttributeName.valuestreamIssuePriority, value("priority", of: fields) { $0.text("name") })
    add(AttributeName.valuestreamIssueResolution, value("resolution", of: fields) { $0.text("name") })
    add(AttributeName.valuestreamIssueAssignee, value("assignee", of: fields, text: Self.name))
  }

  /// Returns the address of the issue's web page. `self` in the payload is the address in the API.
  private static func page(of issue: JiraIssue) -> String? {
    guard let key = issue.key, let address = issue.object.text("self"), let api = address.firstRange(of: "/rest/") else {
      return nil
    }
    return "\(address[..<api.lowerBound])/browse/\(key)"
  }

  static func name(of user: PayloadObject) -> String? {
    user.text("displayName") ?? user.text("name") ?? user.text("accountId")
  }

  // MARK: Classic spans

  /// Returns how a payload changes the classic spans.
  ///
  /// A status that counts as started starts a classic span, and the next such status another one. A done status ends
  /// it, and so does a return to the backlog.
  private func classicMark(of issue: JiraIssue, life: JiraLife, type: String) -> ClassicMark? {
    guard payload.event != "issue_deleted" else {
      return repeatedEnd(ClassicMark(eventSource: "jiracloud", type: type, .end, state: "deleted", time: life.time))
    }
    guard let category = issue.category, let status = issue.status?.text("name") else { return nil }
    let isStarted = category == .indeterminate || category == .new && rules.startedStatuses.match(status)
    if category == .new, !isStarted, payload.event == "issue_created" { return nil }
    let mark = ClassicMark(
      eventSource: "jiracloud", type: type, isStarted ? .transition : .end, state: status,
      time: isStarted || category == .new ? life.time : life.end ?? life.time)
    // A change in the backlog ends nothing if the issue was not started. An edit of a done issue does not end it
    // again.
    return isStarted || life.becomesDone ? mark : repeatedEnd(mark)
  }

  private func repeatedEnd(_ mark: ClassicMark) -> ClassicMark {
    var mark = mark
    mark.isRepeatedEnd = true
    return mark
  }
}
