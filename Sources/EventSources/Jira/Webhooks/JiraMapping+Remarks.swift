import PayloadReading
import ValueStreamCore

/// Maps comments, logged work and links, which Jira reports apart from the issue.
extension JiraMapping {
  func commentEvent() throws(PayloadError) -> Event {
    let comment = try payload.root.requireObject("comment")
    var event: Event
    if let issue = payload.root.object("issue") {
      event = try issueEvent(of: JiraIssue(issue))
      event.classic = nil
    } else {
      event = try remark(on: Self.issueID(inAddress: comment.text("self")), comment, missing: "self")
    }
    event.spanEvents.append(commentEvent(comment))
    return event
  }

  func commentEvent(_ comment: PayloadObject) -> SpanEvent {
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamCommentID, comment.identifier())
    attributes.add(AttributeName.valuestreamCommentAuthor, comment.object("author").flatMap(Self.name))
    return SpanEvent(name: "comment", time: comment.time("created") ?? time.timestamp, attributes: attributes)
  }

  func worklogEvent() throws(PayloadError) -> Event {
    let worklog = try payload.root.requireObject("worklog")
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamWorklogID, worklog.identifier())
    attributes.add(AttributeName.valuestreamWorklogAuthor, worklog.object("author").flatMap(Self.name))
    attributes.add(AttributeName.valuestreamWorklogSeconds, worklog.int("timeSpentSeconds"))
    var event = try remark(on: worklog.identifier("issueId"), worklog, missing: "issueId")
    event.spanEvents = [SpanEvent(name: "worklog", time: worklog.time("started") ?? time.timestamp, attributes: attributes)]
    return event
  }

  /// Returns a link as both issues see it. The payload does not name the tenant, so the issues are identified by
  /// their ids.
  func issueLinkEvents() throws(PayloadError) -> [Event] {
    let link = try payload.root.requireObject("issueLink")
    let type = link.object("issueLinkType")
    guard let source = link.identifier("sourceIssueId") else {
      throw link.missing("sourceIssueId", expected: "the id of an issue")
    }
    guard let target = link.identifier("destinationIssueId") else {
      throw link.missing("destinationIssueId", expected: "the id of an issue")
    }
    if type?.bool("isSubTaskLinkType") == true { return [] }
    func event(_ id: String, _ words: String?, _ other: String) -> Event {
      var event = remark(onIssue: id)
      event.links = [LinkStatement(Reference(.issueID, other), rule: Self.rule(words))]
      return event
    }
    return [event(source, type?.text("outwardName"), target), event(target, type?.text("inwardName"), source)]
  }

  private func remark(
    on id: String?, _ object: PayloadObject, missing member: StaticString
  ) throws(PayloadError) -> Event {
    guard let id else { throw object.missing(member, expected: "what names the issue") }
    return remark(onIssue: id)
  }

  /// Returns an event that shows only that the issue exists.
  private func remark(onIssue id: String) -> Event {
    var event = Event(key: key("issue", id), time: time, attempt: .counted)
    event.publishes = [Reference(.issueID, id)]
    return event
  }

  /// Returns the id of an issue in an address: `10040` in
  /// `https://acme.example/rest/api/2/issue/10040/comment/10019`.
  private static func issueID(inAddress address: String?) -> String? {
    let parts = address?.split(separator: "/") ?? []
    guard let issue = parts.lastIndex(of: "issue"), issue + 1 < parts.count else { return nil }
    let id = parts[issue + 1]
    return id.allSatisfy { $0.isASCII && $0.isNumber } ? String(id) : nil
  }
}
