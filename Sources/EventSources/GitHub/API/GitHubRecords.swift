import PayloadReading
package import ValueStreamCore
package import APIClient

/// What of GitHub is wanted.
package struct GitHubSelection: Sendable {
  package var repositories: GitHubRepositories
  package var period: RecordPeriod
  package var pageSize: Int
  /// The end of what is not over.
  package var now: Timestamp

  package init(repositories: GitHubRepositories, period: RecordPeriod, pageSize: Int, now: Timestamp) {
    self.repositories = repositories
    self.period = period
    self.pageSize = pageSize
    self.now = now
  }
}

/// Things of repositories that GraphQL lists, the newest first.
package struct GitHubRecords: RecordSource {
  /// A thing, and the time that decides whether it is wanted.
  struct Record {
    var row: [String]
    var time: Timestamp?
  }

  /// What a list is sorted by.
  enum Order {
    case updated, created

    var field: StaticString { self == .updated ? "updatedAt" : "createdAt" }
    var name: String { self == .updated ? "UPDATED_AT" : "CREATED_AT" }
  }

  let api: GitHubAPI
  let selection: GitHubSelection
  package let columns: [String]
  /// Of the repository: `pullRequests`.
  let connection: StaticString
  /// What the list is sorted by, the newest first; a thing's own time is never later.
  let order: Order
  /// Filters of the connection: `states:[MERGED],`.
  let filter: String
  /// What is asked of a thing.
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
