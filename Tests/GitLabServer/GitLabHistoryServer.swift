import Foundation
package import ValueStreamCore
package import ValueStreamTesting

/// Answers as GitLab's REST API does, and GraphQL for releases, from a history of webhook deliveries: the last state of each object, and what led to it.
///
/// It reads the deliveries with `Foundation` and not with the code under test. Lists come in pages with the header `Link`, newest first.
package struct GitLabHistoryServer: Sendable {
  /// An element of a list.
  package struct Record: Sendable {
    package var json: String
    package var updated: Timestamp
  }

  /// The lists and objects by path below `/api/v4`.
  package var lists: [String: [Record]] = [:]
  package var objects: [String: String] = [:]
  /// The full paths of the projects.
  package private(set) var projects: [String] = []

  /// - Parameter deliveries: the bodies, in order.
  package init(_ deliveries: [[UInt8]]) {
    var projects: [Int: Project] = [:]
    for body in deliveries {
      guard let body = try? JSONSerialization.jsonObject(with: Data(body)) as? Object, let object = body["project"] as? Object,
        let id = object["id"] as? Int
      else { continue }
      projects[id, default: Project(object)].take(body)
    }
    for (id, project) in projects.sorted(by: { $0.key < $1.key }) { add(project, id) }
    self.projects.sort()
  }

  package func answer(_ request: LoopbackReceiver.Request) -> HTTPResponse {
    answer(target: request.target, headers: request.headers, body: request.body)
  }

  /// - Parameter target: the path with its query, or a whole address.
  package func answer(target: String, headers: HTTPHeaders, body: [UInt8] = []) -> HTTPResponse {
    guard headers["Authorization"]?.hasPrefix("Bearer ") == true else {
      return .json(#"{"message":"401 Unauthorized"}"#, status: 401)
    }
    let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
    let query = Dictionary(
      (URLComponents(string: "?\(parts.count > 1 ? parts[1] : "")")?.queryItems ?? []).map { ($0.name, $0.value ?? "") },
      uniquingKeysWith: { $1 })
    if parts[0].hasSuffix("/api/graphql") { return releases(body) }
    guard let start = parts[0].range(of: "/api/v4")?.upperBound else { return .json("{}", status: 404) }
    var path = String(parts[0][start...])
    if path.hasSuffix("/repository/compare") { path += "?\(query["from"] ?? "")...\(query["to"] ?? "")" }
    if let object = objects[path] { return .json(object) }
    guard let list = lists[path] else { return .json(#"{"message":"404 Not found"}"#, status: 404) }
    let after = query["updated_after"].flatMap { Timestamp(rfc3339: $0) }
    let found = list.filter { record in after.map { record.updated > $0 } ?? true }
    let (size, page) = (query["per_page"].flatMap { Int($0) } ?? 20, query["page"].flatMap { Int($0) } ?? 1)
    let shown = found.dropFirst((page - 1) * size).prefix(size).map(\.json).joined(separator: ",")
    var response = HTTPResponse.json("[\(shown)]")
    let last = (found.count + size - 1) / size
    if page < last {
      response.headers["Link"] =
        "<https://x.example\(path)?page=\(page + 1)>; rel=\"next\", <https://x.example\(path)?page=\(last)>; rel=\"last\""
    }
    return response
  }

  /// Answers a query for a page of the releases of a project.
  private func releases(_ query: [UInt8]) -> HTTPResponse {
    let query = (try? JSONSerialization.jsonObject(with: Data(query)) as? Object) ?? [:]
    let variables = query["variables"] as? Object ?? [:]
    guard let list = lists["\(variables["path"] as? String ?? "") releases"] else { return .json(#"{"data":{"project":null}}"#) }
    let (start, size) = ((variables["after"] as? String).flatMap { Int($0) } ?? 0, variables["first"] as? Int ?? 20)
    let nodes = list.dropFirst(start).prefix(size).map(\.json).joined(separator: ",")
    let page = "{\"hasNextPage\":\(start + size < list.count),\"endCursor\":\"\(start + size)\"}"
    return .json(
      "{\"data\":{\"project\":{\"releases\":{\"count\":\(list.count),\"pageInfo\":\(page),\"nodes\":[\(nodes)]}}}}")
  }

  // MARK: From deliveries

  typealias Object = [String: Any]

  private struct Project {
    var object: Object
    var requests: [Int: Object] = [:]
    var lists: [String: [Object]] = [:]
    var branches: [String: [Object]] = [:]
    var pipelines: [Int: Object] = [:]
    var deployments: [Int: Object] = [:]
    var pushes: [Object] = []
    var releases: [Object] = []

    init(_ object: Object) { self.object = object }

    mutating func take(_ body: Object) {
      let attributes = body["object_attributes"] as? Object ?? [:]
      let user = (body["user"] as? Object)?["username"] as? String ?? ""
      switch body["object_kind"] as? String {
      case "merge_request": takeRequest(attributes, body["changes"] as? Object ?? [:], by: user)
      case "note":
        guard let number = (body["merge_request"] as? Object)?["iid"] as? Int else { return }
        requests[number]?["updated_at"] = attributes["created_at"]
        lists["\(number)/notes", default: []].append([
          "id": attributes["id"] ?? 0, "body": "x", "system": false, "author": ["username": user],
          "created_at": attributes["created_at"] ?? "",
        ])
      case "push":
        guard let ref = body["ref"] as? String, let commits = body["commits"] as? [Object] else { return }
        let isNew = (body["before"] as? String)?.allSatisfy { $0 == "0" } == true
        branches[ref] = (isNew ? [] : branches[ref] ?? []) + commits
        if ref == "refs/heads/main" { pushes.append(body) }
      case "pipeline":
        guard let id = attributes["id"] as? Int else { return }
        pipelines[id] = body
      case "deployment":
        guard let id = body["deployment_id"] as? Int else { return }
        var deployment = deployments[id] ?? ["started": body["status_changed_at"] ?? ""]
        deployment.merge(body) { $1 }
        deployments[id] = deployment
      case "release": releases.append(body)
      default: break
      }
    }

    private mutating func takeRequest(_ attributes: Object, _ changes: Object, by user: String) {
      guard let number = attributes["iid"] as? Int, let time = attributes["updated_at"],
        let action = attributes["action"] as? String
      else {
        return
      }
      var request = attributes
      for name in ["merged_at", "closed_at", "author"] { request[name] = requests[number]?[name] }
      let head = (attributes["last_commit"] as? Object)?["id"]
      func note(_ text: String) -> Object {
        ["id": lists.count + 1, "body": text, "system": true, "author": ["username": user], "created_at": time]
      }
      func state(_ name: String) -> Object { ["state": name, "created_at": time, "user": ["username": user]] }
      switch action {
      case "open":
        request["author"] = ["id": attributes["author_id"] ?? 0, "username": user]
        lists["\(number)/versions", default: []].append(["created_at": time, "head_commit_sha": head ?? ""])
      case "merge":
        request["merged_at"] = time
        lists["\(number)/resource_state_events", default: []].append(state("merged"))
      case "close":
        request["closed_at"] = time
        lists["\(number)/resource_state_events", default: []].append(state("closed"))
      case "approved": lists["\(number)/notes", default: []].append(note("approved this merge request"))
      case "update" where changes["draft"] != nil:
        lists["\(number)/notes", default: []].append(note("marked this merge request as **ready**"))
      case "update" where attributes["oldrev"] != nil:
        lists["\(number)/versions", default: []].append(["created_at": time, "head_commit_sha": head ?? ""])
      default: break
      }
      requests[number] = request
    }
  }

  private mutating func add(_ project: Project, _ id: Int) {
    let path = project.object["path_with_namespace"] as? String ?? ""
    projects.append(path)
    let root = "/projects/\(id)"
    var object = project.object
    object["namespace"] = ["name": project.object["namespace"]]
    object["http_url_to_repo"] = project.object["git_http_url"]
    objects["/projects/\(path.replacingOccurrences(of: "/", with: "%2F"))"] = Self.text(object)
    set("\(root)/merge_requests", project.requests.map { Self.request($0.value) })
    for (number, request) in project.requests {
      let own = "\(root)/merge_requests/\(number)"
      objects[own] = Self.text(Self.request(request))
      for name in ["notes", "versions", "resource_state_events", "resource_label_events"] {
        lists["\(own)/\(name)"] = (project.lists["\(number)/\(name)"] ?? []).map { Record(json: Self.text($0), updated: .epoch) }
      }
      let branch = "refs/heads/\(request["source_branch"] as? String ?? "")"
      lists["\(own)/commits"] = (project.branches[branch] ?? []).reversed().map { commit in
        Record(json: Self.text(Self.commit(commit, after: nil)), updated: .epoch)
      }
    }
    lists["\(root)/issues"] = []
    set("\(root)/pipelines", project.pipelines.map { Self.pipeline($0.value) })
    for (number, body) in project.pipelines {
      objects["\(root)/pipelines/\(number)"] = Self.text(Self.pipeline(body))
      let commit = Self.commit(body["commit"] as? Object ?? [:], after: nil)
      lists["\(root)/pipelines/\(number)/jobs"] = (body["builds"] as? [Object] ?? []).reversed().map { build in
        Record(json: Self.text(build.merging(["commit": commit]) { $1 }), updated: .epoch)
      }
    }
    set("\(root)/deployments", project.deployments.map { Self.deployment($0.value) })
    lists["\(path) releases"] = project.releases.reversed().map { release in
      Record(
        json: Self.text([
          "id": "gid://gitlab/Release/\(release["id"] ?? 0)", "name": release["name"] ?? "", "tagName": release["tag"] ?? "",
          "createdAt": release["created_at"] ?? "", "releasedAt": release["released_at"] ?? "",
          "commit": ["sha": (release["commit"] as? Object)?["id"]], "links": ["selfUrl": release["url"]],
        ]), updated: .epoch)
    }
    lists["\(root)/events"] = project.pushes.enumerated().reversed().map { number, push in
      let commits = push["commits"] as? [Object] ?? []
      let time = commits.last?["timestamp"] ?? ""
      var parent = push["before"] as? String
      let written = commits.map { commit -> Object in
        defer { parent = commit["id"] as? String }
        return Self.commit(commit, after: parent)
      }
      let (before, after) = (push["before"] as? String ?? "", push["after"] as? String ?? "")
      objects["\(root)/repository/compare?\(before)...\(after)"] = Self.text(["commits": written])
      let data: Object = [
        "ref_type": "branch", "ref": "main", "commit_from": before, "commit_to": after, "commit_count": commits.count,
        "action": "pushed",
      ]
      return Record(
        json: Self.text([
          "id": id * 1000 + number, "created_at": time, "push_data": data, "author_username": push["user_username"] ?? "",
        ]),
        updated: .epoch)
    }
  }

  /// Sets a list, last updated first.
  private mutating func set(_ path: String, _ objects: [Object]) {
    lists[path] = objects.map { object in
      Record(json: Self.text(object), updated: (object["updated_at"] as? String).flatMap { Timestamp(rfc3339: $0) } ?? .epoch)
    }.sorted { ($0.updated, $0.json) > ($1.updated, $1.json) }
  }

  private static func request(_ attributes: Object) -> Object {
    var request = attributes
    request["web_url"] = attributes["url"]
    request["sha"] = (attributes["last_commit"] as? Object)?["id"]
    request["labels"] = (attributes["labels"] as? [Object] ?? []).map { $0["title"] }
    for name in ["action", "oldrev", "url", "last_commit", "source", "target", "author_id"] { request[name] = nil }
    return request
  }

  private static func commit(_ commit: Object, after parent: String?) -> Object {
    [
      "id": commit["id"] ?? "", "message": commit["message"] ?? "", "committed_date": commit["timestamp"] ?? "",
      "parent_ids": [parent].compactMap { $0 },
    ]
  }

  private static func pipeline(_ body: Object) -> Object {
    var pipeline = body["object_attributes"] as? Object ?? [:]
    pipeline["web_url"] = pipeline["url"]
    pipeline["url"] = nil
    pipeline["updated_at"] = pipeline["finished_at"]
    pipeline["user"] = body["user"]
    if let number = (body["merge_request"] as? Object)?["iid"] as? Int { pipeline["ref"] = "refs/merge-requests/\(number)/head" }
    return pipeline
  }

  private static func deployment(_ body: Object) -> Object {
    [
      "id": body["deployment_id"] ?? 0, "status": body["status"] ?? "", "created_at": body["started"] ?? "",
      "updated_at": body["status_changed_at"] ?? "", "ref": body["ref"] ?? "", "user": body["user"] ?? NSNull(),
      "sha": (body["commit_url"] as? String)?.split(separator: "/").last.map(String.init) ?? "", "deployable": NSNull(),
      "environment": [
        "name": body["environment"] ?? "", "slug": body["environment_slug"] ?? "", "tier": body["environment_tier"] ?? "",
      ],
    ]
  }

  private static func text(_ object: Object) -> String {
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }
}

extension GitLabHistoryServer: HTTPTransport {
  package func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
    answer(target: request.url, headers: request.headers, body: request.body)
  }
}
