import APIClient
import GitHubAPI
import PayloadReading
import ValueStreamCore

/// Pushes from the activity of the repository, and releases.
extension GitHubImporter {
  /// Reads pushes to the deployed branches with their commits, and those to branches of pull requests with their times.
  func pushes(of repository: GitHubImportRepository, after cursor: String?) async throws(APIError) -> Page {
    let after = cursor.map { "&after=\($0)" } ?? ""
    let path = "/repos/\(repository.fullName)/activity?per_page=100&direction=desc\(after)"
    let (listing, nextAfter) = try await api.get(path) { document, links throws(APIError) in
      (try document.records(), links.next.flatMap { PageLinks.parameter("after", of: $0) })
    }
    let deployed = Set(branches(of: repository).map { "refs/heads/\($0)" })
    let pushes = listing.items.filter { selection.period.contains($0.time("timestamp")) }.compactMap { GitHubPush($0) }
    let others = pushes.filter { !deployed.contains($0.ref) && $0.before != nil && $0.after != nil }
    let changes = try await changes(ofBranches: others.compactMap(\.branch), in: repository)
    var body = GitHubImportBody(of: repository)
    var page = Page(rows: [], next: nil, notes: listing.notes, missing: listing.missing)
    for push in pushes where deployed.contains(push.ref) {
      var commits: [GitHubPushedCommit] = []
      if let before = push.before, let after = push.after {
        do throws(APIError) {
          commits = try await self.commits(from: before, to: after, in: repository)
        } catch {
          // After a forced push the former commits may be gone.
          guard error.code == .notFound || error.concern == .unclear else { throw error }
          page.missing += error.code == .notFound ? 0 : 1
          page.notes.append("the commits of a push to \(push.branch ?? push.ref) at \(push.time.rfc3339) are missing: \(error)")
        }
      }
      body.addPush(push, commits)
    }
    for push in others {
      for change in changes[push.branch ?? ""] ?? [] where change.isOpen(at: push.time) { body.addUpdate(of: change, by: push) }
    }
    page.rows = body.deliveries
    page.reached = listing.items.last?.time("timestamp")
    page.next = selection.period.isOver(at: listing.items.last?.time("timestamp")) ? nil : nextAfter
    return page
  }

  /// Returns the pull requests from branches of the repository itself, by branch.
  private func changes(
    ofBranches branches: [String], in repository: GitHubImportRepository
  ) async throws(APIError) -> [String: [GitHubBranchChange]] {
    let (owner, name) = RecordText.split(repository.fullName)
    var found: [String: [GitHubBranchChange]] = [:]
    var rest = Set(branches).sorted()[...]
    while !rest.isEmpty {
      let some = Array(rest.prefix(Self.branchesAtOnce))
      rest = rest.dropFirst(some.count)
      let names = some.indices.map { "$b\($0):String!" }.joined(separator: ",")
      let lists = some.indices.map { "b\($0):pullRequests(headRefName:$b\($0),\(GitHubBranchChange.selection)" }
      let query =
        "query($owner:String!,$name:String!,$first:Int!,\(names)){repository(owner:$owner,name:$name){\(lists.joined(separator: " "))}}"
      let variables =
        [("owner", .text(owner)), ("name", .text(name))] + some.enumerated().map { ("b\($0)", GraphQL.Variable.text($1)) }
      try await api.graphQL.page(query, variables, size: 5) { answer throws(APIError) in
        guard let lists = answer.data?.object("repository") else {
          throw answer.errors.first ?? APIError(.notFound, "there is no repository \(repository.fullName)")
        }
        // The members have the names of the variables, so they are read in their order.
        for (alias, list) in lists.value.members {
          guard let index = Int(alias.dropFirst()), some.indices.contains(index),
            let list = PayloadObject(list, path: "$.\(alias)")
          else { continue }
          found[some[index]] = list.objects("nodes").compactMap { GitHubBranchChange($0, branch: some[index], of: repository) }
        }
      }
    }
    return found
  }

  private static let branchesAtOnce = 25

  /// Returns the commits that a push brought, oldest first.
  private func commits(
    from before: String, to after: String, in repository: GitHubImportRepository
  ) async throws(APIError) -> [GitHubPushedCommit] {
    var commits: [GitHubPushedCommit] = []
    for page in 1...Self.comparePages {
      let path = "/repos/\(repository.fullName)/compare/\(before)...\(after)?per_page=100&page=\(page)"
      let hasMore = try await api.get(path) { document, links throws(APIError) in
        let answer = try document.object()
        let new = answer.objects("commits").compactMap { GitHubPushedCommit($0) }
        commits += new
        // Only the first page has files, and they are those of all commits together.
        if page == 1, new.count == 1, links.next == nil {
          commits[0].files = answer.objects("files").compactMap { GitHubFile($0) }
        }
        return links.next != nil && !new.isEmpty
      }
      // Webhooks list at most 2,048 commits.
      if !hasMore { break }
    }
    return commits
  }

  private static let comparePages = 21

  func releases(of repository: GitHubImportRepository, after cursor: String?) async throws(APIError) -> Page {
    let number = cursor.flatMap { Int($0) } ?? 1
    let path = "/repos/\(repository.fullName)/releases?per_page=100&page=\(number)"
    let (listing, hasMore) = try await api.get(path) { document, links throws(APIError) in
      (try document.records(), links.next != nil)
    }
    var body = GitHubImportBody(of: repository)
    var notes = listing.notes
    for release in listing.items where selection.period.contains(release.time("published_at")) { body.addRelease(release) }
    if number >= 100, !hasMore, !listing.items.isEmpty { notes.append("GitHub lists only the last 10,000 releases") }
    return Page(rows: body.deliveries, next: hasMore ? "\(number + 1)" : nil, notes: notes, missing: listing.missing)
  }
}

/// A move of a branch in the activity of a repository.
struct GitHubPush: Sendable, Hashable {
  var id: String
  var ref: String
  /// Nil if the branch was created or deleted.
  var before: String?
  var after: String?
  var isForced: Bool
  var time: Timestamp

  /// The name of the branch.
  var branch: String? { ref.hasPrefix("refs/heads/") ? String(ref.dropFirst("refs/heads/".count)) : nil }

  init?(_ row: PayloadObject) {
    guard let id = row.identifier(), let time = row.time("timestamp"), let ref = row.text("ref") else { return nil }
    func commit(_ name: StaticString) -> String? {
      row.text(name).flatMap { text in text.contains { $0 != "0" } ? text : nil }
    }
    (self.id, self.time) = (id, time)
    self.ref = ref
    (before, after) = (commit("before"), commit("after"))
    isForced = row.text("activity_type") == "force_push"
    if before == nil, after == nil { return nil }
  }
}

/// A pull request from a branch of the repository, for the pushes to the branch.
struct GitHubBranchChange: Sendable, Hashable {
  private let branch: String
  private let number: Int64
  private let created: Timestamp
  private let closed: Timestamp?
  /// The members of the pull request that a push does not change.
  private let members: [JSONPair]

  /// The arguments and fields of a list in GraphQL.
  static let selection = """
    first:$first,orderBy:{field:CREATED_AT,direction:DESC}){nodes{fullDatabaseId number title body url isDraft createdAt closedAt \
    baseRefName baseRefOid headRepository{databaseId} \
    author{__typename login ... on User{databaseId} ... on Bot{databaseId}}}}
    """

  /// Nil for a pull request from another repository with a branch of the same name.
  init?(_ node: PayloadObject, branch: String, of repository: GitHubImportRepository) {
    guard let number = node.int("number"), let id = node.identifier("fullDatabaseId").flatMap({ Int64($0) }),
      let created = node.time("createdAt"), node.object("headRepository")?.int("databaseId") == repository.id
    else { return nil }
    (self.branch, self.number, self.created) = (branch, number, created)
    closed = node.time("closedAt")
    let account = node.object("author")
    let author = account.flatMap { GitHubAuthor($0) }.map { author in
      let id = account?.int("databaseId").map { [JSONPair("id", .number($0))] } ?? []
      let url = "\(repository.apiAddress)/users/\(PercentEncoding.encode(author.login))"
      return JSONMember.object([JSONPair("login", .text(author.login)), JSONPair("url", .text(url))] + id)
    }
    let base = [
      JSONPair("ref", .text(node.text("baseRefName"))), JSONPair("sha", .text(node.text("baseRefOid"))),
      JSONPair("label", .text(Self.label(node.text("baseRefName") ?? "", of: repository))),
      JSONPair("repo", .object(repository.reference)),
    ]
    members = [
      JSONPair("id", .number(id)), JSONPair("number", .number(number)), JSONPair("title", .text(node.string("title"))),
      JSONPair("body", .text(node.longString("body"))), JSONPair("html_url", .text(node.text("url"))),
      JSONPair("user", author ?? .text(nil)), JSONPair("state", .text("open")),
      JSONPair("draft", .flag(node.bool("isDraft") ?? false)),
      JSONPair("base", .object(base)), JSONPair("created_at", .time(created)),
    ]
  }

  /// A branch as GitHub shows it to people.
  private static func label(_ branch: String, of repository: GitHubImportRepository) -> String {
    "\(RecordText.split(repository.fullName).owner):\(branch)"
  }

  func isOpen(at time: Timestamp) -> Bool { created <= time && closed.map { time <= $0 } ?? true }

  /// Returns the pull request as it was after a push.
  func json(after push: GitHubPush, of repository: GitHubImportRepository) -> JSONMember {
    let head = [
      JSONPair("ref", .text(branch)), JSONPair("sha", .text(push.after)), JSONPair("repo", .object(repository.reference)),
      JSONPair("label", .text(Self.label(branch, of: repository))),
    ]
    return .object(
      members + [
        JSONPair("updated_at", .time(push.time)),
        JSONPair("head", .object(head)),
      ])
  }

  /// The id of an update in a mark.
  func id(of push: GitHubPush) -> (kind: String, id: String, version: String) { ("update", push.id, "\(number)") }
}

struct GitHubPushedCommit: Sendable, Hashable {
  var id: String
  var message: String
  var time: Timestamp?
  var parents: [String]
  /// The files that it changes; nil if they are unknown.
  var files: [GitHubFile]?

  init?(_ object: PayloadObject) {
    guard let id = object.text("sha"), let commit = object.object("commit") else { return nil }
    self.id = id
    message = commit.longString("message") ?? ""
    time = commit.object("committer")?.time("date") ?? commit.object("author")?.time("date")
    parents = object.objects("parents").compactMap { $0.text("sha") }
  }
}

struct GitHubFile: Sendable, Hashable {
  var name: String
  var former: String?
  var status: String

  init?(_ file: PayloadObject) {
    guard let name = file.text("filename") else { return nil }
    self.name = name
    former = file.text("previous_filename")
    status = file.text("status") ?? "modified"
  }
}

extension GitHubImportBody {
  /// Adds a push to a deployed branch.
  ///
  /// - Parameter commits: oldest first.
  mutating func addPush(_ push: GitHubPush, _ commits: [GitHubPushedCommit]) {
    // The first parents lead along the branch. What a merge brought was pushed before, and did not begin here.
    let parents = Dictionary(commits.map { ($0.id, $0.parents.first) }) { first, _ in first }
    var own: Set<String> = []
    var commit = push.after
    while let id = commit, let parent = parents[id], own.insert(id).inserted { commit = parent }
    let isMerge = commits.contains { $0.parents.count > 1 }
    let written = commits.map { $0.json(isDistinct: !isMerge || own.contains($0.id)) }
    let headTime = commits.last { $0.id == push.after }?.time
    addPush(
      push.ref, from: push.before, to: push.after, written, headTime: headTime, isForced: push.isForced,
      id: ("push", push.id, "1"),
      at: push.time)
  }

  /// Adds the update of a pull request by a push to its branch.
  mutating func addUpdate(of change: GitHubBranchChange, by push: GitHubPush) {
    add("pull_request", "synchronize", id: change.id(of: push), at: push.time) { [repository] json in
      json.members([
        JSONPair("before", .text(push.before)), JSONPair("after", .text(push.after)),
        JSONPair("pull_request", change.json(after: push, of: repository)),
      ])
    }
  }

  mutating func addRelease(_ release: PayloadObject) {
    guard let id = release.int("id") else { return }
    let published = release.time("published_at")
    let time = release.time("updated_at") ?? published ?? release.time("created_at") ?? .epoch
    let action = published == nil ? "created" : "published"
    add("release", action, id: ("release", "\(id)", "\(action).\(time.seconds)"), at: time) { $0.member("release", release) }
  }
}

extension GitHubPushedCommit {
  func json(isDistinct: Bool) -> JSONMember {
    var members = [
      JSONPair("id", .text(id)), JSONPair("distinct", .flag(isDistinct)), JSONPair("message", .text(message)),
      JSONPair("timestamp", .time(time)),
    ]
    if let files {
      func names(_ statuses: Set<String>) -> [String] { files.filter { statuses.contains($0.status) }.map(\.name) }
      let renamed = files.compactMap(\.former)
      members += [
        JSONPair("added", .texts(names(["added", "copied", "renamed"]))),
        JSONPair("removed", .texts(names(["removed"]) + renamed)),
        JSONPair("modified", .texts(names(["modified", "changed"]))),
      ]
    }
    return .object(members)
  }
}
