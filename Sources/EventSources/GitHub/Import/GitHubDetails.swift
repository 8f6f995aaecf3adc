import APIClient
import GitHubAPI
import PayloadReading
import ValueStreamCore

/// What GraphQL tells of an issue or pull request beside its REST object: the way to its present state.
struct GitHubDetails: Sendable {
  struct Comment: Sendable, Hashable {
    var id: Int64
    var time: Timestamp
    var author: GitHubAuthor?
  }

  struct Review: Sendable {
    var id: Int64
    /// In lower case, as in webhooks.
    var state: String
    var time: Timestamp
    var author: GitHubAuthor?
    var commit: String?
    var url: String?
    /// The comments on lines.
    var comments: [Comment]
    var lacksComments: Bool
  }

  struct Commit: Sendable, Hashable {
    var id: String
    var message: String
    var time: Timestamp?
  }

  /// The numbers of the pull request that lists leave out.
  var counts: [JSONPair] = []
  var items: [GitHubTimelineItem] = []
  var comments: [Comment] = []
  var reviews: [Review] = []
  /// The commits of the branch, oldest first.
  var commits: [Commit] = []
  /// The lists with more elements than the answer has, and where they go on.
  private(set) var unfinished: [(list: List, cursor: String)] = []

  /// A list of a node.
  enum List: CaseIterable, Sendable {
    case items, comments, reviews, commits

    var member: StaticString {
      switch self {
      case .items: "timelineItems"
      case .comments: "comments"
      case .reviews: "reviews"
      case .commits: "commits"
      }
    }

    /// The fields of an element.
    func fields(isChange: Bool) -> String {
      switch self {
      case .items: isChange ? GitHubTimelineItem.changeFields : GitHubTimelineItem.issueFields
      case .comments: "fullDatabaseId createdAt \(GitHubAuthor.fields)"
      case .reviews:
        "fullDatabaseId state submittedAt url \(GitHubAuthor.fields) commit{oid} "
          + "comments(first:30){pageInfo{hasNextPage} nodes{fullDatabaseId createdAt \(GitHubAuthor.fields)}}"
      case .commits: "commit{oid message committedDate}"
      }
    }

    /// Returns the selection of a page.
    ///
    /// - Parameter size: the arguments that choose the page.
    func selection(_ size: String, isChange: Bool) -> String {
      let kinds = isChange ? GitHubTimelineItem.changeKinds : GitHubTimelineItem.issueKinds
      let filter = self == .items ? ",itemTypes:[\(kinds)]" : ""
      let count = self == .commits ? "totalCount " : ""
      return "\(member)(\(size)\(filter)){\(count)pageInfo{hasNextPage endCursor} nodes{\(fields(isChange: isChange))}}"
    }

    /// The number of elements in the first answer: enough for most, and few enough for GitHub's limit of 500,000 nodes.
    var firstSize: Int { self == .reviews ? 30 : self == .comments ? 50 : 100 }
  }

  static func lists(isChange: Bool) -> [List] { isChange ? List.allCases : [.items, .comments] }

  /// The query of several nodes.
  static func query(isChange: Bool) -> String {
    let lists = lists(isChange: isChange).map { $0.selection("first:\($0.firstSize)", isChange: isChange) }
    let counts = isChange ? " additions deletions changedFiles" : ""
    let type = isChange ? "PullRequest" : "Issue"
    return "query($ids:[ID!]!){nodes(ids:$ids){... on \(type){id\(counts) \(lists.joined(separator: " "))}}}"
  }

  /// The query of the next page of a list.
  static func query(_ list: List, isChange: Bool) -> String {
    let type = isChange ? "PullRequest" : "Issue"
    let selection = list.selection("first:$first,after:$after", isChange: isChange)
    return "query($id:ID!,$first:Int!,$after:String){node(id:$id){... on \(type){\(selection)}}}"
  }

  /// Reads a node.
  init(_ node: PayloadObject, isChange: Bool) {
    for (name, key) in [("additions", "additions"), ("deletions", "deletions"), ("changed_files", "changedFiles")]
      as [(String, StaticString)]
    {
      if let count = node.int(key) { counts.append(JSONPair(name, .number(count))) }
    }
    if let count = node.object("commits")?.int("totalCount") { counts.append(JSONPair("commits", .number(count))) }
    for list in Self.lists(isChange: isChange) {
      guard let connection = node.object(list.member) else { continue }
      append(connection.objects("nodes"), to: list)
      let page = connection.object("pageInfo")
      if page?.bool("hasNextPage") == true, let cursor = page?.text("endCursor") { unfinished.append((list, cursor)) }
    }
  }

  mutating func append(_ nodes: [PayloadObject], to list: List) {
    switch list {
    case .items: items += nodes.compactMap { GitHubTimelineItem($0) }
    case .comments: comments += nodes.compactMap { Comment($0) }
    case .reviews: reviews += nodes.compactMap { Review($0) }
    case .commits: commits += nodes.compactMap { $0.object("commit").flatMap { Commit($0) } }
    }
  }
}

extension GitHubDetails.Comment {
  init?(_ node: PayloadObject) {
    guard let id = node.identifier("fullDatabaseId").flatMap({ Int64($0) }), let time = node.time("createdAt") else { return nil }
    self.init(id: id, time: time, author: node.object("author").flatMap { GitHubAuthor($0) })
  }
}

extension GitHubDetails.Review {
  /// Nil for a review that is not submitted yet, which only its author sees.
  init?(_ node: PayloadObject) {
    guard let id = node.identifier("fullDatabaseId").flatMap({ Int64($0) }), let time = node.time("submittedAt") else {
      return nil
    }
    let comments = node.object("comments")
    self.init(
      id: id, state: node.text("state")?.lowercased() ?? "", time: time,
      author: node.object("author").flatMap { GitHubAuthor($0) },
      commit: node.object("commit")?.text("oid"), url: node.text("url"),
      comments: node.nodes("comments").compactMap { GitHubDetails.Comment($0) },
      lacksComments: comments?.object("pageInfo")?.bool("hasNextPage") == true)
  }
}

extension GitHubDetails.Commit {
  init?(_ commit: PayloadObject) {
    guard let id = commit.text("oid") else { return nil }
    self.init(id: id, message: commit.longString("message") ?? "", time: commit.time("committedDate"))
  }
}

/// The author of a comment or review.
struct GitHubAuthor: Sendable, Hashable {
  var login: String
  /// `User` or `Bot`.
  var type: String

  static let fields = "author{__typename login}"

  init?(_ node: PayloadObject) {
    guard let login = node.text("login") else { return nil }
    type = node.text("__typename") ?? "User"
    // GraphQL leaves out what marks the name of a bot in REST and webhooks.
    self.login = type == "Bot" && !login.hasSuffix("[bot]") ? "\(login)[bot]" : login
  }

  var json: JSONMember { .object([JSONPair("login", .text(login)), JSONPair("type", .text(type))]) }
}

extension GitHubImporter {
  /// Reads the details of several issues or pull requests, and the rest of long lists.
  ///
  /// - Parameter ids: the node ids.
  /// - Returns: the details by node id, without those that GitHub cannot read.
  func details(of ids: [String], isChange: Bool) async throws(APIError) -> [String: GitHubDetails] {
    var found = try await api.graphQL.nodes(GitHubDetails.query(isChange: isChange), ids: ids, size: 25) {
      node throws(APIError) in
      GitHubDetails(node, isChange: isChange)
    }
    for id in ids {
      guard var details = found[id], !details.unfinished.isEmpty else { continue }
      for (list, cursor) in details.unfinished {
        var cursor: String? = cursor
        var trail = CursorTrail(of: "the \(list.member) of \(id)", from: cursor)
        while let after = cursor {
          cursor = try await api.graphQL.page(
            GitHubDetails.query(list, isChange: isChange), [("id", .text(id)), ("after", .text(after))], size: 100
          ) { answer throws(APIError) in
            let connection = answer.data?.object("node")?.object(list.member)
            let page = try GraphQLConnection(connection, of: answer, what: "\(list.member) of \(id)")
            details.append(page.nodes, to: list)
            return page.next
          }
          try trail.follow(cursor)
        }
      }
      found[id] = details
    }
    return found
  }
}
