package import APIClient
import PayloadReading
package import ValueStreamCore

/// Lists the issues of projects or of a search, with the time in each status.
package final class JiraIssues: RecordSource {
  private let api: JiraAPI
  private let projects: [String]
  private let search: String?
  private let period: RecordPeriod
  private let pageSize: Int
  private let now: Timestamp

  package let columns =
    WorkRecord.columns + [
      "key", "updated_at", "type", "status", "status_category", "priority", "assignee", "labels", "parent", "time_in_status",
    ]

  /// Creates a source.
  ///
  /// - Parameters:
  ///   - projects: the keys of the projects.
  ///   - search: JQL without an order. It applies to all projects, or within each of `projects`.
  ///   - period: applies to the time of creation.
  ///   - now: the end time of open issues.
  package init(
    _ api: JiraAPI, projects: [String], search: String?, period: RecordPeriod, pageSize: Int, now: Timestamp
  ) {
    self.api = api
    self.projects = projects
    self.search = search
    self.period = period
    self.pageSize = pageSize
    self.now = now
  }

  package func containers() async throws(APIError) -> RecordContainers {
    RecordContainers(projects.isEmpty ? [search ?? ""] : projects)
  }

  package func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let categories = try await api.statusCategories()
    var body = JSONWriter()
    body.object { json in
      json.member("jql", jql(container))
      json.member("maxResults", min(pageSize, limit ?? pageSize))
      if let cursor { json.member("nextPageToken", cursor) }
      json.name("fields")
      json.array(Self.fields) { $0.value($1) }
    }
    let (issues, next) = try await api.ask("search/jql", body.bytes) { document throws(APIError) in
      let answer = try document.object()
      return (answer.listing("issues"), answer.bool("isLast") == true ? nil : answer.text("nextPageToken"))
    }
    let wanted = issues.items.filter { period.contains($0.object("fields")?.time("created")) }
    let changes = try await statusChanges(of: wanted.compactMap { $0.identifier() })
    return RecordPage(
      rows: wanted.map { row($0, changes[$0.identifier() ?? ""] ?? [], categories) }, next: next, notes: issues.notes,
      missing: issues.missing)
  }

  private static let fields = [
    "summary", "status", "created", "updated", "resolution", "resolutiondate", "issuetype", "priority", "assignee", "reporter",
    "labels", "project", "parent",
  ]

  /// Sorts by creation, newest first: an order that does not change while issues do.
  private func jql(_ container: String) -> String {
    var parts = projects.isEmpty ? [] : ["project = \"\(container.replacing("\"", with: "\\\""))\""]
    if let search { parts.append("(\(search))") }
    // Jira compares times to the minute, in the user's time zone. Ask for at least a day more on each side, and filter
    // rows later.
    if let since = period.since { parts.append("created >= \"\(Self.day(since.advanced(bySeconds: -86_400)))\"") }
    if let until = period.until { parts.append("created <= \"\(Self.day(until.advanced(bySeconds: 172_800)))\"") }
    return parts.joined(separator: " AND ") + " ORDER BY created DESC, key DESC"
  }

  private static func day(_ time: Timestamp) -> String { String(time.rfc3339.prefix(10)) }

  // MARK: Statuses

  private func statusChanges(of ids: [String]) async throws(APIError) -> [String: [StatusHistory.Change]] {
    try await api.changes(of: ids, fields: ["status"]).mapValues { $0.flatMap(Self.changes) }
  }

  private static func changes(_ history: PayloadObject) -> [StatusHistory.Change] {
    guard let time = history.time("created") else { return [] }
    return history.objects("items").compactMap { item in
      guard (item.text("fieldId") ?? item.text("field"))?.lowercased() == "status" else { return nil }
      return StatusHistory.Change(
        time: time, from: StatusHistory.Status(id: item.identifier("from") ?? "", name: item.text("fromString") ?? ""),
        to: StatusHistory.Status(id: item.identifier("to") ?? "", name: item.text("toString") ?? ""))
    }
  }

  // MARK: Rows

  private func row(_ issue: PayloadObject, _ changes: [StatusHistory.Change], _ categories: [String: String]) -> [String] {
    let fields = issue.object("fields")
    let status = fields?.object("status")
    let current = StatusHistory.Status(id: status?.identifier() ?? "", name: status?.text("name") ?? "")
    let category = status?.object("statusCategory")?.text("key") ?? categories[current.id] ?? ""
    func isIn(_ wanted: String) -> (StatusHistory.Status) -> Bool {
      { ($0 == current ? category : categories[$0.id]) == wanted }
    }
    var record = WorkRecord()
    record.owner = WebAddress.host(api.address) ?? ""
    record.repository = fields?.object("project")?.text("key") ?? ""
    record.createdAt = fields?.time("created")
    let history = record.createdAt.map { StatusHistory(created: $0, current: current, changes: changes) }
    record.startedAt = history?.firstEntry(isIn("indeterminate"))
    record.finishedAt = category == "done" ? history?.lastStretch(isIn("done")) ?? fields?.time("resolutiondate") : nil
    record.outcome = (fields?.object("resolution")?.text("name") ?? current.name).lowercased()
    record.id = issue.identifier() ?? ""
    record.author = fields?.object("reporter")?.text("displayName") ?? ""
    let key = issue.text("key") ?? ""
    record.url = key.isEmpty ? "" : "\(api.address)/browse/\(key)"
    record.title = fields?.text("summary") ?? ""
    record.further = [
      key, RecordText.text(fields?.time("updated")), fields?.object("issuetype")?.text("name") ?? "", current.name, category,
      fields?.object("priority")?.text("name") ?? "", fields?.object("assignee")?.text("displayName") ?? "",
      RecordText.list(fields?.texts("labels") ?? []), fields?.object("parent")?.text("key") ?? "",
      history?.times(until: record.finishedAt ?? now) ?? "",
    ]
    return record.row
  }
}
