import PayloadReading
import ValueStreamCore

extension GitLabMapping {
  func mergeRequestEvent() throws(PayloadError) -> Event {
    let request = try payload.attributes()
    let project = try payload.requireProject()
    let number = try ItemNumber(of: request, in: "iid")
    let action = request.text("action")
    let state = request.text("state")
    let created = request.time("created_at")
    let time = EventTime.vendor(request.time("updated_at") ?? created, orReceipt: received)
    let isMerged = state == "merged" || action == "merge"
    let isOver = isMerged || state == "closed" || action == "close"
    var event = Event(key: key("pull_request", number, of: project), time: time, attempt: .counted)
    event.operation = .pullRequest
    event.name = "\(project.path)!\(number)"
    event.state = isOver ? .ended : .running
    event.marks = lifeMarks(created: created, action: action, at: time)
    if isOver {
      event.marks.append(.end(end(of: request, action: action, at: time)))
      event.outcome = isMerged ? .merged : .abandoned
    }
    let isDraft = request.bool("draft") ?? request.bool("work_in_progress") ?? false
    event.phases = phases(isDraft: isDraft, action: action, created: created, at: time.timestamp)
    event.spanEvents = spanEvents(of: request, action: action, at: time.timestamp)
    event.publishes = names(of: request, in: project, number: number, isMerged: isMerged)
    event.follows = issues(of: request, in: project)
    describe(project, in: &event)
    describeChange(request, number: number, state: isMerged ? "merged" : isOver ? "closed" : isDraft ? "wip" : "open", in: &event)
    event.attributes += GitLabClassicTags.mergeRequest(request, payload)
    event.classic = classicMark(
      type: "pull_request", action: action, state: state, isOver: isOver, created: created, at: time)
    return event
  }

  /// Returns when a merge request was merged or closed.
  ///
  /// Only the delivery of that action has the time. Other deliveries, such as those of the Test button, show only
  /// that it is over. For those the time of the last change stands in.
  private func end(of request: PayloadObject, action: String?, at time: EventTime) -> EventTime {
    if let merged = request.time("merged_at") ?? request.time("closed_at") { return .vendor(merged) }
    let isNow = (action == "merge" || action == "close") && request.time("updated_at") != nil
    return isNow ? time : standIn(time.timestamp)
  }

  // MARK: References

  private func names(of request: PayloadObject, in project: GitLabProject, number: ItemNumber, isMerged: Bool) -> [Reference] {
    var commits = [request.object("last_commit")?.text("id")]
    if isMerged { commits += [request.text("merge_commit_sha"), request.text("squash_commit_sha")] }
    let change = number.isReal ? [Reference.change(number.value, of: project.path, host: payload.host)] : []
    let branch = branch(of: request).map { [$0] } ?? []
    return [classicID("pull_request", of: project.name, number)] + change + branch
      + commits.compactMap { $0.map { Reference(.commit, $0.lowercased()) } }
  }

  /// Returns the source branch as a reference. Nil for the default branch, because builds of it belong to no change.
  private func branch(of request: PayloadObject) -> Reference? {
    guard let name = request.text("source_branch"), let source = request.object("source"),
      let path = source.text("path_with_namespace"), source.text("default_branch") != name
    else { return nil }
    return .branch(name, of: path, host: payload.host)
  }

  /// Returns the issues that the merge request names in its branch, title and description.
  private func issues(of request: PayloadObject, in project: GitLabProject) -> [FollowStatement] {
    let isFork = request.int("source_project_id") != request.int("target_project_id")
    return written(in: project, reach: isFork ? .sameOwner : .anywhere).statements(
      branch: request.string("source_branch"), title: request.string("title"),
      body: request.has("description") ? request.longString("description") ?? "" : nil)
  }

  // MARK: Description

  private func describeChange(_ request: PayloadObject, number: ItemNumber, state: String, in event: inout Event) {
    event.attributes.add(AttributeName.vcsChangeID, number.description)
    event.attributes.add(AttributeName.vcsChangeTitle, request.text("title"))
    event.attributes.add(AttributeName.vcsChangeState, state)
    describeHead(
      request.object("last_commit")?.text("id"), ref: request.text("source_branch"), isTag: false, in: &event)
    event.attributes.add(AttributeName.vcsRefBaseName, request.text("target_branch"))
    event.attributes.append(Attribute(AttributeName.vcsRefBaseType, "branch"))
    event.attributes.add(AttributeName.valuestreamChangeURL, request.text("url"))
    event.attributes.add(AttributeName.valuestreamChangeAuthor, author(of: request))
    event.attributes.add(AttributeName.valuestreamChangeLabels, labels(of: request))
    if state == "merged" {
      event.attributes.add(
        AttributeName.valuestreamChangeMergeRevision, request.text("merge_commit_sha") ?? request.text("squash_commit_sha"))
    }
  }

  // MARK: Phases and span events

  private func phases(isDraft: Bool, action: String?, created: Timestamp?, at time: Timestamp) -> [PhaseStatement] {
    let now = isDraft ? "draft" : "review"
    switch action {
    case "open": return [PhaseStatement(track: "review", name: now, start: created ?? time)]
    case "reopen": return [PhaseStatement(track: "review", name: now, start: time)]
    default:
      guard let change = payload.root.object("changes")?.object("draft"), let wasDraft = change.bool("previous"),
        wasDraft != isDraft
      else { return [] }
      return [
        PhaseStatement(track: "review", name: wasDraft ? "draft" : "review", end: time),
        PhaseStatement(track: "review", name: now, start: time),
      ]
    }
  }

  private func spanEvents(of request: PayloadObject, action: String?, at time: Timestamp) -> [SpanEvent] {
    let user = payload.root.object("user")?.text("username")
    switch action {
    // GitLab sends `approval` for one approval, and `approved` when all required approvals are given.
    case "approved", "unapproved", "approval", "unapproval":
      var attributes: [Attribute] = []
      attributes.add(AttributeName.valuestreamReviewState, action)
      attributes.add(AttributeName.valuestreamReviewAuthor, user)
      attributes.add(AttributeName.valuestreamAuthorBot, rules.bots.isBot(user) ? true : nil)
      return [SpanEvent(name: "review", time: time, attributes: attributes)]
    case "update":
      var spanEvents = labelEvents(at: time)
      if request.text("oldrev") != nil {
        var attributes: [Attribute] = []
        attributes.add(AttributeName.vcsRefHeadRevision, request.object("last_commit")?.text("id"))
        spanEvents.append(SpanEvent(name: "synchronize", time: time, attributes: attributes))
      }
      return spanEvents
    default: return []
    }
  }
}
