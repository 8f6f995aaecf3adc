import PayloadReading
import ValueStreamCore

extension GitHubMapping {
  /// Maps an issue.
  ///
  /// - Parameter action: what happened to the issue itself; nil if the payload is about something else, such as a
  ///   comment.
  func issueEvent(ofAction action: String?) throws(PayloadError) -> Event {
    try issueEvent(of: payload.root.requireObject("issue"), in: requireRepository(), action: action)
  }

  private func issueEvent(
    of issue: PayloadObject, in repository: GitHubRepository, action: String?
  ) throws(PayloadError) -> Event {
    let number = try ItemNumber(of: issue, in: "number")
    let labels = issue.objects("labels").compactMap { $0.text("name") }
    let type = issue.object("type")?.text("name")
    let isIncident = rules.isIncident(labels: labels, type: type)
    let isGone = action == "deleted" || action == "transferred"
    let isClosed = issue.string("state") == "closed" || action == "closed"
    var event = Event(key: key("issue", number.keyPart, of: repository), time: snapshotTime(issue), attempt: .counted)
    event.operation = isIncident ? .incident : .issue
    event.name = "\(repository.fullName)#\(number)"
    event.state = isClosed || isGone ? .ended : .running
    event.marks = lifeMarks(of: issue, action: action, isOver: isClosed)
    // The payload of a deletion or transfer has no time for it.
    if isGone, !isClosed { event.marks.append(.end(standIn(issue.time("updated_at")))) }
    if isClosed {
      event.outcome = Self.outcome(ofReason: issue.string("state_reason"))
    } else if isGone {
      event.outcome = .abandoned
    }
    if let number = issue.int("number") { event.publishes = names(ofIssue: number, in: repository) }
    if issue.has("parent_issue_url") {
      let parent = issue.text("parent_issue_url").flatMap { GitHubURL.issue($0, host: payload.host) }
      event.follows.append(FollowStatement(.vendorLink, parent.map { [$0] } ?? []))
    }
    if let spanEvent = spanEvent(of: action, on: issue) { event.spanEvents.append(spanEvent) }
    event.attributes.reserveCapacity(24)
    describe(repository, in: &event)
    event.attributes.add(AttributeName.valuestreamIssueNumber, issue.int("number"))
    event.attributes.add(AttributeName.valuestreamIssueTitle, issue.text("title"))
    event.attributes.add(AttributeName.valuestreamIssueURL, issue.text("html_url"))
    event.attributes.add(AttributeName.valuestreamIssueType, type)
    event.attributes.add(AttributeName.valuestreamIssueAuthor, issue.object("user")?.text("login"))
    if type == nil, issue.has("type") { event.attributes.add(AttributeName.valuestreamIssueType, []) }
    event.attributes.add(AttributeName.valuestreamIssueLabels, issue.has("labels") ? labels : nil)
    event.attributes += GitHubClassicTags.issue(issue, repository: repository)
    event.classic = classicMark(type: isIncident ? "incident" : "issue", of: issue, action: action)
    return event
  }

  private func names(ofIssue number: Int64, in repository: GitHubRepository) -> [Reference] {
    [
      Reference(.classicID, ClassicID.make(source: "github", type: "issue", namespace: repository.name, id: "\(number)")),
      .issue(number, of: repository.fullName, host: payload.host),
    ]
  }

  private static func outcome(ofReason reason: String?) -> Outcome {
    switch reason {
    case "not_planned", "duplicate": .notPlanned
    default: .completed
    }
  }

  // MARK: Comments

  /// Maps a comment. GitHub sends comments on pull requests as comments on issues, because every pull request is also
  /// an issue.
  func commentInterpretation() throws(PayloadError) -> Interpretation {
    let issue = try payload.root.requireObject("issue")
    let comment = try payload.root.requireObject("comment")
    guard payload.action == "created" else { return .ignored(reason: "a comment that was \(payload.action)") }
    var event = try issue.object("pull_request") == nil ? issueEvent(ofAction: nil) : changeEvent(ofIssue: issue)
    event.spanEvents.append(commentEvent(named: "comment", comment))
    return .events([event])
  }

  func commentEvent(named name: String, _ comment: PayloadObject) -> SpanEvent {
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamCommentID, comment.int("id"))
    addAuthor(comment.object("user"), as: AttributeName.valuestreamCommentAuthor, to: &attributes)
    return SpanEvent(name: name, time: comment.time("created_at") ?? received, attributes: attributes)
  }

  /// Adds the author of a comment or review, and marks authors that are bots.
  func addAuthor(_ user: PayloadObject?, as name: String, to attributes: inout [Attribute]) {
    attributes.add(name, user?.text("login"))
    if rules.bots.isBot(user?.text("login"), type: user?.text("type")) {
      attributes.add(AttributeName.valuestreamAuthorBot, true)
    }
  }

  // MARK: Sub-issues

  /// Maps the parent of a sub-issue. GitHub sends each change twice: to the parent's repository and to the
  /// sub-issue's.
  func subIssueInterpretation() throws(PayloadError) -> Interpretation {
    let repository = try requireRepository()
    let child = try payload.root.requireObject("sub_issue")
    let parent = try payload.root.requireObject("parent_issue")
    let childRepository = payload.root.object("sub_issue_repo").flatMap(GitHubRepository.init) ?? repository
    let parentRepository = payload.root.object("parent_issue_repo").flatMap(GitHubRepository.init) ?? repository
    var event = try issueEvent(of: child, in: childRepository, action: nil)
    let parentKey = key("issue", try ItemNumber(of: parent, in: "number").keyPart, of: parentRepository)
    event.follows = [FollowStatement(.vendorLink, payload.action.hasSuffix("_added") ? [.key(parentKey)] : [])]
    return .events([event])
  }
}
