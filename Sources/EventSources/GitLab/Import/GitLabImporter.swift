package import APIClient
package import GitLabAPI
import PayloadReading
import Synchronization
package import ValueStreamCore

/// Reads the history of GitLab projects as webhook deliveries.
///
/// A container is what is read of one project, such as `acme/site merge-requests`. Lists are read from newest to oldest.
package struct GitLabImporter: Importer {
  package struct Selection: Sendable {
    /// Groups whose projects are read, including those of subgroups.
    package var groups: [String]
    /// Full paths of projects.
    package var projects: [String]
    package var kinds: [GitLabImportKind]
    /// What changed since its start and began before its end.
    package var period: RecordPeriod
    /// The branches whose pushes are read; empty for the default branch of each project.
    package var branches: [String]
    /// When the import began. A resumed import keeps this time.
    package var began: Timestamp

    package init(
      groups: [String] = [], projects: [String], kinds: [GitLabImportKind] = GitLabImportKind.allCases,
      period: RecordPeriod = RecordPeriod(), branches: [String] = [], began: Timestamp
    ) {
      self.groups = groups
      self.projects = projects
      self.kinds = kinds
      self.period = period
      self.branches = branches
      self.began = began
    }
  }

  typealias Page = SourcePage<ImportedDelivery>

  let api: GitLabREST
  let selection: Selection
  private let projects = ProjectCache()

  /// The number of records of a page. A page is a step of the import, so that little is read again after an interruption.
  static let pageSize = 20

  package init(_ api: GitLabREST, _ selection: Selection) {
    self.api = api
    self.selection = selection
  }

  package func containers() async throws(APIError) -> RecordContainers {
    var paths = selection.projects
    for group in selection.groups {
      let path = "/groups/\(PercentEncoding.encode(group))/projects?include_subgroups=true&simple=true&order_by=path&sort=asc"
      let found = try await api.all(path) { document throws(APIError) in
        try document.list().compactMap { $0.text("path_with_namespace") }
      }
      paths += found.filter { !paths.contains($0) }
    }
    return RecordContainers(ImportContainer.names(selection.kinds, of: paths))
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    let container = try ImportContainer<GitLabImportKind>(container)
    do throws(APIError) {
      let project = try await project(container.place)
      let number = cursor.flatMap { Int($0) } ?? 1
      switch container.kind {
      case .mergeRequests: return try await mergeRequests(of: project, page: UpdatedListCursor(cursor))
      case .issues: return try await issues(of: project, page: UpdatedListCursor(cursor))
      case .pushes: return try await pushes(of: project, page: number)
      case .deployments: return try await deployments(of: project, page: UpdatedListCursor(cursor))
      case .releases: return try await releases(of: project, after: cursor)
      case .pipelines: return try await pipelines(of: project, page: UpdatedListCursor(cursor))
      }
    } catch {
      throw Self.explained(error)
    }
  }

  /// Adds what to do about an error.
  static func explained(_ error: APIError) -> APIError {
    var error = error
    switch error.code {
    case .forbidden: error.description += "; the token needs the scope read_api and the role Reporter, or the feature is off"
    case .notFound: error.description += "; check the path, and that the token may see the project"
    default: break
    }
    return error
  }

  // MARK: Projects

  private final class ProjectCache: Sendable {
    private let known = Mutex<[String: GitLabImportProject]>([:])

    subscript(path: String) -> GitLabImportProject? {
      get { known.withLock { $0[path] } }
      set { known.withLock { $0[path] = newValue } }
    }
  }

  func project(_ path: String) async throws(APIError) -> GitLabImportProject {
    if let known = projects[path] { return known }
    let project = try await api.get("/projects/\(PercentEncoding.encode(path))") { document, _ throws(APIError) in
      try GitLabImportProject(try document.object())
    }
    projects[path] = project
    return project
  }

  /// The branches whose pushes are imported.
  func branches(of project: GitLabImportProject) -> [String] {
    selection.branches.isEmpty ? [project.defaultBranch] : selection.branches
  }

  // MARK: Lists

  /// When the import began, by the clock of GitLab, which records follow.
  var began: Timestamp { api.serverTime(selection.began) }

  /// Reads a page of a list that is sorted by the time of the last update.
  ///
  /// - Parameters:
  ///   - list: the name of the list with a query.
  ///   - add: adds the deliveries of a record.
  func updatedList(
    _ list: String, of project: GitLabImportProject, page place: UpdatedListCursor,
    add: (PayloadObject, inout GitLabImportBody, inout Page) async throws(APIError) -> Void
  ) async throws(APIError) -> Page {
    let since = selection.period.since.map { "&updated_after=\($0.rfc3339)" } ?? ""
    let order = "order_by=updated_at&sort=desc\(since)&per_page=\(Self.pageSize)&page=\(place.page)"
    let path = "/projects/\(project.id)/\(list)\(list.contains("?") ? "&" : "?")\(order)"
    let (listing, hasMore) = try await api.get(path) { document, links throws(APIError) in
      (try document.records(), links.next != nil)
    }
    let items = listing.items
    var body = GitLabImportBody(of: project)
    var page = Page(rows: [], next: nil, notes: listing.notes, missing: listing.missing)
    for item in items {
      let updated = item.time("updated_at")
      if place.isAgain, let updated, updated < began { continue }
      if let until = selection.period.until, let created = item.time("created_at"), created >= until { continue }
      do throws(APIError) {
        try await add(item, &body, &page)
      } catch {
        guard error.concern == .unclear else { throw error }
        page.missing += 1
        page.notes.append("\(item.int("iid") ?? item.int("id") ?? 0) is incomplete: \(error)")
      }
    }
    let last = items.last?.time("updated_at")
    page.rows = body.deliveries
    page.reached = last
    page.next = place.next(
      isOver: !hasMore || selection.period.isOver(at: last), hasMore: hasMore, last: last, began: began)
    return page
  }

  // MARK: Estimate

  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    let container = try ImportContainer<GitLabImportKind>(container)
    do throws(APIError) {
      let project = try await project(container.place)
      if container.kind == .releases {
        let count = try await countReleases(of: project)
        return ImportEstimate(records: count, requests: 1 + count / Self.pageSize)
      }
      let since = selection.period.since.map { "&updated_after=\($0.rfc3339)" } ?? ""
      let (list, each) =
        switch container.kind {
        case .mergeRequests: ("merge_requests?scope=all&state=all\(since)", 5)
        case .issues: ("issues?scope=all\(since)", 3)
        case .pushes, .releases: ("events?action=pushed", 1)
        case .deployments: ("deployments?order_by=updated_at\(since)", 0)
        case .pipelines: ("pipelines?order_by=updated_at\(since)", 3)
        }
      let count = try await api.get("/projects/\(project.id)/\(list)&per_page=1") { document, links throws(APIError) in
        if let last = links.lastNumber { return last }
        return try document.list().count
      }
      return ImportEstimate(records: count, requests: 1 + count / Self.pageSize + count * each)
    } catch {
      throw Self.explained(error)
    }
  }

  /// GitLab tells its limits only in the headers of each answer.
  package func quota() async throws(APIError) -> RequestQuota? { nil }
}
