import APIClient
import GitLabAPI
import PayloadReading
import ValueStreamCore

/// Releases. Only GraphQL tells the number of a release, by which webhooks name it.
extension GitLabImporter {
  private static let query = """
    query($path:ID!,$first:Int!,$after:String){project(fullPath:$path){releases(first:$first,after:$after,sort:RELEASED_AT_DESC){\
    count pageInfo{hasNextPage endCursor} nodes{id name tagName createdAt releasedAt commit{sha} links{selfUrl}}}}}
    """

  /// - Parameter cursor: where the page begins; nil for the first page.
  func releases(of project: GitLabImportProject, after cursor: String?) async throws(APIError) -> Page {
    try await releases(of: project, after: cursor, size: Self.pageSize) { found throws(APIError) in
      var body = GitLabImportBody(of: project)
      // A release of the future has no webhook yet.
      for release in found.nodes where release.time("releasedAt").map({ $0 <= began }) ?? true {
        if selection.period.contains(release.time("releasedAt") ?? release.time("createdAt")) { body.addRelease(release) }
      }
      let last = found.nodes.last.flatMap { $0.time("releasedAt") ?? $0.time("createdAt") }
      var page = Page(
        rows: body.deliveries, next: selection.period.isOver(at: last) ? nil : found.next, notes: found.notes,
        missing: found.missing)
      page.reached = last
      return page
    }
  }

  func countReleases(of project: GitLabImportProject) async throws(APIError) -> Int {
    try await releases(of: project, after: nil, size: 1) { found throws(APIError) in found.total ?? found.nodes.count }
  }

  private func releases<Value>(
    of project: GitLabImportProject, after cursor: String?, size: Int,
    read: (GraphQLConnection) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    let variables: [(name: String, value: GraphQL.Variable)] = [
      ("path", .text(project.path)), ("after", cursor.map(GraphQL.Variable.text) ?? .null),
    ]
    return try await api.graphQL.page(Self.query, variables, size: size) { answer throws(APIError) in
      try read(
        try GraphQLConnection(
          answer.data?.object("project")?.object("releases"), of: answer, what: "list of releases of \(project.path)"))
    }
  }
}

extension GitLabImportBody {
  /// Adds the delivery of a release, from a node of GraphQL.
  mutating func addRelease(_ release: PayloadObject) {
    guard let number = release.text("id").flatMap({ Int64($0.split(separator: "/").last ?? "") }),
      let time = release.time("releasedAt") ?? release.time("createdAt")
    else { return }
    add(
      "Release Hook", "release", id: ("release", "\(number)", "\(time.seconds)"), at: time, by: nil,
      [
        JSONPair("id", .number(number)), JSONPair("name", .text(release.text("name"))),
        JSONPair("tag", .text(release.text("tagName"))), JSONPair("created_at", .time(release.time("createdAt"))),
        JSONPair("released_at", .time(release.time("releasedAt"))), JSONPair("action", .text("create")),
        JSONPair("url", .text(release.object("links")?.text("selfUrl"))),
        JSONPair("commit", .object([JSONPair("id", .text(release.object("commit")?.text("sha")))])),
      ])
  }
}
