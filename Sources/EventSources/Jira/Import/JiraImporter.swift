package import APIClient
package import JiraAPI
import PayloadReading
import ValueStreamCore

/// Reads the history of Jira issues as webhook deliveries.
///
/// A container is a project, such as `SHOP issues`. Issues are read from the newest to the oldest by their creation, an order that does
/// not change while they are read.
package final class JiraImporter: Importer {
  package struct Selection: Sendable {
    package var projects: [String]
    /// What changed since its start and began before its end.
    package var period: RecordPeriod

    package init(projects: [String], period: RecordPeriod = RecordPeriod()) {
      self.projects = projects
      self.period = period
    }
  }

  typealias Page = SourcePage<ImportedDelivery>

  private let api: JiraAPI
  private let selection: Selection

  private static let pageSize = 50
  private static let suffix = " issues"

  package init(_ api: JiraAPI, _ selection: Selection) {
    self.api = api
    self.selection = selection
  }

  package func containers() async throws(APIError) -> RecordContainers {
    RecordContainers(selection.projects.map { $0 + Self.suffix })
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    do throws(APIError) {
      return try await page(of: String(container.dropLast(Self.suffix.count)), after: cursor)
    } catch {
      var error = error
      if [.notFound, .forbidden, .refused].contains(error.code) {
        error.description += "; check the key of the project, and that the user may browse it"
      }
      throw error
    }
  }

  private func page(of project: String, after cursor: String?) async throws(APIError) -> Page {
    let categories = try await api.statusCategories()
    var request = JSONWriter()
    request.object { json in
      json.member("jql", jql(project))
      json.member("maxResults", Self.pageSize)
      if let cursor { json.member("nextPageToken", cursor) }
      json.name("fields")
      json.array(["*navigable", "comment", "-description"]) { $0.value($1) }
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
      let comments = try await comments(of: issue)
      page.rows += JiraIssueHistory(issue, changes[issue.identifier() ?? ""] ?? [], categories).deliveries(comments)
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

  /// Returns the comments of an issue. A search lists those of most issues completely.
  private func comments(of issue: PayloadObject) async throws(APIError) -> [PayloadObject] {
    let field = issue.object("fields")?.object("comment")
    let listed = field?.objects("comments") ?? []
    guard let total = field?.int("total"), total > listed.count, let id = issue.identifier() else { return listed }
    var comments: [PayloadObject] = []
    while comments.count < total {
      let new = try await api.ask("issue/\(id)/comment?startAt=\(comments.count)&maxResults=100") { document throws(APIError) in
        try document.object().objects("comments")
      }
      if new.isEmpty { break }
      comments += new
    }
    return comments
  }

  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    var request = JSONWriter()
    request.object { $0.member("jql", jql(String(container.dropLast(Self.suffix.count)))) }
    let count = try await api.ask("search/approximate-count", request.bytes) { document throws(APIError) in
      Int(clamping: try document.object().int("count") ?? 0)
    }
    return ImportEstimate(records: count, requests: 2 + 2 * (count / Self.pageSize))
  }

  /// Jira tells its limits only when they are reached.
  package func quota() async throws(APIError) -> RequestQuota? { nil }
}
