package import APIClient
import GitHubAPI
import PayloadReading
import ValueStreamCore

/// How much there is to read, from the numbers of the last pages.
extension GitHubImporter {
  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    let container = try ImportContainer<GitHubImportKind>(container)
    do throws(APIError) {
      let repository = try await repository(container.place)
      switch container.kind {
      case .pullRequests: return try await estimateChanges(of: repository)
      case .issues: return Self.listed(try await count("issues?state=all\(since)", of: repository), requestsPerPage: 3)
      case .pushes: return try await estimatePushes(of: repository)
      case .deployments:
        let count = try await count("deployments?", of: repository)
        // The list, the statuses of all, and the run of each.
        return ImportEstimate(records: count, requests: Self.listed(count, requestsPerPage: 2).requests + count)
      case .releases:
        let count = try await count("releases?", of: repository)
        return ImportEstimate(records: count, requests: 1 + count / 100)
      case .workflowRuns: return try await estimateRuns(of: repository)
      }
    } catch {
      throw Self.explained(error, container.kind)
    }
  }

  package func quota() async throws(APIError) -> RequestQuota? {
    do throws(APIError) {
      return try await api.get("/rate_limit") { document, _ throws(APIError) in
        let limit = try document.object().object("resources")?.object("core")
        guard let limit, let perHour = limit.int("limit"), perHour > 0, let left = limit.int("remaining"),
          let reset = limit.int("reset")
        else { return nil }
        let seconds = Timestamp(seconds: reset).seconds(since: began)
        return RequestQuota(
          perHour: Int(clamping: perHour), remaining: Int(clamping: left), resetSeconds: min(max(0, seconds), 3600))
      }
    } catch {
      // A GitHub Enterprise Server without limits does not know this address.
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  private var since: String { selection.period.since.map { "&since=\($0.rfc3339)" } ?? "" }

  private static func listed(_ count: Int, requestsPerPage: Int) -> ImportEstimate {
    ImportEstimate(records: count, requests: (1 + count / pageSize) * requestsPerPage)
  }

  /// Returns the number of records of a list.
  private func count(_ list: String, of repository: GitHubImportRepository) async throws(APIError) -> Int {
    let path = "/repos/\(repository.fullName)/\(list)&per_page=1".replacing("?&", with: "?")
    return try await api.get(path) { document, links throws(APIError) in
      if let last = links.lastNumber { return last }
      return try document.list().count
    }
  }

  /// The list of pull requests has no filter by time. The list of issues has one, and has the pull requests among them.
  private func estimateChanges(of repository: GitHubImportRepository) async throws(APIError) -> ImportEstimate {
    let all = try await count("pulls?state=all", of: repository)
    guard selection.period.since != nil else { return Self.listed(all, requestsPerPage: 3) }
    let recent = try await count("issues?state=all\(since)", of: repository)
    return Self.listed(min(all, recent), requestsPerPage: 3)
  }

  /// The activity has no number of pages. A push brings at least one commit, and a page of activity takes two more requests.
  private func estimatePushes(of repository: GitHubImportRepository) async throws(APIError) -> ImportEstimate {
    var count = 0
    for branch in branches(of: repository) {
      count += try await self.count("commits?sha=\(PercentEncoding.encode(branch))\(since)", of: repository)
    }
    return ImportEstimate(records: count, requests: 2 + count / Self.pageSize + count)
  }

  /// Each run takes a request for its jobs. Earlier attempts and the halving of periods are a few more.
  private func estimateRuns(of repository: GitHubImportRepository) async throws(APIError) -> ImportEstimate {
    guard let query = windows(of: repository).query else { return ImportEstimate(records: 0, requests: 0) }
    let path = "/repos/\(repository.fullName)/actions/runs?\(query)&per_page=1"
    let total = try await api.get(path) { document, _ throws(APIError) in
      Int(clamping: try document.object().int("total_count") ?? 0)
    }
    let halvings = 2 * (total / Int(Self.runLimit))
    return ImportEstimate(records: total, requests: 1 + total / Self.pageSize + total + halvings)
  }
}
