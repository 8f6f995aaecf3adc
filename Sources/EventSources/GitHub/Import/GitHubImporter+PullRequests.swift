import APIClient
import GitHubAPI
import PayloadReading
import ValueStreamCore

/// Pull requests and issues: a page of the REST list, and the details of all its records from GraphQL.
extension GitHubImporter {
  func pullRequests(of repository: GitHubImportRepository, after cursor: String?) async throws(APIError) -> Page {
    let path = "/repos/\(repository.fullName)/pulls?state=all&sort=updated&direction=desc"
    return try await updatedList(path, of: repository, after: cursor, isChange: true)
  }

  func issues(of repository: GitHubImportRepository, after cursor: String?) async throws(APIError) -> Page {
    let path = "/repos/\(repository.fullName)/issues?state=all&sort=updated&direction=desc"
    return try await updatedList(path, of: repository, after: cursor, isChange: false)
  }

  private func updatedList(
    _ path: String, of repository: GitHubImportRepository, after cursor: String?, isChange: Bool
  ) async throws(APIError) -> Page {
    let place = UpdatedListCursor(cursor)
    let (listing, hasMore) = try await api.get("\(path)&per_page=\(Self.pageSize)&page=\(place.page)") {
      document, links throws(APIError) in (try document.records(), links.next != nil)
    }
    let last = listing.items.last?.time("updated_at")
    let wanted = listing.items.filter { record in
      // The list of issues has pull requests among them.
      guard isChange || !record.has("pull_request") else { return false }
      let (created, updated) = (record.time("created_at"), record.time("updated_at"))
      if place.isAgain, let updated, updated < began { return false }
      return selection.period.since.map { since in updated.map { $0 >= since } ?? true } != false
        && selection.period.until.map { until in created.map { $0 < until } ?? true } != false
    }
    let details = try await details(of: wanted.compactMap { $0.text("node_id") }, isChange: isChange)
    var body = GitHubImportBody(of: repository)
    var page = Page(rows: [], next: nil)
    page.missing = listing.missing
    page.notes = listing.notes
    for record in wanted {
      let number = record.int("number") ?? 0
      let known = record.text("node_id").flatMap { details[$0] }
      if known == nil {
        page.missing += 1
        page.notes.append("the timeline of #\(number) is missing: GitHub cannot read it. Its start, end and state are imported")
      }
      if known?.reviews.contains(where: \.lacksComments) == true {
        page.notes.append("a review of #\(number) has more than 30 comments, of which the first are imported")
      }
      isChange ? body.addChange(record, known, branches: branches(of: repository)) : body.addIssue(record, known)
    }
    page.rows = body.deliveries
    page.reached = last
    page.next = place.next(
      isOver: !hasMore || selection.period.isOver(at: last), hasMore: hasMore, last: last, began: began)
    return page
  }

  /// The branches whose pushes are imported.
  func branches(of repository: GitHubImportRepository) -> [String] {
    selection.branches.isEmpty ? [repository.defaultBranch] : selection.branches
  }
}
