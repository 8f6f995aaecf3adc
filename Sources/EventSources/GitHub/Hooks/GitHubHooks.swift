package import APIClient
import GitHubWebhooks
package import Hooks
import PayloadReading
import ValueStreamCore

/// The webhooks of a repository or an organization of GitHub.
///
/// Source: GitHub Docs, REST API, "Repository webhooks", "Organization webhooks" and their deliveries.
package struct GitHubHooks: HookService {
  package enum Owner: Sendable, Hashable {
    /// A repository with its owner: `acme/site`.
    case repository(String)
    case organization(String)

    fileprivate var path: String {
      switch self {
      case .repository(let name):
        "/repos/"
          + name.split(separator: "/", omittingEmptySubsequences: false).map { PercentEncoding.encode(String($0)) }
          .joined(separator: "/")
      case .organization(let name): "/orgs/\(PercentEncoding.encode(name))"
      }
    }
  }

  private let requests: GitHubHookRequests
  private let owner: Owner

  package init(_ owner: Owner, _ requests: GitHubHookRequests) {
    self.owner = owner
    self.requests = requests
  }

  package var source: String { "github" }
  package var events: [String] { GitHubSource.hookEvents }

  package var place: String {
    switch owner {
    case .repository(let name): "the repository \(name)"
    case .organization(let name): "the organization \(name)"
    }
  }

  package var history: (any HookHistory)? {
    let base = owner.path
    return GitHubHookHistory(
      requests: requests, path: { "\(base)/hooks/\(PercentEncoding.encode($0.id))/deliveries" }, events: Set(events),
      explain: { explained($0) })
  }

  package func hooks() async throws(APIError) -> [Hook] {
    var hooks: [Hook] = []
    var query: String? = "per_page=\(GitHubHookRequests.pageSize)"
    var trail = CursorTrail(of: "the webhooks of \(place)")
    while let page = query {
      query = try await ask("GET", "/hooks?\(page)") { document, headers throws(APIError) in
        hooks += (try document?.list() ?? []).compactMap(Self.hook)
        return GitHubHookRequests.nextQuery(headers)
      }
      try trail.follow(query)
    }
    return hooks
  }

  package func create(_ plan: HookPlan) async throws(APIError) -> Hook {
    var body = JSONWriter()
    body.object { json in
      json.member("name", "web")
      Self.write(plan, to: &json)
    }
    return try await ask("POST", "/hooks", body, isRepeatable: false, read: Self.changed)
  }

  package func update(_ hook: Hook, to plan: HookPlan) async throws(APIError) -> Hook {
    // Events that somebody else wants stay.
    var plan = plan
    plan.events = hook.events.map { $0.contains("*") ? ["*"] : Set($0).union(plan.events).sorted() } ?? plan.events
    var body = JSONWriter()
    body.object { Self.write(plan, to: &$0) }
    return try await ask("PATCH", "/hooks/\(PercentEncoding.encode(hook.id))", body, read: Self.changed)
  }

  package func ping(_ hook: Hook) async throws(APIError) -> HookPing {
    try await ask("POST", "/hooks/\(PercentEncoding.encode(hook.id))/pings") { _, _ in }
    return .sent
  }

  private func ask<Value>(
    _ method: String, _ path: String, _ body: JSONWriter? = nil, isRepeatable: Bool = true,
    read: (APIDocument?, HTTPHeaders) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    do throws(APIError) {
      return try await requests.send(method, owner.path + path, body, isRepeatable: isRepeatable, read: read)
    } catch {
      throw explained(error)
    }
  }

  private static func write(_ plan: HookPlan, to json: inout JSONWriter) {
    json.member("active", true)
    json.name("events")
    json.array(plan.events) { $0.value($1) }
    json.name("config")
    json.object { json in
      json.member("url", plan.address)
      json.member("content_type", "json")
      json.member("insecure_ssl", "0")
      if let secret = plan.secret { json.member("secret", String(decoding: secret.bytes, as: UTF8.self)) }
    }
  }

  private static func changed(_ document: APIDocument?, _ headers: HTTPHeaders) throws(APIError) -> Hook {
    guard let hook = hook(try document?.object()) else {
      throw APIError(.malformed, "the answer does not show the webhook")
    }
    return hook
  }

  private static func hook(_ object: PayloadObject?) -> Hook? {
    guard let object, let id = object.identifier() else { return nil }
    let config = object.object("config")
    var hook = Hook(id: id, address: config?.text("url") ?? "")
    hook.events = object.texts("events")?.sorted() ?? []
    hook.isActive = object.bool("active") ?? true
    hook.read(config)
    if let answer = object.object("last_response"), let status = answer.int("code") {
      hook.lastAnswer = HookAnswer(status: Int(clamping: status), text: answer.text("message") ?? "")
    }
    return hook
  }

  // MARK: Rights

  /// Adds to an error which right the token needs, if it may lack it.
  private func explained(_ error: APIError) -> APIError {
    var error = error
    let rights =
      switch owner {
      case .repository(let name):
        "the token needs the scope admin:repo_hook (classic) or the repository permission Webhooks: Read and write "
          + "(fine-grained), and its user must administer \(name)"
      case .organization(let name):
        "the token needs the scope admin:org_hook (classic) or the organization permission Webhooks: Read and write "
          + "(fine-grained), and its user must be an owner of \(name)"
      }
    switch error.code {
    case .forbidden: error.description += "; \(rights)"
    // GitHub does not tell a token without the right that the place exists.
    case .notFound: error.description += "; there is no such place or webhook, or the token may not see it: \(rights)"
    default: break
    }
    return error
  }
}

extension Hook {
  /// Reads the members that GitHub keeps in the configuration of a webhook.
  mutating func read(_ config: PayloadObject?) {
    contentType = config?.text("content_type") ?? "form"
    // GitHub shows asterisks in place of a secret.
    hasSecret = config?.text("secret") != nil
    verifiesCertificate = config?.identifier("insecure_ssl") != "1"
  }
}
