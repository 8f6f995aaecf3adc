package import APIClient
import PayloadReading
package import ValueStreamCore

/// Lists the merge requests of projects, last updated first.
package struct GitLabMergeRequests: RecordSource {
  package enum State: String, CaseIterable, Sendable {
    case opened, closed, merged, all
  }

  private let graphQL: GraphQLService
  private let groups: [String]
  private let projects: [String]
  private let state: State
  private let period: RecordPeriod
  private let pageSize: Int
  private let fields: ChangeRecord.Columns
  private let now: Timestamp

  /// Creates a source.
  ///
  /// - Parameters:
  ///   - address: the address of the server without a trailing slash: `https://gitlab.com`.
  ///   - groups: groups whose projects are read, including those of subgroups.
  ///   - projects: full paths of projects: `acme/site`.
  ///   - period: applies to the time of the merge, else of the close, else of the creation.
  ///   - now: the end time of open merge requests.
  package init(
    of address: String, token: Secret, client: APIClient, groups: [String], projects: [String], state: State,
    period: RecordPeriod, pageSize: Int,
    columns: ChangeRecord.Columns, now: Timestamp
  ) {
    graphQL = GraphQLService(
      "\(address)/api/graphql", headers: ["Authorization": BasicAuthorization.header(user: nil, token: token.bytes)],
      client: client)
    self.groups = groups
    self.projects = projects
    self.state = state
    self.period = period
    self.pageSize = pageSize
    fields = columns
    self.now = now
  }

  package var columns: [String] { ChangeRecord.columns(fields) }

  package func containers() async throws(APIError) -> RecordContainers {
    var found = projects
    for group in groups {
      for path in try await list(group) where !found.contains(path) { found.append(path) }
    }
    return RecordContainers(found)
  }

  private func list(_ group: String) async throws(APIError) -> [String] {
    let query = """
      query($path:ID!,$first:Int!,$after:String){group(fullPath:$path){projects(first:$first,after:$after,includeSubgroups:true){\
      count pageInfo{hasNextPage endCursor} nodes{fullPath}}}}
      """
    var paths: [String] = []
    var trail = CursorTrail(of: "the projects of \(group)")
    var cursor: String?
    repeat {
      let variables: [(name: String, value: GraphQL.Variable)] = [
        ("path", .text(group)), ("after", cursor.map(GraphQL.Variable.text) ?? .null),
      ]
      let page = try await graphQL.page(query, variables, size: 100) { answer throws(APIError) in
        try GraphQLConnection(answer.data?.object("group")?.object("projects"), of: answer, what: "group \(group)")
      }
      paths += page.nodes.compactMap { $0.text("fullPath") }
      cursor = page.next
      try trail.follow(cursor)
    } while cursor != nil
    return paths.sorted()
  }

  package func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let further = "draft commitCount sourceBranch targetBranch labels(first:50){nodes{title}}"
    let query = """
      query($path:ID!,$first:Int!,$after:String,$state:MergeRequestState){project(fullPath:$path){mergeRequests(first:$first,\
      after:$after,state:$state,sort:UPDATED_DESC){count pageInfo{hasNextPage endCursor} nodes{id iid title state createdAt \
      mergedAt closedAt updatedAt webUrl userNotesCount author{username} diffStatsSummary{additions deletions fileCount} \
      reviewers(first:50){nodes{username}} approvedBy(first:50){nodes{username}} \(fields == .all ? further : "")}}}}
      """
    let variables: [(name: String, value: GraphQL.Variable)] = [
      ("path", .text(container)), ("after", cursor.map(GraphQL.Variable.text) ?? .null),
      ("state", state == .all ? .null : .text(state.rawValue)),
    ]
    return try await graphQL.page(query, variables, size: min(pageSize, limit ?? pageSize)) { answer throws(APIError) in
      let page = try GraphQLConnection(
        answer.data?.object("project")?.object("mergeRequests"), of: answer, what: "project \(container)")
      let records = page.nodes.map { record($0, container) }.filter {
        period.contains($0.mergedAt ?? $0.closedAt ?? $0.createdAt)
      }
      // No merge request was merged or closed after its last update.
      let isOver = period.isOver(at: page.nodes.last?.time("updatedAt"))
      return RecordPage(
        rows: records.map { $0.row(fields, now: now) }, next: isOver ? nil : page.next,
        total: period == RecordPeriod() ? page.total : nil, notes: page.notes, missing: page.missing)
    }
  }

  private func record(_ node: PayloadObject, _ path: String) -> ChangeRecord {
    let (owner, name) = RecordText.split(path)
    var record = ChangeRecord()
    record.owner = owner
    record.repository = name
    record.createdAt = node.time("createdAt")
    record.mergedAt = node.time("mergedAt")
    record.isMerged = record.mergedAt != nil || node.text("state") == "merged"
    record.closedAt = node.time("closedAt")
    record.updatedAt = node.time("updatedAt")
    record.comments = node.int("userNotesCount")
    let size = node.object("diffStatsSummary")
    record.additions = size?.int("additions")
    record.deletions = size?.int("deletions")
    record.id = node.identifier() ?? ""
    record.author = node.object("author")?.text("username") ?? ""
    record.url = node.text("webUrl") ?? ""
    record.title = node.text("title") ?? ""
    for name in (node.nodes("reviewers") + node.nodes("approvedBy")).compactMap({ $0.text("username") }) {
      if name != record.author, !record.reviewers.contains(name) { record.reviewers.append(name) }
    }
    record.number = node.identifier("iid").flatMap { Int64($0) }
    record.state = node.text("state") ?? ""
    record.isDraft = node.bool("draft") ?? false
    record.changedFiles = size?.int("fileCount")
    record.commits = node.int("commitCount")
    record.headBranch = node.text("sourceBranch") ?? ""
    record.baseBranch = node.text("targetBranch") ?? ""
    record.labels = node.nodes("labels").compactMap { $0.text("title") }
    return record
  }
}
