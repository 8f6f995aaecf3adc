import Payloads
package import ValueStreamCore
package import VendorAPI

/// The pull requests of repositories, the last updated first.
package struct GitHubPullRequests: RecordSource {
  package enum State: String, CaseIterable, Sendable {
    case closed = "CLOSED"
    case merged = "MERGED"
    case open = "OPEN"
  }

  private let api: GitHubAPI
  private let repositories: GitHubRepositories
  private let state: State
  private let period: RecordPeriod
  private let pageSize: Int
  private let fields: ChangeRecord.Columns
  private let now: Timestamp
  private let query: String

  /// - Parameters:
  ///   - period: of when they were merged, closed, or with `open` created.
  ///   - now: the end of what is open.
  package init(
    _ api: GitHubAPI, of repositories: GitHubRepositories, state: State, period: RecordPeriod, pageSize: Int,
    columns: ChangeRecord.Columns, now: Timestamp
  ) {
    self.api = api
    self.repositories = repositories
    self.state = state
    self.period = period
    self.pageSize = pageSize
    fields = columns
    self.now = now
    let further = """
      isDraft changedFiles headRefName baseRefName labels(first:50){nodes{name}} \
      commits(first:1){totalCount nodes{commit{authoredDate committedDate}}} \
      timelineItems(first:50,itemTypes:[READY_FOR_REVIEW_EVENT,CONVERT_TO_DRAFT_EVENT]){nodes{__typename \
      ... on ReadyForReviewEvent{createdAt} ... on ConvertToDraftEvent{createdAt}}}
      """
    query = """
      query($owner:String!,$name:String!,$first:Int!,$after:String,$states:[PullRequestState!]){repository(owner:$owner,name:$name){\
      pullRequests(first:$first,after:$after,states:$states,orderBy:{field:UPDATED_AT,direction:DESC}){totalCount \
      pageInfo{hasNextPage endCursor} nodes{id number title url state merged createdAt mergedAt closedAt updatedAt additions \
      deletions comments{totalCount} author{login} reviews(first:100){totalCount nodes{author{login} state submittedAt}} \
      \(columns == .all ? further : "")}}}}
      """
  }

  package var columns: [String] { ChangeRecord.columns(fields) }

  package func containers() async throws(APIError) -> [String] { try await repositories.list(api) }

  package func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let (owner, name) = GitHubRepositories.split(container)
    let variables: [(name: String, value: GraphQL.Variable)] = [
      ("owner", .text(owner)), ("name", .text(name)), ("after", cursor.map(GraphQL.Variable.text) ?? .null),
      ("states", .texts([state.rawValue])),
    ]
    return try await api.page(query, variables, size: min(pageSize, limit ?? pageSize)) { answer throws(APIError) in
      let page = try GitHubConnection(
        answer.data?.object("repository")?.object("pullRequests"), of: answer, what: "repository \(container)")
      // Nothing was merged after it was updated last.
      let isOver = period.isOver(at: page.nodes.last?.time("updatedAt"))
      let records = page.nodes.map { record($0, owner, name) }.filter { period.contains(Self.time($0, state)) }
      return RecordPage(
        rows: records.map { $0.row(fields, now: now) }, next: isOver ? nil : page.next,
        total: period == RecordPeriod() ? page.total : nil, notes: page.notes)
    }
  }

  /// What a period is of.
  private static func time(_ record: ChangeRecord, _ state: State) -> Timestamp? {
    switch state {
    case .merged: record.mergedAt
    case .closed: record.closedAt
    case .open: record.createdAt
    }
  }

  private func record(_ node: PayloadObject, _ owner: String, _ name: String) -> ChangeRecord {
    var record = ChangeRecord()
    record.owner = owner
    record.repository = name
    record.createdAt = node.time("createdAt")
    record.mergedAt = node.time("mergedAt")
    record.isMerged = node.bool("merged") ?? (record.mergedAt != nil)
    record.closedAt = node.time("closedAt")
    record.updatedAt = node.time("updatedAt")
    record.comments = node.object("comments")?.int("totalCount")
    record.additions = node.int("additions")
    record.deletions = node.int("deletions")
    record.id = node.identifier() ?? ""
    record.author = node.object("author")?.text("login") ?? ""
    record.url = node.text("url") ?? ""
    record.title = node.text("title") ?? ""
    let reviews = node.object("reviews")?.objects("nodes") ?? []
    for login in reviews.compactMap({ $0.object("author")?.text("login") }) where login != record.author {
      if !record.reviewers.contains(login) { record.reviewers.append(login) }
    }
    if fields == .all { addFurther(to: &record, node, reviews) }
    return record
  }

  private func addFurther(to record: inout ChangeRecord, _ node: PayloadObject, _ reviews: [PayloadObject]) {
    record.number = node.int("number")
    record.state = node.text("state") ?? ""
    record.isDraft = node.bool("isDraft") ?? false
    let others = reviews.filter { $0.object("author")?.text("login") != record.author || record.author.isEmpty }
    record.firstReviewAt = others.compactMap { $0.time("submittedAt") }.min()
    record.approvedAt = others.filter { $0.text("state") == "APPROVED" }.compactMap { $0.time("submittedAt") }.min()
    record.reviews = node.object("reviews")?.int("totalCount")
    record.changedFiles = node.int("changedFiles")
    let commits = node.object("commits")
    record.commits = commits?.int("totalCount")
    let first = commits?.objects("nodes").first?.object("commit")
    record.firstCommitAt = first?.time("authoredDate") ?? first?.time("committedDate")
    record.headBranch = node.text("headRefName") ?? ""
    record.baseBranch = node.text("baseRefName") ?? ""
    record.labels = node.object("labels")?.objects("nodes").compactMap { $0.text("name") } ?? []
    let turns = (node.object("timelineItems")?.objects("nodes") ?? []).compactMap { item in
      item.time("createdAt").map { DraftTurn(time: $0, isReady: item.text("__typename") == "ReadyForReviewEvent") }
    }
    record.readyAt = turns.filter(\.isReady).map(\.time).max()
    record.draftSeconds = record.createdAt.map {
      DraftTurn.draftSeconds(turns, from: $0, to: record.end(now: now), isDraftAtEnd: record.isDraft)
    }
  }
}

/// When a pull request became a draft, or ceased to be one.
struct DraftTurn {
  var time: Timestamp
  var isReady: Bool

  /// How long it was a draft. Whether it began as one, the first turn tells, else how it ended.
  static func draftSeconds(_ turns: [DraftTurn], from start: Timestamp, to end: Timestamp, isDraftAtEnd: Bool) -> Double {
    let turns = turns.sorted { $0.time < $1.time }
    var isDraft = turns.first?.isReady ?? isDraftAtEnd
    var since = start
    var seconds = 0.0
    for turn in turns {
      if isDraft { seconds += max(0, turn.time.seconds(since: since)) }
      isDraft = !turn.isReady
      since = turn.time
    }
    if isDraft { seconds += max(0, end.seconds(since: since)) }
    return seconds
  }
}
