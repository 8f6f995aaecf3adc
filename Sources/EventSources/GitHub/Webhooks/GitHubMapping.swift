import PayloadReading
import ValueStreamCore

/// Turns a payload into events; a pure function of the payload, its time of receipt and the user's rules.
///
/// Here is what all kinds have in common; the extensions hold a kind of thing each.
struct GitHubMapping {
  let payload: GitHubPayload
  let received: Timestamp
  let rules: GitHubRules

  func interpretation(ofType type: String) throws(PayloadError) -> Interpretation {
    switch type {
    case "issues": .events([try issueEvent(ofAction: payload.action)])
    case "issue_comment": try commentInterpretation()
    case "sub_issues": try subIssueInterpretation()
    case "pull_request": .events([try pullRequestEvent(ofAction: payload.action)])
    case "pull_request_review": .events([try reviewEvent()])
    case "pull_request_review_comment": try reviewCommentInterpretation()
    case "merge_group": try mergeGroupInterpretation()
    case "push": try pushInterpretation()
    case "create", "delete": try branchInterpretation(isCreation: type == "create")
    case "repository": try repositoryInterpretation()
    case "workflow_run": .events([try runEvent()])
    case "workflow_job": .events(try jobEvents())
    case "check_run": .events([try checkRunEvent()])
    case "check_suite": try checkSuiteInterpretation()
    case "status": .events([try statusEvent()])
    case "deployment", "deployment_status": .events([try deploymentEvent()] + (try deployingRun()))
    case "release": .events([try releaseEvent()])
    case "ping": .ignored(reason: "ping")
    default: .ignored(reason: "event type \(type) is not supported")
    }
  }

  // MARK: Identity

  /// The repository, which everything but a pull request needs.
  func requireRepository() throws(PayloadError) -> GitHubRepository {
    guard let repository = payload.repository else {
      throw payload.root.missing("repository", expected: "an object with an id or a name")
    }
    return repository
  }

  /// The key of a thing of a repository.
  func key(_ kind: String, _ id: String, of repository: GitHubRepository?) -> SpanKey {
    GitHubKey.make(kind, id, container: repository?.keyPart ?? SpanKey.fallbackPart(""), host: payload.host)
  }

  // MARK: Times

  /// When what the payload shows was true.
  func snapshotTime(_ object: PayloadObject) -> EventTime {
    .vendor(object.time("updated_at"), orReceipt: received)
  }

  /// Stands in for a time that the payload does not tell, by the last one that it does: a real one, told by another payload, counts
  /// before it, and what ends so has no known duration.
  func standIn(_ time: Timestamp?) -> EventTime { .receipt(time ?? received) }

  /// When an issue or a pull request was closed. Some servers leave `closed_at` empty and tell `merged_at`; without either the payload
  /// shows that it is closed, but not since when.
  func closing(of object: PayloadObject) -> EventTime {
    let stated = object.time("closed_at") ?? object.time("merged_at") ?? object.object("pull_request")?.time("merged_at")
    return stated.map(EventTime.vendor) ?? standIn(object.time("updated_at"))
  }

  // MARK: Descriptions

  func describe(_ repository: GitHubRepository?, in event: inout Event) {
    event.attributes.append(Attribute("vcs.provider.name", "github"))
    guard let repository else { return }
    event.project = repository.fullName
    event.owner = repository.owner.map { "\(payload.host)/\($0)" }
    event.attributes.add("vcs.repository.name", repository.name)
    event.attributes.add("vcs.owner.name", repository.owner)
    event.attributes.add("vcs.repository.url.full", repository.url)
  }

  /// The commit that something runs on.
  func describeHead(_ sha: String?, branch: String?, in event: inout Event) {
    event.attributes.add("vcs.ref.head.name", branch)
    event.attributes.add("vcs.ref.head.revision", sha)
    if branch != nil { event.attributes.append(Attribute("vcs.ref.head.type", "branch")) }
  }

  // MARK: References

  /// An object's commit hash; forty zeros stand for none.
  func commit(_ name: StaticString, of object: PayloadObject) -> String? {
    guard let sha = object.text(name), sha.contains(where: { $0 != "0" }) else { return nil }
    return sha.lowercased()
  }

  /// The change that a commit belongs to.
  func followCommit(_ sha: String?) -> FollowStatement {
    FollowStatement(.commit, sha.map { [Reference(.commit, $0)] } ?? [])
  }

  /// What people write in a repository about where their work belongs.
  func written(in repository: GitHubRepository?, reach: ReferenceReach) -> WrittenReferences {
    WrittenReferences(.gitHub, reach: reach) { issue in
      // An issue of the same repository is known by its key, whatever the repository was called when the issue was seen.
      let own = issue.repository == nil ? repository.map { key("issue", String(issue.number), of: $0) } : nil
      let name = (issue.repository ?? repository?.fullName).map {
        Reference.issue(issue.number, of: $0, host: issue.host ?? payload.host)
      }
      return [own.map(Reference.key), name].compactMap { $0 }
    }
  }

  /// The issues that the commit names on which something runs.
  ///
  /// - Parameter head: the repository of the commit, where the payload tells it.
  func followMessage(_ message: String?, head: PayloadObject? = nil, in repository: GitHubRepository) -> [FollowStatement] {
    guard let message else { return [] }
    let isFork = head.map { $0.int("id") != repository.id } ?? false
    return written(in: repository, reach: isFork ? .sameOwner : .anywhere).statements(message: message)
  }

  /// A vendor's own link, where the payload has one. That it has none takes nothing back: GitHub lists a run's pull requests
  /// only while they are open.
  func followLink(_ references: [Reference], attempt: Int? = nil) -> [FollowStatement] {
    references.isEmpty ? [] : [FollowStatement(.vendorLink, references, attempt: attempt)]
  }

  /// The pull requests of the repository that a run or a check names. GitHub also lists those of other repositories with the
  /// same commit.
  func pullRequests(of object: PayloadObject, in repository: GitHubRepository) -> [Reference] {
    object.objects("pull_requests").compactMap { request in
      let base = request.object("base")?.object("repo")?.int("id")
      guard let number = request.int("number"), base == nil || base == repository.id else { return nil }
      return .key(key("pull_request", String(number), of: repository))
    }
  }

  // MARK: Issues and pull requests

  /// Marks of a thing that is opened, closed and opened again, from the payload's times where it has them.
  ///
  /// - Parameter action: what happened to the thing itself; nil when the payload is about something else.
  func lifeMarks(of object: PayloadObject, action: String?, isOver: Bool) -> [LifeMark] {
    var marks: [LifeMark] = []
    if let created = object.time("created_at") {
      marks.append(.begin(.vendor(created)))
    } else if action == "opened" {
      marks.append(.begin(standIn(object.time("updated_at"))))
    }
    if action == "reopened" { marks.append(.restart(snapshotTime(object))) }
    if isOver { marks.append(.end(closing(of: object))) }
    return marks
  }

  /// What the action does to the classic picture of an issue or a pull request.
  func classicMark(type: String, of object: PayloadObject, action: String?) -> ClassicMark? {
    let created = object.time("created_at").map(EventTime.vendor)
    let transition: ClassicMark.Transition
    let time: EventTime
    switch action {
    case "opened": (transition, time) = (.start, created ?? .receipt(received))
    case "reopened": (transition, time) = (.start, snapshotTime(object))
    case "closed": (transition, time) = (.end, closing(of: object))
    default: return nil
    }
    return ClassicMark(
      eventSource: "github", type: type, transition, state: action ?? "", time: time,
      begin: transition == .end ? created : nil)
  }

  /// The moment that an action is in the life of an issue or pull request; nil for those that begin or end it, or say
  /// nothing of delivery.
  func moment(of action: String?, on object: PayloadObject) -> SpanEvent? {
    var attributes: [Attribute] = []
    switch action {
    case "labeled", "unlabeled": attributes.add("valuestream.label.name", payload.root.object("label")?.text("name"))
    case "assigned", "unassigned": attributes.add("valuestream.assignee", payload.root.object("assignee")?.text("login"))
    case "milestoned", "demilestoned":
      attributes.add("valuestream.milestone", payload.root.object("milestone")?.text("title"))
    case "review_requested", "review_request_removed":
      attributes.add("valuestream.reviewer", payload.root.object("requested_reviewer")?.text("login"))
      attributes.add("valuestream.reviewer.team", payload.root.object("requested_team")?.text("slug"))
    case "synchronize": attributes.add("vcs.ref.head.revision", object.object("head")?.text("sha"))
    case "dequeued": attributes.add("valuestream.reason", payload.root.text("reason")?.lowercased())
    case "ready_for_review", "converted_to_draft", "enqueued", "auto_merge_enabled", "auto_merge_disabled": break
    default: return nil
    }
    return SpanEvent(name: action ?? "", time: object.time("updated_at") ?? received, attributes: attributes)
  }
}
