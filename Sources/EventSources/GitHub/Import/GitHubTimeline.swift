import APIClient
import PayloadReading
import ValueStreamCore

/// An entry of the timeline of an issue or pull request, as the action of a delivery.
struct GitHubTimelineItem: Sendable, Hashable {
  /// The action of the delivery, or `review_dismissed`.
  var action: String
  var time: Timestamp
  /// The members of the delivery that belong to the action, such as `label`.
  var members: [JSONPair] = []
  /// Why an issue was closed, such as `not_planned`.
  var reason: String?
  /// The review that was dismissed, and its state before.
  var review: (id: String, state: String)?

  static func == (left: Self, right: Self) -> Bool {
    left.action == right.action && left.time == right.time && left.members == right.members
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(action)
    hasher.combine(time)
  }

  /// The names of the kinds of items in GraphQL, and the fields that are read of each.
  static let changeKinds =
    issueKinds + """
      ,READY_FOR_REVIEW_EVENT,CONVERT_TO_DRAFT_EVENT,REVIEW_REQUESTED_EVENT,REVIEW_REQUEST_REMOVED_EVENT,\
      REVIEW_DISMISSED_EVENT,ADDED_TO_MERGE_QUEUE_EVENT,REMOVED_FROM_MERGE_QUEUE_EVENT,AUTO_MERGE_ENABLED_EVENT,\
      AUTO_MERGE_DISABLED_EVENT
      """
  static let issueKinds = """
    CLOSED_EVENT,REOPENED_EVENT,LABELED_EVENT,UNLABELED_EVENT,ASSIGNED_EVENT,UNASSIGNED_EVENT,MILESTONED_EVENT,\
    DEMILESTONED_EVENT
    """
  private static let assignee = "assignee{... on User{login} ... on Bot{login} ... on Mannequin{login}}"
  private static let reviewer =
    "requestedReviewer{__typename ... on User{login} ... on Bot{login} ... on Mannequin{login} ... on Team{slug}}"
  static let issueFields = """
    __typename ... on ClosedEvent{createdAt stateReason} ... on ReopenedEvent{createdAt} \
    ... on LabeledEvent{createdAt label{name}} ... on UnlabeledEvent{createdAt label{name}} \
    ... on AssignedEvent{createdAt \(assignee)} ... on UnassignedEvent{createdAt \(assignee)} \
    ... on MilestonedEvent{createdAt milestoneTitle} ... on DemilestonedEvent{createdAt milestoneTitle}
    """
  static let changeFields =
    issueFields + """
       ... on ReadyForReviewEvent{createdAt} ... on ConvertToDraftEvent{createdAt} \
      ... on ReviewRequestedEvent{createdAt \(reviewer)} ... on ReviewRequestRemovedEvent{createdAt \(reviewer)} \
      ... on ReviewDismissedEvent{createdAt previousReviewState review{fullDatabaseId}} \
      ... on AddedToMergeQueueEvent{createdAt} ... on RemovedFromMergeQueueEvent{createdAt reason} \
      ... on AutoMergeEnabledEvent{createdAt} ... on AutoMergeDisabledEvent{createdAt}
      """

  /// Reads a node; nil for a kind that is not known here.
  init?(_ node: PayloadObject) {
    guard let time = node.time("createdAt") else { return nil }
    self.time = time
    func named(_ name: String, _ member: StaticString, _ key: StaticString, as newKey: String) -> [JSONPair] {
      node.object(member)?.text(key).map { [JSONPair(name, .object([JSONPair(newKey, .text($0))]))] } ?? []
    }
    switch node.text("__typename") ?? "" {
    case "ClosedEvent": (action, reason) = ("closed", node.text("stateReason")?.lowercased())
    case "ReopenedEvent": action = "reopened"
    case "LabeledEvent": (action, members) = ("labeled", named("label", "label", "name", as: "name"))
    case "UnlabeledEvent": (action, members) = ("unlabeled", named("label", "label", "name", as: "name"))
    case "AssignedEvent": (action, members) = ("assigned", named("assignee", "assignee", "login", as: "login"))
    case "UnassignedEvent": (action, members) = ("unassigned", named("assignee", "assignee", "login", as: "login"))
    case "MilestonedEvent", "DemilestonedEvent":
      action = node.text("__typename") == "MilestonedEvent" ? "milestoned" : "demilestoned"
      members = [JSONPair("milestone", .object([JSONPair("title", .text(node.text("milestoneTitle")))]))]
    case "ReadyForReviewEvent": action = "ready_for_review"
    case "ConvertToDraftEvent": action = "converted_to_draft"
    case "ReviewRequestedEvent", "ReviewRequestRemovedEvent":
      action = node.text("__typename") == "ReviewRequestedEvent" ? "review_requested" : "review_request_removed"
      members =
        named("requested_reviewer", "requestedReviewer", "login", as: "login")
        + named("requested_team", "requestedReviewer", "slug", as: "slug")
    case "ReviewDismissedEvent":
      action = "review_dismissed"
      guard let id = node.object("review")?.identifier("fullDatabaseId") else { return nil }
      review = (id, node.text("previousReviewState")?.lowercased() ?? "")
    case "AddedToMergeQueueEvent": action = "enqueued"
    case "RemovedFromMergeQueueEvent": (action, members) = ("dequeued", [JSONPair("reason", .text(node.text("reason")))])
    case "AutoMergeEnabledEvent": action = "auto_merge_enabled"
    case "AutoMergeDisabledEvent": action = "auto_merge_disabled"
    default: return nil
    }
  }

  init(action: String, time: Timestamp) {
    self.action = action
    self.time = time
  }
}

/// The state of an issue or pull request at each time, from its timeline and its state now.
struct GitHubLife: Sendable {
  private var turns: [GitHubTimelineItem]
  private let isMerged: Bool
  private let closedAt: Timestamp?
  private let draftAtFirst: Bool

  /// - Parameters:
  ///   - closedAt: when the subject was closed last; nil if it is open.
  ///   - isDraft: whether it is a draft now.
  init(_ items: [GitHubTimelineItem], closedAt: Timestamp?, isMerged: Bool, isDraft: Bool) {
    turns = items.filter { Self.kinds.contains($0.action) }.sorted { $0.time < $1.time }
    self.closedAt = closedAt
    self.isMerged = isMerged
    let drafts = turns.filter { $0.action == "ready_for_review" || $0.action == "converted_to_draft" }
    draftAtFirst = drafts.first.map { $0.action == "ready_for_review" } ?? isDraft
  }

  private static let kinds: Set = ["closed", "reopened", "ready_for_review", "converted_to_draft"]

  /// The time of the last close in the timeline.
  var lastClose: Timestamp? { turns.last { $0.action == "closed" }?.time }

  /// Returns the members of the object that differ from what it says now.
  ///
  /// - Parameter isChange: true for a pull request.
  func members(at time: Timestamp, isChange: Bool) -> [JSONPair] {
    let past = turns.filter { $0.time <= time }
    let life = past.last { $0.action == "closed" || $0.action == "reopened" }
    let isClosed = life?.action == "closed" || closedAt.map { $0 <= time && turns.allSatisfy { $0.action != "closed" } } == true
    let isLast = isClosed && (life?.time == lastClose || life == nil)
    let closed = isClosed ? (isLast ? closedAt ?? life?.time : life?.time) : nil
    var members = [
      JSONPair("state", .text(isClosed ? "closed" : "open")), JSONPair("updated_at", .time(time)),
      JSONPair("closed_at", .time(closed)),
    ]
    guard isChange else {
      if let reason = life?.action == "reopened" ? "reopened" : life?.reason {
        members.append(JSONPair("state_reason", .text(reason)))
      } else if !isClosed {
        members.append(JSONPair("state_reason", .text(nil)))
      }
      return members
    }
    let draft = past.last { $0.action == "ready_for_review" || $0.action == "converted_to_draft" }
    members += [
      JSONPair("draft", .flag(draft.map { $0.action == "converted_to_draft" } ?? draftAtFirst)),
      JSONPair("merged", .flag(isMerged && isLast)),
      JSONPair("merged_at", .time(isMerged && isLast ? closedAt : nil)),
    ]
    return members
  }
}
