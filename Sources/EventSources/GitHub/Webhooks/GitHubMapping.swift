import PayloadReading
import ValueStreamCore

/// Turns a payload into events. The result depends only on the payload, its time of receipt and the user's rules.
///
/// This file holds what all event types share. Each extension handles one kind of subject.
struct GitHubMapping {
  let payload: GitHubPayload
  let received: Timestamp
  let rules: GitHubRules

  func interpretation(ofType type: String) throws(PayloadError) -> Interpretation {
    guard let event = GitHubReadEvent(rawValue: type) else {
      return .ignored(reason: type == "ping" ? "ping" : "event type \(type) is not supported")
    }
    return switch event {
    case .issues: .events([try issueEvent(ofAction: payload.action)])
    case .issueComment: try commentInterpretation()
    case .subIssues: try subIssueInterpretation()
    case .pullRequest: .events([try pullRequestEvent(ofAction: payload.action)])
    case .pullRequestReview: .events([try reviewEvent()])
    case .pullRequestReviewComment: try reviewCommentInterpretation()
    case .mergeGroup: try mergeGroupInterpretation()
    case .push: try pushInterpretation()
    case .create, .delete: try branchInterpretation(isCreation: event == .create)
    case .repository: try repositoryInterpretation()
    case .workflowRun: .events([try runEvent()])
    case .workflowJob: .events(try jobEvents())
    case .checkRun: .events([try checkRunEvent()])
    case .checkSuite: try checkSuiteInterpretation()
    case .status: .events([try statusEvent()])
    case .deployment, .deploymentStatus: .events([try deploymentEvent()] + (try deployingRun()))
    case .release: .events([try releaseEvent()])
    }
  }

  // MARK: Identity

  /// Returns the repository, or throws if there is none. Only pull requests can do without it.
  func requireRepository() throws(PayloadError) -> GitHubRepository {
    guard let repository = payload.repository else {
      throw payload.root.missing("repository", expected: "an object with an id or a name")
    }
    return repository
  }

  /// Returns the key of a subject in a repository.
  func key(_ kind: String, _ id: String, of repository: GitHubRepository?) -> SubjectKey {
    GitHubKey.make(kind, id, container: repository?.keyPart ?? SubjectKey.fallbackPart(""), host: payload.host)
  }

  // MARK: Times

  /// The time at which the state in the payload was true: `updated_at`, else the time of receipt.
  func snapshotTime(_ object: PayloadObject) -> EventTime {
    .vendor(object.time("updated_at"), orReceipt: received)
  }

  /// Marks a time as a stand-in for one that the payload lacks; nil stands for the time of receipt.
  ///
  /// The result ranks as a time of receipt, so that a vendor time from another payload wins. Ends with a stand-in
  /// time count in no duration.
  func standIn(_ time: Timestamp?) -> EventTime { .receipt(time ?? received) }

  /// Returns when an issue or pull request was closed.
  ///
  /// Some servers leave `closed_at` empty and set `merged_at`. Without either, the payload shows only that it is
  /// closed, so `updated_at` stands in.
  func closing(of object: PayloadObject) -> EventTime {
    let stated = object.time("closed_at") ?? object.time("merged_at") ?? object.object("pull_request")?.time("merged_at")
    return stated.map(EventTime.vendor) ?? standIn(object.time("updated_at"))
  }

  // MARK: Descriptions

  func describe(_ repository: GitHubRepository?, in event: inout Event) {
    event.attributes.append(Attribute(AttributeName.vcsProviderName, "github"))
    guard let repository else { return }
    event.project = repository.fullName
    event.owner = repository.owner.map { "\(payload.host)/\($0)" }
    event.attributes.add(AttributeName.vcsRepositoryName, repository.name)
    event.attributes.add(AttributeName.vcsOwnerName, repository.owner)
    event.attributes.add(AttributeName.vcsRepositoryURLFull, repository.url)
  }

  /// Adds the attributes of the commit that a run or check is for.
  func describeHead(_ sha: String?, branch: String?, in event: inout Event) {
    event.attributes.add(AttributeName.vcsRefHeadName, branch)
    event.attributes.add(AttributeName.vcsRefHeadRevision, sha)
    if branch != nil { event.attributes.append(Attribute(AttributeName.vcsRefHeadType, "branch")) }
  }

  // MARK: References

  /// Returns a commit hash in lower case. Nil if the member is missing or all zeros, which GitHub sends for no
  /// commit.
  func commit(_ name: StaticString, of object: PayloadObject) -> String? {
    guard let sha = object.text(name), sha.contains(where: { $0 != "0" }) else { return nil }
    return sha.lowercased()
  }

  /// States that the parent is the change that the commit belongs to.
  func followCommit(_ sha: String?) -> FollowStatement {
    FollowStatement(.commit, sha.map { [Reference(.commit, $0)] } ?? [])
  }

  /// Reads the references that people write in a repository's branches, titles, bodies and commit messages.
  func written(in repository: GitHubRepository?, reach: ReferenceReach) -> WrittenReferences {
    WrittenReferences(.gitHub, reach: reach) { issue in
      // The key finds an issue of the same repository even if the repository was renamed since.
      let own = issue.repository == nil ? repository.map { key("issue", String(issue.number), of: $0) } : nil
      let name = (issue.repository ?? repository?.fullName).map {
        Reference.issue(issue.number, of: $0, host: issue.host ?? payload.host)
      }
      return [own.map(Reference.key), name].compactMap { $0 }
    }
  }

  /// Returns the issues that the message of the built commit names.
  ///
  /// - Parameter head: the repository of the commit; nil if the payload does not name it.
  func followMessage(_ message: String?, head: PayloadObject? = nil, in repository: GitHubRepository) -> [FollowStatement] {
    guard let message else { return [] }
    let isFork = head.map { $0.int("id") != repository.id } ?? false
    return written(in: repository, reach: isFork ? .sameOwner : .anywhere).statements(message: message)
  }

  /// Returns a statement for links in the payload. Makes none if there are no links, so that earlier links stay.
  ///
  /// GitHub lists the pull requests of a run only while they are open.
  func followLink(_ references: [Reference], attempt: Int? = nil) -> [FollowStatement] {
    references.isEmpty ? [] : [FollowStatement(.vendorLink, references, attempt: attempt)]
  }

  /// Returns the pull requests of this repository that a run or check names.
  ///
  /// GitHub also lists pull requests of other repositories with the same commit. They are left out.
  func pullRequests(of object: PayloadObject, in repository: GitHubRepository) -> [Reference] {
    object.objects("pull_requests").compactMap { request in
      let base = request.object("base")?.object("repo")?.int("id")
      guard let number = request.int("number"), base == nil || base == repository.id else { return nil }
      return .key(key("pull_request", String(number), of: repository))
    }
  }

  // MARK: Issues and pull requests

  /// Returns the starts and ends of a subject that can be reopened. Uses the times in the payload where it has them.
  ///
  /// - Parameter action: what happened to the subject itself; nil if the payload is about something else.
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

  /// Returns how an action changes the classic span of an issue or pull request. Nil if it does not.
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

  /// Returns the span event for an action on an issue or pull request.
  ///
  /// Nil for actions that start or end it, and for actions that say nothing about delivery.
  func spanEvent(of action: String?, on object: PayloadObject) -> SpanEvent? {
    var attributes: [Attribute] = []
    switch action {
    case "labeled", "unlabeled": attributes.add(AttributeName.valuestreamLabelName, payload.root.object("label")?.text("name"))
    case "assigned", "unassigned":
      attributes.add(AttributeName.valuestreamAssignee, payload.root.object("assignee")?.text("login"))
    case "milestoned", "demilestoned":
      attributes.add(AttributeName.valuestreamMilestone, payload.root.object("milestone")?.text("title"))
    case "review_requested", "review_request_removed":
      attributes.add(AttributeName.valuestreamReviewer, payload.root.object("requested_reviewer")?.text("login"))
      attributes.add(AttributeName.valuestreamReviewerTeam, payload.root.object("requested_team")?.text("slug"))
    case "synchronize": attributes.add(AttributeName.vcsRefHeadRevision, object.object("head")?.text("sha"))
    case "dequeued": attributes.add(AttributeName.valuestreamReason, payload.root.text("reason")?.lowercased())
    case "ready_for_review", "converted_to_draft", "enqueued", "auto_merge_enabled", "auto_merge_disabled": break
    default: return nil
    }
    return SpanEvent(name: action ?? "", time: object.time("updated_at") ?? received, attributes: attributes)
  }
}
