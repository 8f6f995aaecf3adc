package import APIClient
package import JiraAPI
import PayloadReading
import ValueStreamCore

/// What an import reads of a project.
package enum JiraImportKind: String, CaseIterable, Sendable {
  case issues, sprints, versions
}

/// Reads the history of Jira projects as webhook deliveries.
///
/// A container is what is read of a project, such as `SHOP issues`. Issues are read from the newest to the oldest by their creation, an
/// order that does not change while they are read.
package final class JiraImporter: Importer {
  package struct Selection: Sendable {
    package var projects: [String]
    package var kinds: [JiraImportKind]
    /// What changed since its start and began before its end.
    package var period: RecordPeriod

    package init(
      projects: [String], kinds: [JiraImportKind] = JiraImportKind.allCases, period: RecordPeriod = RecordPeriod()
    ) {
      self.projects = projects
      self.kinds = kinds
      self.period = period
    }
  }

  typealias Page = SourcePage<ImportedDelivery>

  let api: JiraAPI
  let selection: Selection

  private static let pageSize = 50

  package init(_ api: JiraAPI, _ selection: Selection) {
    self.api = api
    self.selection = selection
  }

  package func containers() async throws(APIError) -> RecordContainers {
    RecordContainers(ImportContainer.names(selection.kinds, of: selection.projects))
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    let container = try ImportContainer<JiraImportKind>(container)
    let project = container.place
    do throws(APIError) {
      switch container.kind {
      case .issues: return try await issues(of: project, after: cursor)
      case .sprints: return try await sprints(of: project, after: cursor)
      case .versions: return try await versions(of: project, after: cursor)
      }
    } catch {
      var error = error
      if [.notFound, .forbidden, .refused].contains(error.code) {
        error.description += "; check the key of the project, and that the user may browse it"
        if container.kind == .sprints { error.description += ". Without Jira Software, import with --kinds issues,versions" }
      }
      throw error
    }
  }

  private func issues(of project: String, after cursor: String?) async throws(APIError) -> Page {
    let categories = try await api.statusCategories()
    var request = JSONWriter()
    request.object { json in
      json.member("jql", jql(project))
      json.member("maxResults", Self.pageSize)
      if let cursor { json.member("nextPageToken", cursor) }
      json.name("fields")
      json.array(["*navigable", "comment", "worklog", "-description"]) { $0.value($1) }
    }
    let (issues, next) = try await api.ask("search/jql", request.bytes) { document throws(APIError) in
      let answer = try document.object()
      return (answer.listing("issues"), answer.bool("isLast") == true ? nil : answer.text("nextPageToken"))
    }
    let wanted = issues.items.filter { issue in
      let fields = issue.object("fields")
      return selection.period.since.map { since in fields?.time("updated").map { $0 >= since } ?? true } != false
        && selection.period.until.map { until in fields?.time("created").map { $0 < until } ?? true } != false
    }
    let changes = try await api.changes(of: wanted.compactMap { $0.identifier() })
    var page = Page(rows: [], next: next, notes: issues.notes, missing: issues.missing)
    for issue in wanted {
      let history = JiraIssueHistory(issue, changes[issue.identifier() ?? ""] ?? [], categories)
      page.rows += history.deliveries(
        comments: try await remarks(on: issue, field: "comment", list: "comments"),
        worklogs: try await remarks(on: issue, field: "worklog", list: "worklogs"))
    }
    page.reached = issues.items.last?.object("fields")?.time("created")
    return page
  }

  /// Jira compares times to the minute, in the user's time zone. Asks for a day more, and leaves out what is too old later.
  private func jql(_ project: String) -> String {
    var parts = ["project = \"\(project.replacing("\"", with: "\\\""))\""]
    if let since = selection.period.since {
      parts.append("updated >= \"\(since.advanced(bySeconds: -86_400).rfc3339.prefix(10))\"")
    }
    return parts.joined(separator: " AND ") + " ORDER BY created DESC, key DESC"
  }

  /// Returns the comments or logged work of an issue. A search lists those of most issues completely.
  ///
  /// - Parameters:
  ///   - field: the field of the issue, and the last part of the path to the whole list.
  ///   - list: the member with the list in both.
  private func remarks(
    on issue: PayloadObject, field: StaticString, list: StaticString
  ) async throws(APIError) -> [PayloadObject] {
    let listing = issue.object("fields")?.object(field)
    let listed = listing?.objects(list) ?? []
    guard let total = listing?.int("total"), total > listed.count, let id = issue.identifier() else { return listed }
    var remarks: [PayloadObject] = []
    while remarks.count < total {
      let path = "issue/\(id)/\(field)?startAt=\(remarks.count)&maxResults=100"
      let new = try await api.ask(path) { document throws(APIError) in try document.object().objects(list) }
      if new.isEmpty { break }
      remarks += new
    }
    return remarks
  }

  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    let container = try ImportContainer<JiraImportKind>(container)
    let project = container.place
    switch container.kind {
    case .issues: break
    case .sprints: return try await estimateSprints(of: project)
    case .versions: return try await estimateVersions(of: project)
    }
    var request = JSONWriter()
    request.object { $0.member("jql", jql(project)) }
    let count = try await api.ask("search/approximate-count", request.bytes) { document throws(APIError) in
      Int(clamping: try document.object().int("count") ?? 0)
    }
    return ImportEstimate(records: count, requests: 2 + 2 * (count / Self.pageSize))
  }

  /// Jira tells its limits only when they are reached.
  package func quota() async throws(APIError) -> RequestQuota? { nil }
}
