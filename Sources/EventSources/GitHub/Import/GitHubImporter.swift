package import APIClient
package import GitHubAPI
import PayloadReading
import Synchronization
package import ValueStreamCore

/// Reads the history of GitHub repositories as webhook deliveries.
///
/// A container is what is read of one repository, such as `acme/site pull-requests`. Lists are read from newest to oldest.
package struct GitHubImporter: Importer {
  package struct Selection: Sendable {
    package var repositories: GitHubRepositories
    package var kinds: [GitHubImportKind]
    /// What changed since its start and began before its end.
    package var period: RecordPeriod
    /// The branches whose pushes are read; empty for the default branch of each repository.
    package var branches: [String]
    /// When the import began. A resumed import keeps this time.
    package var began: Timestamp

    package init(
      repositories: GitHubRepositories, kinds: [GitHubImportKind] = GitHubImportKind.allCases,
      period: RecordPeriod = RecordPeriod(),
      branches: [String] = [], began: Timestamp
    ) {
      self.repositories = repositories
      self.kinds = kinds
      self.period = period
      self.branches = branches
      self.began = began
    }
  }

  typealias Page = SourcePage<ImportedDelivery>

  let api: GitHubAPI
  let selection: Selection
  private let repositories = RepositoryCache()
  /// The number of jobs to request at a time.
  let jobSizing = PageSizing()

  package init(_ api: GitHubAPI, _ selection: Selection) {
    self.api = api
    self.selection = selection
  }

  /// Returns the containers by kind, so that all repositories have their pull requests before the runs of the first one are read.
  package func containers() async throws(APIError) -> RecordContainers {
    let repositories = try await selection.repositories.list(api)
    return RecordContainers(ImportContainer.names(selection.kinds, of: repositories.names), cut: repositories.cut)
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    let container = try ImportContainer<GitHubImportKind>(container)
    do throws(APIError) {
      let repository = try await repository(container.place)
      switch container.kind {
      case .pullRequests: return try await pullRequests(of: repository, after: cursor)
      case .issues: return try await issues(of: repository, after: cursor)
      case .pushes: return try await pushes(of: repository, after: cursor)
      case .deployments: return try await deployments(of: repository, after: cursor)
      case .releases: return try await releases(of: repository, after: cursor)
      case .workflowRuns: return try await workflowRuns(of: repository, after: cursor)
      }
    } catch {
      throw Self.explained(error, container.kind)
    }
  }

  /// Adds what to do about an error.
  static func explained(_ error: APIError, _ kind: GitHubImportKind) -> APIError {
    var error = error
    switch error.code {
    case .forbidden: error.description += "; the token needs the permission to read \(kind.permission)"
    case .notFound: error.description += "; check the name, and that the token may see the repository"
    default: break
    }
    return error
  }

  // MARK: Repositories

  private final class RepositoryCache: Sendable {
    private let known = Mutex<[String: GitHubImportRepository]>([:])

    subscript(name: String) -> GitHubImportRepository? {
      get { known.withLock { $0[name] } }
      set { known.withLock { $0[name] = newValue } }
    }
  }

  /// Returns a repository. Follows the redirect of one that was renamed or moved to another owner.
  func repository(_ name: String) async throws(APIError) -> GitHubImportRepository {
    if let known = repositories[name] { return known }
    let repository: GitHubImportRepository
    do throws(APIError) {
      repository = try await self.repository(at: "/repos/\(name)")
    } catch {
      guard let path = error.location.flatMap(api.path) else { throw error }
      repository = try await self.repository(at: path)
    }
    repositories[name] = repository
    return repository
  }

  private func repository(at path: String) async throws(APIError) -> GitHubImportRepository {
    try await api.get(path) { document, _ throws(APIError) in try GitHubImportRepository(try document.object()) }
  }

  // MARK: Lists

  /// When the import began, by the clock of GitHub, which records follow.
  var began: Timestamp { api.serverTime(selection.began) }

  /// The number of records of a page. A page is a step of the import, so that little is read again after an interruption.
  static let pageSize = 50
}
