package import APIClient
import PayloadReading
package import ValueStreamCore

/// The repositories and the period to read from GitHub.
package struct GitHubSelection: Sendable {
  package var repositories: GitHubRepositories
  package var period: RecordPeriod
  package var pageSize: Int
  /// The end time of open records.
  package var now: Timestamp

  package init(repositories: GitHubRepositories, period: RecordPeriod, pageSize: Int, now: Timestamp) {
    self.repositories = repositories
    self.period = period
    self.pageSize = pageSize
    self.now = now
  }
}

/// Records of repositories that GraphQL lists, newest first.
package struct GitHubRecords: RecordSource {
  /// A record, and the time that the period applies to.
  struct Record {
    var row: [String]
    var time: Timestamp?
  }

  /// The sort order of a list.
  enum Order {
    case updated, created

    var field: StaticString { self == .updated ? "updatedAt" : "createdAt" }
    var name: String { self == .updated ? "UPDATED_AT" : "CREATED_AT" }
  }

  let api: GitHubAPI
  let selection: GitHubSelection
  package let columns: [String]
  /// The name of the repository's connection: `pullRequests`.
  let connection: StaticString
  /// The sort order, newest first. Reading can stop early, because a record's own time is never later than the time it is
  /// sorted by.
  let order: Order
  /// The filters of the connection: `states:[MERGED],`.
  let filter: String
  /// The requested fields of a record.
  let fields: String
  let read: @Sendable (_ node: PayloadObject, _ owner: String, _ repository: String) -> Record

  package func containers() async throws(APIError) -> RecordContainers { try await selection.repositories.list(api) }

  package func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let (owner, name) = RecordText.split(container)
    let direction = "orderBy:{field:\(order.name),direction:DESC}"
    let query = """
      query($owner:String!,$name:String!,$first:Int!,$after:String){repository(owner:$owner,name:$name){\
      \(connection)(first:$first,after:$after,\(filter)\(direction)){totalCount pageInfo{hasNextPage endCursor} \
      nodes{\(fields)}}}}
      """
    let variables: [(name: String, value: GraphQL.Variable)] = [
      ("owner", .text(owner)), ("name", .text(name)), ("after", cursor.map(GraphQL.Variable.text) ?? .null),
    ]
    let size = min(selection.pageSize, limit ?? selection.pageSize)
    return try await api.graphQL.page(query, variables, size: size) { answer throws(APIError) in
      let page = try GraphQLConnection(
        answer.data?.object("repository")?.object(connection), of: answer, what: "repository \(container)")
      let records = page.nodes.map { read($0, owner, name) }.filter { selection.period.contains($0.time) }
      let isOver = selection.period.isOver(at: page.nodes.last?.time(order.field))
      return RecordPage(
        rows: records.map(\.row), next: isOver ? nil : page.next,
        total: selection.period == RecordPeriod() ? page.total : nil, notes: page.notes, missing: page.missing)
    }
  }
}
