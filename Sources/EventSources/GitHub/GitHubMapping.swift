import Payloads
import ValueStreamCore

/// Turns a payload into events; a pure function of the payload and its time of receipt.
struct GitHubMapping {
  let payload: GitHubPayload
  let received: Timestamp

  func interpretation(ofType type: String) throws(PayloadError) -> Interpretation {
    switch type {
    case "issues": .events([try issueEvent()])
    case "pull_request": .events([try pullRequestEvent(try payload.root.requireObject("pull_request"))])
    case "pull_request_review": .events([try reviewEvent()])
    case "push": try pushInterpretation()
    case "ping": .ignored(reason: "ping")
    default: .ignored(reason: "event type \(type) is not supported")
    }
  }

  // MARK: What events have in common

  /// When what the payload shows was true.
  func snapshotTime(_ object: PayloadObject) -> EventTime {
    .vendor(object.time("updated_at"), orReceipt: received)
  }

  /// The number of an issue or pull request, and the part of a key that stands for it: a marked id where a script sends no
  /// number.
  func number(of object: PayloadObject) throws(PayloadError) -> (shown: String, keyPart: String) {
    if let number = object.int("number") { return (String(number), String(number)) }
    if let id = object.int("id") { return (String(id), SpanKey.fallbackPart(String(id))) }
    throw object.missing("number", expected: "a whole number")
  }

  func describeRepository(in event: inout Event) {
    event.attributes.append(Attribute("vcs.provider.name", "github"))
    guard let repository = payload.repository else { return }
    event.project = repository.fullName
    event.owner = repository.owner.map { "\(payload.host)/\($0)" }
    event.attributes.add("vcs.repository.name", repository.name)
    event.attributes.add("vcs.owner.name", repository.owner)
    event.attributes.add("vcs.repository.url.full", repository.url)
  }

  /// Marks of a thing that is opened, closed and opened again, from the payload's times where it has them.
  func lifeMarks(of object: PayloadObject, isOver: Bool) -> [LifeMark] {
    var marks: [LifeMark] = []
    if let created = object.time("created_at") {
      marks.append(.begin(.vendor(created)))
    } else if payload.action == "opened" {
      marks.append(.begin(.receipt(received)))
    }
    if payload.action == "reopened" { marks.append(.restart(snapshotTime(object))) }
    if isOver { marks.append(.end(.vendor(object.time("closed_at"), orReceipt: received))) }
    return marks
  }

  /// What the action does to the classic picture of an issue or a pull request.
  func classicMark(type: String, of object: PayloadObject) -> ClassicMark? {
    let created = object.time("created_at").map(EventTime.vendor)
    let transition: ClassicMark.Transition
    let time: EventTime
    switch payload.action {
    case "opened": (transition, time) = (.start, created ?? .receipt(received))
    case "reopened": (transition, time) = (.start, snapshotTime(object))
    case "closed": (transition, time) = (.end, .vendor(object.time("closed_at"), orReceipt: received))
    default: return nil
    }
    return ClassicMark(
      eventSource: "github", type: type, transition, state: payload.action, time: time,
      begin: transition == .end ? created : nil)
  }

  // MARK: Issues

  private func issueEvent() throws(PayloadError) -> Event {
    let issue = try payload.root.requireObject("issue")
    let number = try number(of: issue)
    guard let repository = payload.repository else {
      throw payload.root.missing("repository", expected: "an object with an id or a name")
    }
    var event = Event(
      key: SpanKey(source: "github", host: payload.host, container: repository.keyPart, kind: "issue", id: number.keyPart),
      time: snapshotTime(issue), attempt: .counted)
    let isGone = payload.action == "deleted" || payload.action == "transferred"
    let isClosed = issue.string("state") == "closed" || payload.action == "closed"
    event.operation = .issue
    event.name = "\(repository.fullName)#\(number.shown)"
    event.state = isClosed || isGone ? .ended : .running
    event.marks = lifeMarks(of: issue, isOver: isClosed)
    // A deletion carries no time of its own.
    if isGone, !isClosed { event.marks.append(.end(.receipt(received))) }
    if isClosed {
      event.outcome = issueOutcome(issue)
    } else if isGone {
      event.outcome = .abandoned
    }
    if let publicNumber = issue.int("number") {
      event.publishes.append(
        Reference(.classicID, ClassicID.make(source: "github", type: "issue", namespace: repository.name, id: "\(publicNumber)")))
    }
    describeRepository(in: &event)
    event.attributes.add("valuestream.issue.number", issue.int("number"))
    event.attributes.add("valuestream.issue.title", issue.text("title"))
    event.attributes.add("valuestream.issue.url", issue.text("html_url"))
    event.attributes.add("valuestream.issue.type", issue.object("type")?.text("name"))
    event.attributes.add("valuestream.issue.author", issue.object("user")?.text("login"))
    let labels = issue.objects("labels").compactMap { $0.text("name") }
    if !labels.isEmpty { event.attributes.append(Attribute("valuestream.issue.labels", .strings(labels))) }
    event.attributes += GitHubClassicTags.issue(issue, repository: repository)
    event.classic = classicMark(type: "issue", of: issue)
    return event
  }

  private func issueOutcome(_ issue: PayloadObject) -> Outcome {
    switch issue.string("state_reason") {
    case "not_planned", "duplicate": .notPlanned
    default: .completed
    }
  }

  // MARK: Pull requests

  private func pullRequestEvent(_ request: PayloadObject) throws(PayloadError) -> Event {
    let number = try number(of: request)
    let repository = payload.repository
    var event = Event(
      key: SpanKey(
        source: "github", host: payload.host, container: repository?.keyPart ?? SpanKey.fallbackPart(""),
        kind: "pull_request", id: number.keyPart),
      time: snapshotTime(request), attempt: .counted)
    let isClosed = request.string("state") == "closed" || payload.action == "closed"
    let isMerged = request.bool("merged") ?? (request.time("merged_at") != nil)
    event.operation = .pullRequest
    event.name = "\(repository?.fullName ?? "")#\(number.shown)"
    event.state = isClosed ? .ended : .running
    event.marks = lifeMarks(of: request, isOver: isClosed)
    if isClosed { event.outcome = isMerged ? .merged : .abandoned }
    event.phases = reviewPhases(of: request)
    if let id = request.int("id") {
      event.publishes.append(
        Reference(
          .classicID,
          ClassicID.make(source: "github", type: "pull_request", namespace: repository?.name ?? "", id: "\(id)")))
    }
    if let branch = request.object("head")?.string("ref") {
      let found = ClassicID.find(in: branch).map { [Reference(.classicID, $0)] } ?? []
      event.follows.append(FollowStatement(.explicitID, found, reach: isFromFork(request) ? .sameOwner : .anywhere))
    }
    describeRepository(in: &event)
    describeChange(request, number: number.shown, state: isMerged ? "merged" : isClosed ? "closed" : nil, in: &event)
    event.attributes += GitHubClassicTags.pullRequest(request, repository: repository)
    event.classic = classicMark(type: "pull_request", of: request)
    return event
  }

  private func describeChange(_ request: PayloadObject, number: String, state: String?, in event: inout Event) {
    event.attributes.add("vcs.change.id", number)
    event.attributes.add("vcs.change.title", request.text("title"))
    event.attributes.add("vcs.change.state", state ?? (request.bool("draft") == true ? "wip" : "open"))
    if let head = request.object("head") {
      event.attributes.add("vcs.ref.head.name", head.text("ref"))
      event.attributes.add("vcs.ref.head.revision", head.text("sha"))
      event.attributes.append(Attribute("vcs.ref.head.type", "branch"))
    }
    if let base = request.object("base") {
      event.attributes.add("vcs.ref.base.name", base.text("ref"))
      event.attributes.add("vcs.ref.base.revision", base.text("sha"))
      event.attributes.append(Attribute("vcs.ref.base.type", "branch"))
    }
    event.attributes.add("valuestream.change.url", request.text("html_url"))
    event.attributes.add("valuestream.change.author", request.object("user")?.text("login"))
    event.attributes.add("valuestream.change.additions", request.int("additions"))
    event.attributes.add("valuestream.change.deletions", request.int("deletions"))
    event.attributes.add("valuestream.change.changed_files", request.int("changed_files"))
    event.attributes.add("valuestream.change.commits", request.int("commits"))
    // An unmerged request carries the commit of a test merge here.
    if state == "merged" { event.attributes.add("valuestream.change.merge_revision", request.text("merge_commit_sha")) }
  }

  /// A branch name in somebody else's repository is a stranger's text.
  private func isFromFork(_ request: PayloadObject) -> Bool {
    guard let head = request.object("head"), head.has("repo") else { return false }
    guard let headRepository = head.object("repo") else { return true }
    let baseID = request.object("base")?.object("repo")?.int("id") ?? payload.repository?.id
    return headRepository.int("id") != baseID
  }

  private func reviewPhases(of request: PayloadObject) -> [PhaseStatement] {
    let isDraft = request.bool("draft") ?? false
    let created = request.time("created_at")
    let updated = request.time("updated_at") ?? received
    switch payload.action {
    case "opened": return [PhaseStatement(track: "review", name: isDraft ? "draft" : "review", start: created ?? received)]
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
    default: return []
    }
  }

  private func reviewEvent() throws(PayloadError) -> Event {
    let request = try payload.root.requireObject("pull_request")
    let review = try payload.root.requireObject("review")
    var event = try pullRequestEvent(request)
    // The action is the review's, not the request's.
    event.classic = nil
    event.phases = []
    let isDismissal = payload.action == "dismissed"
    var attributes: [Attribute] = []
    attributes.add("valuestream.review.id", review.int("id"))
    attributes.add("valuestream.review.state", review.text("state")?.lowercased())
    attributes.add("valuestream.review.author", review.object("user")?.text("login"))
    attributes.add("vcs.ref.head.revision", review.text("commit_id"))
    let submitted = review.time("submitted_at")
    event.moments.append(
      SpanEvent(
        name: isDismissal ? "review_dismissed" : "review", time: isDismissal ? received : submitted ?? received,
        attributes: attributes))
    return event
  }

  // MARK: Pushes

  private func pushInterpretation() throws(PayloadError) -> Interpretation {
    let ref = try payload.root.requireText("ref")
    guard let repository = payload.repository else {
      throw payload.root.missing("repository", expected: "an object with an id or a name")
    }
    guard ref.hasPrefix("refs/heads/") else { return .ignored(reason: "a push of \(ref), which is no branch") }
    let branch = String(ref.dropFirst("refs/heads/".count))
    let time = payload.root.object("head_commit")?.time("timestamp")
    let update = BranchUpdate(
      branch: SpanKey(
        source: "github", host: payload.host, container: repository.keyPart, kind: "branch", id: branch),
      kind: commit("before") == nil ? .created : commit("after") == nil ? .deleted : .moved, time: .vendor(time, orReceipt: received), before: commit("before"), after: commit("after"),
      commits: payload.root.objects("commits").compactMap { $0.text("id") }, isForced: payload.root.bool("forced") ?? false,
      isDefaultBranch: repository.object.text("default_branch") == branch)
    return .events([], branchUpdates: [update])
  }

  /// A commit of a push; forty zeros stand for none.
  private func commit(_ name: StaticString) -> String? {
    guard let sha = payload.root.text(name), sha.contains(where: { $0 != "0" }) else { return nil }
    return sha.lowercased()
  }
}
