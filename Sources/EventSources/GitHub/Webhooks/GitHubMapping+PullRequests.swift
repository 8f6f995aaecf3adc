import PayloadReading
import ValueStreamCore

extension GitHubMapping {
  /// Maps a pull request.
  ///
  /// - Parameter action: what happened to the pull request itself; nil if the payload is about something else, such
  ///   as a review.
  func pullRequestEvent(ofAction action: String?) throws(PayloadError) -> Event {
    let request = try payload.root.requireObject("pull_request")
    let number = try ItemNumber(of: request, in: "number")
    let repository = payload.repository
    let isClosed = request.string("state") == "closed" || action == "closed"
    let isMerged = request.bool("merged") == true || request.time("merged_at") != nil
    var event = Event(key: key("pull_request", number.keyPart, of: repository), time: snapshotTime(request), attempt: .counted)
    event.operation = .pullRequest
    event.name = "\(repository?.fullName ?? "")#\(number)"
    event.state = isClosed ? .ended : .running
    event.marks = lifeMarks(of: request, action: action, isOver: isClosed)
    if isClosed { event.outcome = outcome(of: request, isMerged: isMerged, action: action) }
    event.phases = phases(of: request, action: action)
    if let spanEvent = spanEvent(of: action, on: request) { event.spanEvents.append(spanEvent) }
    event.publishes = names(of: request, number: number, in: repository, isMerged: isMerged)
    event.follows = issues(of: request, in: repository)
    describe(repository, in: &event)
    describeChange(request, number: number.description, state: isMerged ? "merged" : isClosed ? "closed" : nil, in: &event)
    event.attributes += GitHubClassicTags.pullRequest(request, repository: repository)
    event.classic = classicMark(type: "pull_request", of: request, action: action)
    return event
  }

  /// Returns the outcome of a closed pull request. Nil if the payload cannot rule out a merge.
  ///
  /// That is so if the payload also says that the pull request is open (GitHub read it too early), or has no member
  /// for a merge.
  private func outcome(of request: PayloadObject, isMerged: Bool, action: String?) -> Outcome? {
    if isMerged { return .merged }
    if request.string("state") == "open" { return nil }
    return action == "closed" || request.has("merged") || request.has("merged_at") ? .abandoned : nil
  }

  // MARK: References

  private func names(
    of request: PayloadObject, number: ItemNumber, in repository: GitHubRepository?, isMerged: Bool
  ) -> [Reference] {
    var names: [Reference] = []
    if let repository, number.isReal { names.append(.change(number.value, of: repository.fullName, host: payload.host)) }
    if let id = request.int("id") {
      names.append(
        Reference(
          .classicID,
          ClassicID.make(source: "github", type: "pull_request", namespace: repository?.name ?? "", id: "\(id)")))
    }
    if let head = request.object("head").flatMap({ commit("sha", of: $0) }) { names.append(Reference(.commit, head)) }
    if let branch = branch(of: request) { names.append(branch) }
    // On a pull request that is not merged, `merge_commit_sha` is a test merge.
    if isMerged, let merge = commit("merge_commit_sha", of: request) { names.append(Reference(.commit, merge)) }
    return names
  }

  /// Returns the head branch as a reference. Nil for the default branch, because builds of it belong to no change.
  private func branch(of request: PayloadObject) -> Reference? {
    guard let head = request.object("head"), let name = head.text("ref"), let repository = head.object("repo"),
      let fullName = repository.text("full_name"), repository.text("default_branch") != name
    else { return nil }
    return .branch(name, of: fullName, host: payload.host)
  }

  /// Returns the issues that the pull request names in its branch, title and body.
  private func issues(of request: PayloadObject, in repository: GitHubRepository?) -> [FollowStatement] {
    // Anyone can write the texts of a pull request from a fork, so its references reach only the same owner.
    written(in: repository, reach: isFromFork(request) ? .sameOwner : .anywhere).statements(
      branch: request.object("head")?.string("ref"), title: request.string("title"),
      body: request.has("body") ? request.longString("body") ?? "" : nil)
  }

  private func isFromFork(_ request: PayloadObject) -> Bool {
    guard let head = request.object("head"), head.has("repo") else { return false }
    guard let headRepository = head.object("repo") else { return true }
    let baseID = request.object("base")?.object("repo")?.int("id") ?? payload.repository?.id
    return headRepository.int("id") != baseID
  }

  // MARK: Description

  private func describeChange(_ request: PayloadObject, number: String, state: String?, in event: inout Event) {
    event.attributes.add(AttributeName.vcsChangeID, number)
    event.attributes.add(AttributeName.vcsChangeTitle, request.text("title"))
    event.attributes.add(AttributeName.vcsChangeState, state ?? (request.bool("draft") == true ? "wip" : "open"))
    if let head = request.object("head") {
      event.attributes.add(AttributeName.vcsRefHeadName, head.text("ref"))
      event.attributes.add(AttributeName.vcsRefHeadRevision, head.text("sha"))
      event.attributes.append(Attribute(AttributeName.vcsRefHeadType, "branch"))
    }
    if let base = request.object("base") {
      event.attributes.add(AttributeName.vcsRefBaseName, base.text("ref"))
      event.attributes.add(AttributeName.vcsRefBaseRevision, base.text("sha"))
      event.attributes.append(Attribute(AttributeName.vcsRefBaseType, "branch"))
    }
    event.attributes.add(AttributeName.valuestreamChangeURL, request.text("html_url"))
    event.attributes.add(AttributeName.valuestreamChangeAuthor, request.object("user")?.text("login"))
    event.attributes.add(AttributeName.valuestreamChangeAdditions, request.int("additions"))
    event.attributes.add(AttributeName.valuestreamChangeDeletions, request.int("deletions"))
    event.attributes.add(AttributeName.valuestreamChangeChangedFiles, request.int("changed_files"))
    event.attributes.add(AttributeName.valuestreamChangeCommits, request.int("commits"))
    let labels = request.objects("labels").compactMap { $0.text("name") }
    event.attributes.add(AttributeName.valuestreamChangeLabels, request.has("labels") ? labels : nil)
    if state == "merged" { event.attributes.add(AttributeName.valuestreamChangeMergeRevision, request.text("merge_commit_sha")) }
  }

  // MARK: Phases

  private func phases(of request: PayloadObject, action: String?) -> [PhaseStatement] {
    let isDraft = request.bool("draft") ?? false
    let created = request.time("created_at")
    // A payload with some times, but not this one, may be years old. Its receipt is no border of a phase.
    let substitute = created == nil ? received : action == "opened" ? created : nil
    guard let updated = request.time("updated_at") ?? substitute else { return [] }
    switch action {
    case "opened": return [PhaseStatement(track: "review", name: isDraft ? "draft" : "review", start: created ?? updated)]
    case "ready_for_review":
      return [
        PhaseStatement(track: "review", name: "draft", end: updated),
        PhaseStatement(track: "review", name: "review", start: updated),
      ]
    case "converted_to_draft":
      return [
        PhaseStatement(track: "review", name: "review", end: updated),
        PhaseStatement(track: "review", name: "draft", start: updated),
      ]
    case "reopened": return [PhaseStatement(track: "review", name: isDraft ? "draft" : "review", start: updated)]
    case "enqueued": return [PhaseStatement(track: "merge", name: "merge_queue", start: updated)]
    case "dequeued": return [PhaseStatement(track: "merge", name: "merge_queue", end: updated)]
    default: return []
    }
  }

  // MARK: Reviews and comments

  func reviewEvent() throws(PayloadError) -> Event {
    var event = try pullRequestEvent(ofAction: nil)
    let review = try payload.root.requireObject("review")
    let isDismissal = payload.action == "dismissed"
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamReviewID, review.int("id"))
    attributes.add(AttributeName.valuestreamReviewState, review.text("state")?.lowercased())
    addAuthor(review.object("user"), as: AttributeName.valuestreamReviewAuthor, to: &attributes)
    attributes.add(AttributeName.vcsRefHeadRevision, review.text("commit_id"))
    // The payload of a dismissal has no time for it.
    let time = isDismissal ? event.time.timestamp : review.time("submitted_at") ?? event.time.timestamp
    event.spanEvents.append(
      SpanEvent(name: isDismissal ? "review_dismissed" : "review", time: time, attributes: attributes))
    return event
  }

  func reviewCommentInterpretation() throws(PayloadError) -> Interpretation {
    var event = try pullRequestEvent(ofAction: nil)
    let comment = try payload.root.requireObject("comment")
    guard payload.action == "created" else { return .ignored(reason: "a comment that was \(payload.action)") }
    event.spanEvents.append(commentEvent(named: "review_comment", comment))
    return .events([event])
  }

  /// Maps the pull request in the payload of a comment on it.
  func changeEvent(ofIssue issue: PayloadObject) throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let number = try ItemNumber(of: issue, in: "number")
    let isClosed = issue.string("state") == "closed"
    let request = issue.object("pull_request")
    let isMerged = request?.time("merged_at") != nil
    var event = Event(key: key("pull_request", number.keyPart, of: repository), time: snapshotTime(issue), attempt: .counted)
    event.operation = .pullRequest
    event.name = "\(repository.fullName)#\(number)"
    event.state = isClosed ? .ended : .running
    event.marks = lifeMarks(of: issue, action: nil, isOver: isClosed)
    // Older servers do not send `merged_at` here, so the outcome stays unknown.
    if isClosed, let request, isMerged || request.has("merged_at") { event.outcome = isMerged ? .merged : .abandoned }
    describe(repository, in: &event)
    event.attributes.add(AttributeName.vcsChangeID, number.description)
    event.attributes.add(AttributeName.vcsChangeTitle, issue.text("title"))
    event.attributes.add(AttributeName.valuestreamChangeURL, issue.text("html_url"))
    event.attributes.add(AttributeName.valuestreamChangeAuthor, issue.object("user")?.text("login"))
    return event
  }

  // MARK: Merge queue

  /// Maps a group of the merge queue. Builds of its commit belong to the pull request that its branch names.
  ///
  /// The group is a commit on a branch of its own. It combines the base with the queued pull requests up to the one
  /// in the branch name.
  func mergeGroupInterpretation() throws(PayloadError) -> Interpretation {
    let repository = try requireRepository()
    let group = try payload.root.requireObject("merge_group")
    guard let number = Self.request(ofQueueBranch: try group.requireText("head_ref")) else {
      throw group.missing("head_ref", expected: "a branch of a merge queue such as gh-readonly-queue/main/pr-7-1a2b3c")
    }
    let isRequest = payload.action == "checks_requested"
    let time = isRequest ? group.object("head_commit")?.time("timestamp") : nil
    let head = commit("head_sha", of: group)
    var event = Event(
      key: key("pull_request", String(number), of: repository), time: .vendor(time, orReceipt: received), attempt: .counted)
    if let head { event.publishes = [Reference(.commit, head)] }
    var attributes: [Attribute] = []
    attributes.add(AttributeName.vcsRefHeadRevision, head)
    attributes.add(AttributeName.valuestreamReason, payload.root.text("reason")?.lowercased())
    event.spanEvents = [
      SpanEvent(
        name: isRequest ? "merge_group_checks_requested" : "merge_group_destroyed", time: time ?? received,
        attributes: attributes)
    ]
    return .events([event])
  }

  /// Returns the number of the pull request in a branch of the queue: 104 for
  /// `refs/heads/gh-readonly-queue/main/pr-104-<commit>`.
  private static func request(ofQueueBranch ref: String) -> Int64? {
    guard let last = ref.split(separator: "/").last, last.hasPrefix("pr-") else { return nil }
    return Int64(last.dropFirst(3).prefix { $0 != "-" })
  }
}
