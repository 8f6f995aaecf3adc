import PayloadReading
import ValueStreamCore

/// Holds the members that all Jira payloads share.
///
/// Source: Atlassian Developer, "Webhooks", and payloads of Jira Cloud and Jira Data Center.
struct JiraPayload {
  let root: PayloadObject
  /// The event type without the prefix `jira:` that some types have, such as `issue_updated` or `sprint_started`.
  let event: String
  /// The issue that the payload reports on. Nil if there is none.
  let issue: PayloadObject?
  /// True if the payload is an issue without its history, as Automation sends it. It does not show what happened.
  let isSnapshot: Bool
  /// The host of the Jira site, with its port. Nil if the payload has no address.
  let host: String?
  /// The time of the event.
  let timestamp: Timestamp?

  init(_ document: JSONDocument) throws(PayloadError) {
    let root = try PayloadObject(root: document)
    self.root = root
    let isIssue = root.object("fields") != nil && root.identifier() ?? root.text("key") != nil
    if let name = root.text("webhookEvent") {
      event = name.hasPrefix("jira:") ? String(name.dropFirst("jira:".count)) : name
      (issue, isSnapshot) = (root.object("issue"), false)
    } else if let issue = root.object("issue"), root.object("transition") != nil || issue.object("fields") != nil {
      // Sent by a post function of a workflow, or by Automation with custom data.
      event = "issue_updated"
      (self.issue, isSnapshot) = (issue, root.object("transition") == nil && !root.has("changelog"))
    } else if isIssue {
      event = "issue_updated"
      (issue, isSnapshot) = (root, true)
    } else {
      var error = root.missing("webhookEvent", expected: "a text that is not empty")
      error.reason += "; without it, an issue with fields, as Jira's Automation and post functions send it"
      throw error
    }
    let items: [StaticString] = ["issue", "sprint", "version", "comment", "worklog", "user"]
    host = Self.firstHost(of: items.lazy.compactMap { root.object($0) } + (isSnapshot ? [issue].compactMap { $0 } : []))
    timestamp = root.time("timestamp")
  }

  func requireIssue() throws(PayloadError) -> PayloadObject {
    if let issue { return issue }
    return try root.requireObject("issue")
  }

  private static func firstHost(of items: some Sequence<PayloadObject>) -> String? {
    for item in items {
      if let host = item.text("self").flatMap(WebAddress.hostAndPort) { return host }
    }
    return nil
  }

  /// The changes in the history of the payload, or the transition of a post function. Empty if there is neither.
  var changes: [JiraChange] {
    if let changelog = root.object("changelog") { return changelog.objects("items").compactMap { JiraChange($0) } }
    return root.object("transition").flatMap(JiraChange.init(transition:)).map { [$0] } ?? []
  }

  /// True if ``changes`` shows whether the status changed. False if an event lacks its history.
  ///
  /// A snapshot counts as reporting no change.
  var tellsChanges: Bool { root.has("changelog") || root.object("transition") != nil || isSnapshot }
}

/// A change of one field.
struct JiraChange {
  /// The name in lower case, because Jira sends both `status` and `Status`.
  let field: String
  let fromID: String?
  let toID: String?
  let from: String?
  let to: String?

  init?(_ item: PayloadObject) {
    guard let field = item.text("field") ?? item.text("fieldId") else { return nil }
    self.field = field.lowercased()
    fromID = item.text("from")
    toID = item.text("to")
    from = item.text("fromString")
    to = item.text("toString")
  }

  /// Creates a change of status from a workflow transition. Returns nil if the status stays the same.
  init?(transition: PayloadObject) {
    guard let from = transition.text("from_status"), let to = transition.text("to_status"), from != to else { return nil }
    field = "status"
    (fromID, toID) = (nil, nil)
    (self.from, self.to) = (from, to)
  }
}

/// Summarizes how the changes in a payload affect status and resolution.
struct JiraTransition {
  /// The previous status. Nil if the status did not change.
  let from: String?
  /// True if the resolution was cleared, so the issue was done before.
  let clearsResolution: Bool
  /// True if the resolution did not change.
  let keepsResolution: Bool

  init(_ changes: [JiraChange]) {
    let moves = changes.filter { $0.field == "status" }
    // One change may pass through several statuses.
    from = moves.first.flatMap { first in first.from != moves.last?.to ? first.from : nil }
    let resolution = changes.last { $0.field == "resolution" }
    clearsResolution = resolution.map { $0.from != nil && $0.to == nil } ?? false
    keepsResolution = resolution == nil
  }

  var isMove: Bool { from != nil }
}

/// An issue in a payload.
struct JiraIssue {
  /// Jira's status categories. Each status belongs to one of them, whatever its name.
  enum Category {
    case new, indeterminate, done
  }

  let object: PayloadObject
  let fields: PayloadObject?
  /// Stays the same when the issue moves to another project. Nil for scripts that send only the key.
  let id: String?
  /// The key, such as `TP-3`. It changes when the issue moves to another project.
  let key: String?
  let status: PayloadObject?
  /// Nil if the payload has no status.
  let category: Category?
  let created: Timestamp?
  /// When the status last changed to another category.
  let categoryChanged: Timestamp?

  init(_ object: PayloadObject) throws(PayloadError) {
    self.object = object
    fields = object.object("fields")
    id = object.identifier()
    key = object.text("key")
    if id == nil, key == nil { throw object.missing("id", expected: "the id of an issue, or $.issue.key") }
    status = fields?.object("status")
    category = Self.category(of: status, resolution: fields?.object("resolution"))
    created = fields?.time("created")
    categoryChanged = fields?.time("statuscategorychangedate")
  }

  /// Returns the category of a status.
  ///
  /// Only scripts send a status without a category. For those, a resolution means done. Without one, the status names
  /// that the Go ValueStream knew count.
  private static func category(of status: PayloadObject?, resolution: PayloadObject?) -> Category? {
    guard let status else { return nil }
    switch status.object("statusCategory")?.text("key") {
    case "new", "undefined": return .new
    case "indeterminate": return .indeterminate
    case "done": return .done
    default: break
    }
    if resolution != nil { return .done }
    switch status.text("name") {
    case "In Progress": return .indeterminate
    case "Done": return .done
    default: return .new
    }
  }

  var isResolved: Bool { fields?.object("resolution") != nil }

  var type: PayloadObject? { fields?.object("issuetype") }
  var project: PayloadObject? { fields?.object("project") }

  /// The key of the project: `TP` for `TP-3`.
  var projectKey: String? {
    project?.text("key") ?? key.flatMap { key in key.lastIndex(of: "-").map { String(key[..<$0]) } }
  }

  /// True if the issue is a part of another issue.
  var isSubtask: Bool {
    type?.bool("subtask") ?? type?.int("hierarchyLevel").map { $0 < 0 } ?? false
  }

  /// The ids of the sprints that the issue is or was in.
  ///
  /// Jira keeps them in a custom field whose number differs between sites. Jira Cloud sends objects, Data Center
  /// strings.
  var sprintIDs: [Int64] {
    for (name, value) in fields?.value.members ?? [] where name.hasPrefix("customfield_") {
      let values = value.elements.suffix(Self.sprintLimit)
      let ids = values.compactMap { value in
        PayloadObject(value, path: name).flatMap(Self.sprintID) ?? value.string.flatMap(Self.sprintID)
      }
      if !ids.isEmpty { return ids }
    }
    return []
  }

  /// The most sprints to read. The newest are last. Issues go through fewer than this.
  private static let sprintLimit = 50

  private static func sprintID(_ sprint: PayloadObject) -> Int64? {
    sprint.has("state") && (sprint.has("boardId") || sprint.has("originBoardId")) ? sprint.int("id") : nil
  }

  /// Returns the sprint id in a string of Data Center. Name and goal are free text and may contain other ids.
  ///
  /// The form is `com.atlassian.greenhopper.service.sprint.Sprint@1f2a[id=12,rapidViewId=4,state=ACTIVE,...]`. Older
  /// versions have the id last.
  private static func sprintID(_ text: String) -> Int64? {
    guard text.hasPrefix("com.atlassian.greenhopper.service.sprint."), let start = text.utf8.firstIndex(of: UInt8(ascii: "[")),
      let end = text.utf8.lastIndex(of: UInt8(ascii: "]")), start < end
    else { return nil }
    let members = text.utf8[text.utf8.index(after: start)..<end].split(separator: UInt8(ascii: ","))
    func id(_ member: Substring.UTF8View?) -> Int64? {
      guard let member, member.starts(with: "id=".utf8) else { return nil }
      return Int64(Substring(member.dropFirst(3)))
    }
    // Jira itself writes the members before name and goal.
    return members.prefix { !$0.starts(with: "name=".utf8) && !$0.starts(with: "goal=".utf8) }.lazy.compactMap(id).first
      ?? id(members.last)
  }
}
