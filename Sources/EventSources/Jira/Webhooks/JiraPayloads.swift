import PayloadReading
import ValueStreamCore

/// What every Jira payload has in common.
///
/// Source: Atlassian Developer, "Webhooks", and payloads of Jira Cloud and Jira Data Center.
struct JiraPayload {
  let root: PayloadObject
  /// What happened: `issue_updated`, `sprint_started`, ... without the `jira:` that some have.
  let event: String
  /// The issue that it is about, where it is about one.
  let issue: PayloadObject?
  /// Without its history, as Automation sends an issue: what happened to it is not told.
  let isSnapshot: Bool
  /// The tenant; nil where the payload holds no address.
  let host: String?
  /// When it happened.
  let timestamp: Timestamp?

  init(_ document: JSONDocument) throws(PayloadError) {
    let root = try PayloadObject(root: document)
    self.root = root
    let isIssue = root.object("fields") != nil && root.identifier() ?? root.text("key") != nil
    if let name = root.text("webhookEvent") {
      event = name.hasPrefix("jira:") ? String(name.dropFirst("jira:".count)) : name
      (issue, isSnapshot) = (root.object("issue"), false)
    } else if let issue = root.object("issue"), root.object("transition") != nil || issue.object("fields") != nil {
      // A post function of a workflow, or data that Automation was told to send.
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
    let things: [StaticString] = ["issue", "sprint", "version", "comment", "worklog", "user"]
    host = Self.firstHost(of: things.lazy.compactMap { root.object($0) } + (isSnapshot ? [issue].compactMap { $0 } : []))
    timestamp = root.time("timestamp")
  }

  func requireIssue() throws(PayloadError) -> PayloadObject {
    if let issue { return issue }
    return try root.requireObject("issue")
  }

  private static func firstHost(of things: some Sequence<PayloadObject>) -> String? {
    for thing in things {
      if let host = thing.text("self").flatMap(WebAddress.hostAndPort) { return host }
    }
    return nil
  }

  /// What changed, as Jira's history tells it, or the transition that a post function belongs to; empty where the payload has neither.
  var changes: [JiraChange] {
    if let changelog = root.object("changelog") { return changelog.objects("items").compactMap { JiraChange($0) } }
    return root.object("transition").flatMap(JiraChange.init(transition:)).map { [$0] } ?? []
  }

  /// True where the payload tells what happened to the issue.
  var tellsChanges: Bool { root.has("changelog") || root.object("transition") != nil || isSnapshot }
}

/// One change of a field.
struct JiraChange {
  /// In lower case: Jira spells it `status` and `Status`.
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

  /// The move that a workflow's transition makes, by the names of the statuses; nil of one that stays where it is.
  init?(transition: PayloadObject) {
    guard let from = transition.text("from_status"), let to = transition.text("to_status"), from != to else { return nil }
    field = "status"
    (fromID, toID) = (nil, nil)
    (self.from, self.to) = (from, to)
  }
}

/// What a payload's changes say of status and resolution.
struct JiraTransition {
  /// The status that was left; nil when the status stayed, or was the first.
  let from: String?
  /// True for an issue whose resolution was taken back: it was done before.
  let clearsResolution: Bool
  /// True where the resolution stayed as it was.
  let keepsResolution: Bool

  init(_ changes: [JiraChange]) {
    let moves = changes.filter { $0.field == "status" }
    // One step may pass through several statuses.
    from = moves.first.flatMap { first in first.from != moves.last?.to ? first.from : nil }
    let resolution = changes.last { $0.field == "resolution" }
    clearsResolution = resolution.map { $0.from != nil && $0.to == nil } ?? false
    keepsResolution = resolution == nil
  }

  var isMove: Bool { from != nil }
}

/// An issue as payloads show it.
struct JiraIssue {
  /// Jira's kinds of statuses: whatever a status is called, its category is one of these.
  enum Category {
    case new, indeterminate, done
  }

  let object: PayloadObject
  let fields: PayloadObject?
  /// Stays the same when the issue moves to another project. Nil for scripts that send the key only.
  let id: String?
  /// `TP-3`; another one after a move.
  let key: String?
  let status: PayloadObject?
  /// Nil where the payload does not tell.
  let category: Category?
  let created: Timestamp?
  /// When the status last changed to one of another category.
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

  /// Of a status without category, which only scripts send, the names count that the Go ValueStream knew.
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

  /// `TP` of `TP-3`.
  var projectKey: String? {
    project?.text("key") ?? key.flatMap { key in key.lastIndex(of: "-").map { String(key[..<$0]) } }
  }

  /// True for a part of another issue.
  var isSubtask: Bool {
    type?.bool("subtask") ?? type?.int("hierarchyLevel").map { $0 < 0 } ?? false
  }

  /// Sprints that the issue is or was in: Jira keeps them in a custom field whose number differs from tenant to tenant, as objects,
  /// and in Data Center as texts.
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

  /// More than an issue goes through; the newest are last.
  private static let sprintLimit = 50

  private static func sprintID(_ sprint: PayloadObject) -> Int64? {
    sprint.has("state") && (sprint.has("boardId") || sprint.has("originBoardId")) ? sprint.int("id") : nil
  }

  /// `com.atlassian.greenhopper.service.sprint.Sprint@1f2a[id=12,rapidViewId=4,state=ACTIVE,...]`. Older versions have the id last.
  /// Name and goal hold what people like, other ids among it.
  private static func sprintID(_ text: String) -> Int64? {
    guard text.hasPrefix("com.atlassian.greenhopper.service.sprint."), let start = text.utf8.firstIndex(of: UInt8(ascii: "[")),
      let end = text.utf8.lastIndex(of: UInt8(ascii: "]")), start < end
    else { return nil }
    let members = text.utf8[text.utf8.index(after: start)..<end].split(separator: UInt8(ascii: ","))
    func id(_ member: Substring.UTF8View?) -> Int64? {
      guard let member, member.starts(with: "id=".utf8) else { return nil }
      return Int64(Substring(member.dropFirst(3)))
    }
    // What stands before the name is Jira's own.
    return members.prefix { !$0.starts(with: "name=".utf8) && !$0.starts(with: "goal=".utf8) }.lazy.compactMap(id).first
      ?? id(members.last)
  }
}
