import Foundation
import Synchronization
package import ValueStreamCore
package import ValueStreamTesting

/// Answers as GitHub's REST and GraphQL APIs do, from a history.
///
/// Lists come in pages with the header `Link`, newest first, and with the limits of GitHub.
package struct GitHubHistoryServer: Sendable {
  package var history: GitHubHistory {
    didSet { details = Self.details(of: history) }
  }
  /// What GraphQL tells, by node id.
  private var details: [String: String]
  /// The path of the REST API, such as `/api/v3` of a GitHub Enterprise Server.
  package var prefix = ""
  /// The greatest number of runs that GitHub lists with a filter.
  package var runLimit = 1000
  /// The ids of nodes that GraphQL answers with null.
  package var brokenNodes: Set<String> = []
  /// The former names of repositories.
  package var formerNames: [String: String] = [:]

  package init(_ history: GitHubHistory) {
    self.history = history
    details = Self.details(of: history)
  }

  private static func details(of history: GitHubHistory) -> [String: String] {
    let records = history.repositories.values.flatMap { $0.changes + $0.issues + $0.deployments }
    return Dictionary(records.map { ($0.nodeID, $0.details) }) { first, _ in first }
  }

  package func answer(_ request: LoopbackReceiver.Request) -> HTTPResponse {
    answer(method: request.method, target: request.target, headers: request.headers, body: request.body)
  }

  /// - Parameter target: the path with its query, or a whole address.
  package func answer(method: String, target: String, headers: HTTPHeaders, body: [UInt8]) -> HTTPResponse {
    guard headers["Authorization"]?.hasPrefix("Bearer ") == true else {
      return .json(#"{"message":"Bad credentials"}"#, status: 401)
    }
    if target.hasSuffix("/graphql") { return graphQL(body) }
    guard headers["X-GitHub-Api-Version"] == "2022-11-28" else { return .json(#"{"message":"no version"}"#, status: 400) }
    let components = URLComponents(string: target)
    let query = Dictionary((components?.queryItems ?? []).map { ($0.name, $0.value ?? "") }) { first, _ in first }
    let path = (components?.path ?? "").dropFirst(prefix.count).split(separator: "/").map(String.init)
    if path == ["rate_limit"] {
      return .json(
        #"{"resources":{"core":{"limit":5000,"remaining":4000,"reset":\#(Int(Date().timeIntervalSince1970) + 1200)}}}"#)
    }
    if path.first == "repositories", path.count == 2 {
      let found = history.repositories.values.first { $0.json.contains("\"id\":\(path[1]),") }
      return found.map { .json($0.json) } ?? Self.notFound
    }
    guard path.first == "repos", path.count > 2 else { return Self.notFound }
    if let id = formerNames["\(path[1])/\(path[2])"] {
      var moved = HTTPResponse.json("{}", status: 301)
      let server =
        target.contains("://") ? target.components(separatedBy: "/repos/")[0] : "http://\(headers["Host"] ?? "")\(prefix)"
      moved.headers["Location"] = "\(server)/repositories/\(id)"
      return moved
    }
    guard let repository = history.repositories["\(path[1])/\(path[2])"] else { return Self.notFound }
    return answer(Array(path.dropFirst(3)), of: repository, Query(query, target: target))
  }

  private static var notFound: HTTPResponse { .json(#"{"message":"Not Found"}"#, status: 404) }

  private struct Query {
    let values: [String: String]
    let target: String

    init(_ values: [String: String], target: String) {
      self.values = values
      self.target = target
    }

    func number(_ name: String, _ other: Int) -> Int { values[name].flatMap { Int($0) } ?? other }
    func time(_ name: String) -> Timestamp? { values[name].flatMap { Timestamp(rfc3339: $0) } }
  }

  private func answer(_ path: [String], of repository: GitHubHistory.Repository, _ query: Query) -> HTTPResponse {
    switch (path.first ?? "", path.dropFirst().first ?? "") {
    case ("", _): return .json(repository.json)
    case ("pulls", _): return list(repository.changes.sorted(by: Self.isUpdatedLater), query)
    case ("issues", _):
      // Pull requests are among the issues.
      let changes = repository.changes.map { change in
        var change = change
        change.json = "{\"pull_request\":{},\(change.json.dropFirst())"
        return change
      }
      let since = query.time("since")
      let all = (repository.issues + changes).filter { issue in since.map { issue.updated >= $0 } ?? true }
      return list(all.sorted(by: Self.isUpdatedLater), query)
    case ("releases", _): return list(repository.releases.sorted { $0.id > $1.id }, query)
    case ("commits", _): return list(repository.activity.filter { $0.json.contains("refs/heads/main") }, query)
    case ("activity", _): return activity(repository, query)
    case ("compare", let range): return repository.comparisons[range].map { .json($0) } ?? Self.notFound
    case ("deployments", ""): return list(repository.deployments.sorted { $0.id > $1.id }, query)
    case ("actions", "jobs"):
      let job = repository.runs.lazy.flatMap(\.jobs).first { "\($0.id)" == path.last }
      return job.map { .json($0.json) } ?? Self.notFound
    case ("actions", "runs"): return actions(Array(path.dropFirst(2)), repository, query)
    default: return Self.notFound
    }
  }

  private static func isUpdatedLater(_ left: GitHubHistory.Record, _ right: GitHubHistory.Record) -> Bool {
    (left.updated, left.id) > (right.updated, right.id)
  }

  /// Answers with a page.
  ///
  /// - Parameter member: the member that holds the list; nil if it is the whole answer.
  private func list(_ records: [GitHubHistory.Record], _ query: Query, in member: String? = nil, total: Int? = nil)
    -> HTTPResponse
  {
    let (size, page) = (query.number("per_page", 30), query.number("page", 1))
    guard (1...100).contains(size), page > 0 else { return .json(#"{"message":"bad page"}"#, status: 422) }
    let shown = records.dropFirst((page - 1) * size).prefix(size).map(\.json).joined(separator: ",")
    let last = (records.count + size - 1) / size
    var response = HTTPResponse.json(
      member.map { "{\"total_count\":\(total ?? records.count),\"\($0)\":[\(shown)]}" } ?? "[\(shown)]")
    if page < last {
      let plain = query.target.split(separator: "&").filter { !$0.hasPrefix("page=") }.joined(separator: "&")
      let mark = plain.contains("?") ? "&" : "?"
      response.headers["Link"] =
        "<https://x.example\(plain)\(mark)page=\(page + 1)>; rel=\"next\", <https://x.example\(plain)\(mark)page=\(last)>; rel=\"last\""
    }
    return response
  }

  private func activity(_ repository: GitHubHistory.Repository, _ query: Query) -> HTTPResponse {
    let size = query.number("per_page", 30)
    // Cursors name the last row of the page before.
    var rows = Array(repository.activity.reversed())
    if let after = query.values["after"].flatMap({ Int($0) }), let index = rows.firstIndex(where: { $0.id == after }) {
      rows.removeSubrange(...index)
    }
    let shown = rows.prefix(size)
    var response = HTTPResponse.json("[\(shown.map(\.json).joined(separator: ","))]")
    if rows.count > size, let last = shown.last {
      response.headers["Link"] = "<https://x.example/activity?per_page=\(size)&after=\(last.id)>; rel=\"next\""
    }
    return response
  }

  private func actions(_ path: [String], _ repository: GitHubHistory.Repository, _ query: Query) -> HTTPResponse {
    guard let id = path.first else {
      let ends = (query.values["created"] ?? "").components(separatedBy: "..").compactMap { Timestamp(rfc3339: $0) }
      let runs = repository.runs.compactMap(\.attempts.last).filter { run in
        ends.count < 2 || run.created >= ends[0] && run.created <= ends[1]
      }
      let sorted = runs.sorted { $0.id > $1.id }
      return list(Array(sorted.prefix(runLimit)), query, in: "workflow_runs", total: sorted.count)
    }
    guard let run = repository.runs.first(where: { "\($0.attempts.first?.id ?? 0)" == id }), let last = run.attempts.last else {
      return Self.notFound
    }
    switch path.dropFirst().first {
    case nil: return .json(last.json)
    case "attempts":
      let number = Int(path.last ?? "") ?? 0
      return run.attempts.indices.contains(number - 1) ? .json(run.attempts[number - 1].json) : Self.notFound
    case "jobs" where query.values["filter"] == "all": return list(run.jobs, query, in: "jobs")
    default: return Self.notFound
    }
  }

  private func graphQL(_ body: [UInt8]) -> HTTPResponse {
    guard let request = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
      let query = request["query"] as? String,
      let variables = request["variables"] as? [String: Any]
    else { return .json(#"{"message":"Problems parsing JSON"}"#, status: 400) }
    if variables["login"] as? String != nil {
      guard query.contains("organization("), variables["login"] as? String == history.organization else {
        return .json(#"{"data":{"user":null},"errors":[{"type":"NOT_FOUND","message":"Could not resolve"}]}"#)
      }
      let names = history.repositories.keys.sorted().map { "{\"name\":\"\($0.split(separator: "/").last ?? "")\"}" }
      return .json(
        #"{"data":{"organization":{"repositories":{"totalCount":\#(names.count),"pageInfo":{"hasNextPage":false},"nodes":[\#(names.joined(separator: ","))]}}}}"#
      )
    }
    if let owner = variables["owner"] as? String, let name = variables["name"] as? String {
      let changes = history.repositories["\(owner)/\(name)"]?.changes ?? []
      let lists = variables.filter { $0.key.hasPrefix("b") }.map { alias, branch in
        let found = changes.filter { $0.branch == branch as? String }.sorted { $0.id > $1.id }.prefix(
          variables["first"] as? Int ?? 0)
        return "\"\(alias)\":{\"nodes\":[\(found.map(\.summary).joined(separator: ","))]}"
      }
      return .json("{\"data\":{\"repository\":{\(lists.joined(separator: ","))}}}")
    }
    let wanted = variables["ids"] as? [String] ?? []
    let nodes = wanted.map { id in
      brokenNodes.contains(id) ? "null" : details[id].map { "{\"id\":\"\(id)\",\($0)}" } ?? "null"
    }
    return .json("{\"data\":{\"nodes\":[\(nodes.joined(separator: ","))]}}")
  }
}

extension GitHubHistoryServer: HTTPTransport {
  package func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
    answer(
      method: request.method, target: request.url.replacingOccurrences(of: "https://api.github.com", with: ""),
      headers: request.headers, body: request.body)
  }
}
