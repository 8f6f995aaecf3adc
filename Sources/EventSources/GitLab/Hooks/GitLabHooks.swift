package import APIClient
import GitLabWebhooks
package import Hooks
import PayloadReading
package import ValueStreamCore

/// The webhooks of a project or a group of GitLab.
///
/// Source: GitLab Docs, "Project webhooks API" and "Group webhooks API".
package struct GitLabHooks: HookService {
  package enum Owner: Sendable, Hashable {
    /// The path of a project, or its id: `acme/site`.
    case project(String)
    /// The path of a group, or its id.
    case group(String)

    fileprivate var path: String {
      switch self {
      case .project(let path): "/projects/\(PercentEncoding.encode(path))"
      case .group(let path): "/groups/\(PercentEncoding.encode(path))"
      }
    }
  }

  private let owner: Owner
  private let base: String
  private let headers: HTTPHeaders
  private let client: APIClient

  /// Creates a service.
  ///
  /// - Parameter address: the address of the server without a trailing slash: `https://gitlab.com`.
  package init(_ owner: Owner, at address: String, token: Secret, client: APIClient) {
    self.owner = owner
    base = "\(address)/api/v4\(owner.path)/hooks"
    headers = ["Authorization": BasicAuthorization.header(user: nil, token: token.bytes), "Accept": "application/json"]
    self.client = client
  }

  package var source: String { "gitlab" }
  package var events: [String] { GitLabSource.hookEvents }
  package var history: (any HookHistory)? { self }

  package var place: String {
    switch owner {
    case .project(let path): "the project \(path)"
    case .group(let path): "the group \(path)"
    }
  }

  package func hooks() async throws(APIError) -> [Hook] {
    var hooks: [Hook] = []
    var page: String? = "1"
    var trail = CursorTrail(of: "the webhooks of \(place)")
    while let number = page {
      page = try await ask("GET", "?per_page=100&page=\(number)") { document, headers throws(APIError) in
        hooks += (try document?.list() ?? []).compactMap { Self.hook($0) }
        return Self.nextPage(headers)
      }
      try trail.follow(page)
    }
    return hooks
  }

  package func create(_ plan: HookPlan) async throws(APIError) -> Hook {
    try await ask("POST", "", Self.body(plan), isRepeatable: false) { document, _ throws(APIError) in
      try Self.changed(document, plan)
    }
  }

  package func update(_ hook: Hook, to plan: HookPlan) async throws(APIError) -> Hook {
    // Events that are not named stay as they are.
    try await ask("PUT", "/\(PercentEncoding.encode(hook.id))", Self.body(plan)) { document, _ throws(APIError) in
      try Self.changed(document, plan)
    }
  }

  /// Sends the last push again as a test, which also switches a webhook on again that GitLab has switched off.
  package func ping(_ hook: Hook) async throws(APIError) -> HookPing {
    do throws(APIError) {
      try await ask("POST", "/\(PercentEncoding.encode(hook.id))/test/push_events") { _, _ in }
      return .sent
    } catch {
      // A project without commits has nothing to send. GitLab also answers so if the receiver fails.
      guard error.code == .refused || error.code == .notFound else { throw error }
      return .unavailable("GitLab sent no test: \(error.description)")
    }
  }

  // MARK: Requests

  private func ask<Value>(
    _ method: String, _ path: String, _ body: JSONWriter? = nil, isRepeatable: Bool = true,
    read: (APIDocument?, HTTPHeaders) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    do throws(APIError) {
      return try await client.send(method, base + path, headers: headers, json: body, isRepeatable: isRepeatable) {
        response throws(APIError) in
        try read(try .ifPresent(in: response), response.headers)
      }
    } catch {
      throw explained(error)
    }
  }

  private static func nextPage(_ headers: HTTPHeaders) -> String? {
    headers["X-Next-Page"].flatMap { Int($0) }.map(String.init)
  }

  private static func body(_ plan: HookPlan) -> JSONWriter {
    var body = JSONWriter()
    body.object { json in
      json.member("url", plan.address)
      for event in plan.events { json.member(event, true) }
      json.member("enable_ssl_verification", true)
      if let secret = plan.secret {
        json.member(isSigning(secret) ? "signing_token" : "token", String(decoding: secret.bytes, as: UTF8.self))
      }
    }
    return body
  }

  private static func isSigning(_ secret: Secret) -> Bool { secret.bytes.starts(with: Array("whsec_".utf8)) }

  private static func changed(_ document: APIDocument?, _ plan: HookPlan) throws(APIError) -> Hook {
    guard let object = try document?.object(), var hook = hook(object) else {
      throw APIError(.malformed, "the answer does not show the webhook")
    }
    // Versions before 19.0 ignore a signing token.
    if plan.secret.map(isSigning) == true, object.bool("signing_token_present") != true { hook.hasSecret = false }
    return hook
  }

  private static func hook(_ object: PayloadObject) -> Hook? {
    guard let id = object.identifier() else { return nil }
    var hook = Hook(id: id, address: object.text("url") ?? "")
    hook.events = object.value.members.filter { $0.name.hasSuffix("_events") && $0.value.bool == true }.map(\.name).sorted()
    hook.verifiesCertificate = object.bool("enable_ssl_verification")
    if let token = object.bool("token_present") { hook.hasSecret = token || object.bool("signing_token_present") == true }
    switch object.text("alert_status") {
    case "disabled": hook.trouble = "GitLab has switched it off, because it failed too often"
    case "temporarily_disabled":
      let end = object.text("disabled_until").map { " until \($0)" } ?? ""
      hook.trouble = "GitLab holds it back\(end), because it failed several times in a row"
    default: break
    }
    return hook
  }

  private func explained(_ error: APIError) -> APIError {
    var error = error
    let rights =
      switch owner {
      case .project(let path): "the token needs the scope api, and its user must be a maintainer of \(path)"
      case .group(let path):
        "the token needs the scope api, its user must be an owner of \(path), and group webhooks need a paid plan"
      }
    switch error.code {
    case .forbidden: error.description += "; \(rights)"
    case .notFound: error.description += "; there is no such place or webhook, or the token may not see it: \(rights)"
    default: break
    }
    return error
  }
}

extension GitLabHooks: HookHistory {
  /// GitLab keeps events for seven days.
  package var reachSeconds: Double { 7 * 86_400 - 600 }

  /// What GitLab sends again in three minutes.
  package var redeliveriesPerRun: Int { 15 }

  package func page(of hook: Hook, after cursor: String?) async throws(APIError) -> HookDeliveryPage {
    // Each event has its whole payload, so pages are small.
    let query = "?per_page=20&page=\(cursor ?? "1")"
    return try await ask("GET", "/\(PercentEncoding.encode(hook.id))/events\(query)") { document, headers throws(APIError) in
      HookDeliveryPage(
        (try document?.list() ?? []).compactMap(Self.delivery), next: Self.nextPage(headers), serverTime: headers.date)
    }
  }

  private static func delivery(_ object: PayloadObject) -> HookDelivery? {
    guard let id = object.identifier() else { return nil }
    let headers = object.object("request_headers")
    // GitLab says "internal error" if no answer came.
    let status = object.text("response_status") ?? ""
    let answer = HookAnswer(
      status: Int(status) ?? object.int("response_status").map { Int(clamping: $0) } ?? 0, text: Int(status) == nil ? status : "")
    // A resent event keeps its key.
    return HookDelivery(
      id: id, event: headers?.text("webhook-id") ?? headers?.text("Idempotency-Key") ?? id, time: object.time("created_at"),
      type: object.object("request_data")?.text("object_kind") ?? object.text("trigger") ?? "", answer: answer)
  }

  /// Sends an event again. GitLab allows five of these requests a minute.
  package func redeliver(_ delivery: HookDelivery, of hook: Hook) async throws(APIError) -> HookAnswer? {
    let path = "/\(PercentEncoding.encode(hook.id))/events/\(PercentEncoding.encode(delivery.id))/resend"
    return try await ask("POST", path) { document, _ throws(APIError) in
      try document?.object().int("response_status").map { HookAnswer(status: Int(clamping: $0)) }
    }
  }

  package func isRead(_ delivery: HookDelivery) -> Bool { GitLabSource.reads(kind: delivery.type) }
}
