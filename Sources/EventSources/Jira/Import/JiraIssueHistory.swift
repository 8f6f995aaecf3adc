import APIClient
import PayloadReading
import ValueStreamCore

/// An issue as it was after each of its changes, rolled back from what it is now.
struct JiraIssueHistory {
  /// What changes of an issue that deliveries need.
  private struct State {
    var key: String
    var status: (id: String, name: String)
    /// When the category of the status changed last.
    var categorySince: Timestamp
    var resolution: String?
    var resolved: Timestamp?
    var type: String?
    var summary: String?
    var priority: String?
    var assignee: String?
    var labels: [String]
  }

  private struct Change {
    var id: String
    var time: Timestamp
    var author: PayloadObject?
    var items: [PayloadObject]
  }

  private let issue: PayloadObject
  private let fields: PayloadObject
  private let created: Timestamp
  private let changes: [Change]
  /// The state at the creation, then after each change.
  private var states: [State] = []

  /// - Parameters:
  ///   - histories: the changes, in any order.
  ///   - categories: the category of each status, by id.
  init(_ issue: PayloadObject, _ histories: [PayloadObject], _ categories: [String: String]) {
    self.issue = issue
    self.categories = categories
    fields = issue.object("fields") ?? issue
    created = fields.time("created") ?? .epoch
    changes = histories.compactMap { history in
      history.time("created").map {
        Change(id: history.identifier() ?? "0", time: $0, author: history.object("author"), items: history.objects("items"))
      }
    }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    states = rolledBack()
  }

  private let categories: [String: String]

  private func rolledBack() -> [State] {
    let status = fields.object("status")
    var state = State(
      key: issue.text("key") ?? "", status: (status?.identifier() ?? "", status?.text("name") ?? ""), categorySince: created,
      resolution: fields.object("resolution")?.text("name"), type: fields.object("issuetype")?.text("name"),
      summary: fields.string("summary"), priority: fields.object("priority")?.text("name"),
      assignee: fields.object("assignee")?.text("displayName"), labels: fields.texts("labels") ?? [])
    let tellsResolution = changes.contains { change in change.items.contains { Self.field($0) == "resolution" } }
    var states = [state]
    for change in changes.reversed() {
      for item in change.items.reversed() { Self.undo(item, in: &state) }
      states.append(state)
    }
    states.reverse()
    // The times follow from the changes, forwards.
    for index in states.indices.dropFirst() {
      let (before, change) = (states[index - 1], changes[index - 1])
      states[index].categorySince =
        category(states[index].status.id) == category(before.status.id) ? before.categorySince : change.time
    }
    for index in states.indices {
      let isDone = category(states[index].status.id) == "done"
      if !tellsResolution, !isDone { states[index].resolution = nil }
      guard states[index].resolution != nil else { continue }
      let before = index > 0 ? states[index - 1] : nil
      states[index].resolved =
        before?.resolution == states[index].resolution ? before?.resolved : index > 0 ? changes[index - 1].time : created
    }
    return states
  }

  private func category(_ status: String) -> String? {
    categories[status]
      ?? (status == fields.object("status")?.identifier() ? fields.object("status")?.object("statusCategory")?.text("key") : nil)
  }

  private static func field(_ item: PayloadObject) -> String { (item.text("fieldId") ?? item.text("field") ?? "").lowercased() }

  private static func undo(_ item: PayloadObject, in state: inout State) {
    let former = item.text("fromString")
    switch field(item) {
    case "status": state.status = (item.identifier("from") ?? "", former ?? "")
    case "resolution": state.resolution = former
    case "issuetype": state.type = former
    case "summary": state.summary = former
    case "priority": state.priority = former
    case "assignee": state.assignee = former
    case "labels": state.labels = (former ?? "").split(separator: " ").map(String.init)
    case "key": state.key = former ?? state.key
    default: break
    }
  }

  // MARK: Deliveries

  /// Returns the creation, each change, each comment, all logged work, and the state now if it is newer.
  func deliveries(comments: [PayloadObject], worklogs: [PayloadObject]) -> [ImportedDelivery] {
    guard let id = issue.identifier(), fields.time("created") != nil else { return [] }
    var deliveries: [ImportedDelivery?] = []
    func add(
      _ event: String, _ version: String, at time: Timestamp, by user: PayloadObject?, _ members: (inout JSONWriter) -> Void
    ) {
      var json = JSONWriter(capacity: 4000)
      json.object { json in
        json.member("timestamp", time.nanoseconds / 1_000_000)
        json.member("webhookEvent", event)
        if let user { json.member("user", user, setting: [], omitting: Self.isOmitted) }
        members(&json)
      }
      deliveries.append(
        ImportedDelivery(source: "jira", id: ("issue", id, version), time: time, body: json.bytes))
    }
    add("jira:issue_created", "created", at: created, by: fields.object("creator") ?? fields.object("reporter")) { json in
      write(states.first, at: created, &json)
    }
    var last = created
    for (index, change) in changes.enumerated() {
      last = max(last, change.time)
      add("jira:issue_updated", "change.\(PercentEncoding.encode(change.id))", at: change.time, by: change.author) { json in
        json.member("issue_event_type_name", "issue_generic")
        write(states[index + 1], at: change.time, &json)
        json.name("changelog")
        json.object { json in
          json.member("id", change.id)
          json.name("items")
          json.array(change.items) { $0.value($1.value) }
        }
      }
    }
    for comment in comments {
      guard let time = comment.time("created"), let number = comment.identifier() else { continue }
      last = max(last, time)
      let index = changes.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0
      add("comment_created", "comment.\(PercentEncoding.encode(number))", at: time, by: comment.object("author")) { json in
        json.member("comment", comment, setting: [], omitting: Self.isOmitted)
        write(states[index], at: time, &json)
      }
    }
    for worklog in worklogs {
      guard let time = worklog.time("created"), let number = worklog.identifier() else { continue }
      last = max(last, time)
      // The webhook does not show the issue either.
      add("worklog_created", "worklog.\(PercentEncoding.encode(number))", at: time, by: nil) { json in
        json.member("worklog", worklog, setting: [JSONPair("issueId", .text(id))], omitting: Self.isOmitted)
      }
    }
    if let updated = fields.time("updated"), updated > last {
      add("jira:issue_updated", "state.\(updated.seconds)", at: updated, by: nil) { json in
        write(states.last, at: updated, &json)
        json.name("changelog")
        json.object { json in
          json.name("items")
          json.array([String]()) { $0.value($1) }
        }
      }
    }
    return deliveries.compactMap { $0 }
  }

  /// Members that nobody reads, and bodies.
  private static func isOmitted(_ name: String) -> Bool {
    ["avatarUrls", "avatarId", "iconUrl", "description", "body", "comment", "worklog", "attachment"].contains(name)
  }

  private func write(_ state: State?, at time: Timestamp, _ json: inout JSONWriter) {
    guard let state else { return }
    func named(_ name: String?) -> JSONMember { name.map { .object([JSONPair("name", .text($0))]) } ?? .text(nil) }
    var status = [JSONPair("id", .text(state.status.id)), JSONPair("name", .text(state.status.name))]
    if let category = category(state.status.id) {
      status.append(JSONPair("statusCategory", .object([JSONPair("key", .text(category))])))
    }
    let type = fields.object("issuetype")
    var issueType = [JSONPair("name", .text(state.type))]
    if let isSubtask = type?.bool("subtask") { issueType.append(JSONPair("subtask", .flag(isSubtask))) }
    if let level = type?.int("hierarchyLevel") { issueType.append(JSONPair("hierarchyLevel", .number(level))) }
    let assignee = state.assignee.map { JSONMember.object([JSONPair("displayName", .text($0))]) } ?? .text(nil)
    var changed = [
      JSONPair("status", .object(status)), JSONPair("issuetype", .object(issueType)), JSONPair("summary", .text(state.summary)),
      JSONPair("resolution", named(state.resolution)), JSONPair("resolutiondate", .time(state.resolved)),
      JSONPair("statuscategorychangedate", .time(state.categorySince)), JSONPair("created", .time(created)),
      JSONPair("updated", .time(time)), JSONPair("labels", .texts(state.labels)),
    ]
    if fields.has("priority") || state.priority != nil { changed.append(JSONPair("priority", named(state.priority))) }
    if fields.has("assignee") || state.assignee != nil { changed.append(JSONPair("assignee", assignee)) }
    json.name("issue")
    json.object { json in
      json.member("id", issue.identifier())
      json.member("self", issue.text("self"))
      json.member("key", state.key)
      json.member("fields", fields, setting: changed, omitting: Self.isOmitted)
    }
  }
}
