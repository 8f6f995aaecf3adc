import APIClient
import GitHubAPI
import PayloadReading
import ValueStreamCore

/// Deployments with their statuses, and the runs that made them.
extension GitHubImporter {
  func deployments(of repository: GitHubImportRepository, after cursor: String?) async throws(APIError) -> Page {
    let place = cursor.flatMap { NumberedCursor($0) } ?? NumberedCursor(position: 1)
    let path = "/repos/\(repository.fullName)/deployments?per_page=\(Self.pageSize)&page=\(place.position)"
    let (listing, hasMore) = try await api.get(path) { document, links throws(APIError) in
      (try document.records(), links.next != nil)
    }
    let new = listing.items.filter { ($0.int("id") ?? 0) < place.last }
    let wanted = new.filter { selection.period.contains($0.time("created_at")) }
    let known = try await statuses(of: wanted.compactMap { $0.text("node_id") })
    var body = GitHubImportBody(of: repository)
    var page = Page(rows: [], next: nil, notes: listing.notes, missing: listing.missing)
    var runs: [Int64: GitHubDeployingRun?] = [:]
    for deployment in wanted {
      guard let id = deployment.int("id") else { continue }
      let statuses: [GitHubDeploymentStatus]
      do throws(APIError) {
        if let found = deployment.text("node_id").flatMap({ known[$0] }) {
          statuses = found
        } else {
          statuses = try await self.statuses(ofDeployment: id, in: repository)
        }
      } catch {
        guard error.concern != .everything else { throw error }
        page.missing += 1
        page.notes.append("the statuses of deployment \(id) are missing: \(error)")
        statuses = []
      }
      let place = statuses.lazy.compactMap { $0.log.flatMap(GitHubJobPlace.init) }.first
      var run: GitHubDeployingRun?
      if let place {
        if let known = runs[place.run] { run = known } else { run = try await self.run(place.run, in: repository) }
        runs[place.run] = run
        if let known = run, let job = place.job, known.attempt > 1 {
          run?.attempt = try await attempt(ofJob: job, in: repository) ?? known.attempt
        }
      }
      body.addDeployment(deployment, statuses, job: place?.job, run: run)
    }
    let next = NumberedCursor(position: place.position + 1, last: new.last?.int("id") ?? place.last)
    let isOver = !hasMore || selection.period.isOver(at: listing.items.last?.time("created_at"))
    page.rows = body.deliveries
    page.reached = listing.items.last?.time("created_at")
    page.next = isOver ? nil : next.description
    return page
  }

  /// Reads the statuses of several deployments at once.
  private func statuses(of ids: [String]) async throws(APIError) -> [String: [GitHubDeploymentStatus]] {
    let query = """
      query($ids:[ID!]!){nodes(ids:$ids){... on Deployment{id statuses(first:50){pageInfo{hasNextPage} \
      nodes{state createdAt updatedAt logUrl environmentUrl environment description}}}}}
      """
    let found = try await api.graphQL.nodes(query, ids: ids, size: 50) { node throws(APIError) -> [GitHubDeploymentStatus]? in
      // REST has the others.
      guard node.object("statuses")?.object("pageInfo")?.bool("hasNextPage") == false else { return nil }
      return node.nodes("statuses").compactMap { GitHubDeploymentStatus(node: $0) }
    }
    return found.compactMapValues { $0 }
  }

  private func statuses(
    ofDeployment id: Int64, in repository: GitHubImportRepository
  ) async throws(APIError) -> [GitHubDeploymentStatus] {
    var statuses: [GitHubDeploymentStatus] = []
    for page in 1...Self.statusPages {
      let path = "/repos/\(repository.fullName)/deployments/\(id)/statuses?per_page=100&page=\(page)"
      let hasMore = try await api.get(path) { document, links throws(APIError) in
        statuses += try document.list().compactMap { GitHubDeploymentStatus($0) }
        return links.next != nil
      }
      if !hasMore { break }
    }
    return statuses
  }

  private static let statusPages = 100

  private func run(_ id: Int64, in repository: GitHubImportRepository) async throws(APIError) -> GitHubDeployingRun? {
    do throws(APIError) {
      let path = "/repos/\(repository.fullName)/actions/runs/\(id)?exclude_pull_requests=true"
      return try await api.get(path) { document, _ throws(APIError) in GitHubDeployingRun(try document.object()) }
    } catch {
      // Runs vanish before deployments do, and the token may not see them.
      guard [.notFound, .forbidden].contains(error.code) else { throw error }
      return nil
    }
  }

  private func attempt(ofJob id: Int64, in repository: GitHubImportRepository) async throws(APIError) -> Int64? {
    do throws(APIError) {
      let path = "/repos/\(repository.fullName)/actions/jobs/\(id)"
      return try await api.get(path) { document, _ throws(APIError) in try document.object().int("run_attempt") }
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }
}

/// A status of a deployment.
struct GitHubDeploymentStatus: Sendable, Hashable {
  var state: String
  var created: Timestamp
  var updated: Timestamp?
  var log: String?
  var address: String?
  var environment: String?
  var text: String?

  /// Reads a status of the REST API.
  init?(_ status: PayloadObject) {
    guard let state = status.text("state"), let created = status.time("created_at") else { return nil }
    (self.state, self.created, updated) = (state, created, status.time("updated_at"))
    log = status.text("log_url") ?? status.text("target_url")
    address = status.text("environment_url")
    environment = status.text("environment")
    text = status.text("description")
  }

  /// Reads a status of the GraphQL API.
  init?(node: PayloadObject) {
    guard let state = node.text("state")?.lowercased(), let created = node.time("createdAt") else { return nil }
    (self.state, self.created, updated) = (state, created, node.time("updatedAt"))
    log = node.text("logUrl")
    address = node.text("environmentUrl")
    environment = node.text("environment")
    text = node.text("description")
  }

  var json: JSONMember {
    .object([
      JSONPair("state", .text(state)), JSONPair("created_at", .time(created)), JSONPair("updated_at", .time(updated ?? created)),
      JSONPair("description", .text(text)), JSONPair("environment", .text(environment)),
      JSONPair("environment_url", .text(address)),
      JSONPair("log_url", .text(log)), JSONPair("target_url", .text(log)),
    ])
  }
}

/// The run and the job in the address of a log: `https://github.com/acme/site/actions/runs/123/job/456`.
struct GitHubJobPlace: Sendable, Hashable {
  var run: Int64
  var job: Int64?

  init?(_ address: String) {
    let parts = address.split(separator: "/")
    guard let runs = parts.lastIndex(of: "runs"), runs > 0, parts[runs - 1] == "actions", parts.count > runs + 1,
      let run = Int64(parts[runs + 1])
    else { return nil }
    self.run = run
    job = parts.count > runs + 3 && parts[runs + 2] == "job" ? Int64(parts[runs + 3].prefix { $0.isNumber }) : nil
  }
}

/// What the deliveries of a deployment say of the run that made it.
struct GitHubDeployingRun: Sendable, Hashable {
  private var members: [JSONPair] = []
  private var workflow: [JSONPair] = []
  var attempt: Int64

  init?(_ run: PayloadObject) {
    guard let id = run.int("id") else { return nil }
    attempt = run.int("run_attempt") ?? 1
    members = [JSONPair("id", .number(id))]
    for name in ["name", "path", "event", "head_sha", "head_branch", "html_url"] as [StaticString] {
      members.append(JSONPair("\(name)", .text(run.text(name))))
    }
    if let number = run.int("run_number") { members.append(JSONPair("run_number", .number(number))) }
    workflow = [JSONPair("name", .text(run.text("name"))), JSONPair("path", .text(run.text("path")))]
    if let id = run.int("workflow_id") { workflow.append(JSONPair("id", .number(id))) }
  }

  var json: [JSONPair] {
    [
      JSONPair("workflow_run", .object(members + [JSONPair("run_attempt", .number(attempt))])),
      JSONPair("workflow", .object(workflow)),
    ]
  }
}

extension GitHubImportBody {
  /// Adds the deliveries of a deployment and its statuses.
  ///
  /// - Parameters:
  ///   - job: the job that made it; nil if no status names it.
  ///   - run: the run that made it; nil if it is unknown.
  mutating func addDeployment(
    _ deployment: PayloadObject, _ statuses: [GitHubDeploymentStatus], job: Int64?, run: GitHubDeployingRun?
  ) {
    guard let id = deployment.int("id"), let created = deployment.time("created_at") else { return }
    let maker = (run?.json ?? []) + (job.map { [JSONPair("check_run", .object([JSONPair("id", .number($0))]))] } ?? [])
    add("deployment", "created", id: ("deployment", "\(id)", "created"), at: created) { json in
      json.member("deployment", deployment)
      json.members(maker)
    }
    for status in statuses.sorted(by: { ($0.created, $0.state) < ($1.created, $1.state) }) {
      let version = "\(status.state).\(status.created.seconds)"
      add("deployment_status", "created", id: ("deployment_status", "\(id)", version), at: status.created) { json in
        json.name("deployment_status")
        json.value(status.json)
        json.member("deployment", deployment)
        json.members(maker)
      }
    }
  }
}
