package import APIClient
package import Hooks
import JiraWebhooks
import PayloadReading
import ValueStreamCore

/// The webhooks of a Jira site that administrators make, for Jira Cloud and for Jira Data Center before version 10.
///
/// Source: Atlassian Developer, "Webhooks", section on registering by REST.
package struct JiraHooks: HookService {
  private let address: String
  private let authorization: String
  private let client: APIClient

  private static let name = "ValueStream"
  /// The member of the filters that limits events of issues.
  private static let filter = "issue-related-events-section"

  /// Creates a service.
  ///
  /// - Parameters:
  ///   - address: the address of the site without a trailing slash: `https://acme.atlassian.net`.
  ///   - authorization: the `Authorization` header.
  package init(_ address: String, authorization: String, client: APIClient) {
    self.address = address
    self.authorization = authorization
    self.client = client
  }

  package var source: String { "jira" }
  package var place: String { "the site \(WebAddress.withoutSecrets(address))" }
  package var events: [String] { JiraSource.hookEvents }
  /// Jira tries several times, but shows no past deliveries.
  package var history: (any HookHistory)? { nil }

  package func hooks() async throws(APIError) -> [Hook] {
    try await ask("GET", "") { document throws(APIError) in (try document?.list() ?? []).compactMap(Self.hook) }
  }

  package func create(_ plan: HookPlan) async throws(APIError) -> Hook {
    try await ask("POST", "", Self.body(plan), isRepeatable: false, read: Self.changed)
  }

  package func update(_ hook: Hook, to plan: HookPlan) async throws(APIError) -> Hook {
    var plan = plan
    // Events that somebody else wants stay, and so does a filter unless another is given.
    plan.events = Set(hook.events ?? []).union(plan.events).sorted()
    plan.scope = plan.scope ?? hook.scope
    return try await ask("PUT", "/\(PercentEncoding.encode(hook.id))", Self.body(plan), read: Self.changed)
  }

  package func ping(_ hook: Hook) async throws(APIError) -> HookPing {
    .unavailable("Jira has no ping; edit an issue to see whether it arrives")
  }

  private static func body(_ plan: HookPlan) -> JSONWriter {
    var body = JSONWriter()
    body.object { json in
      json.member("name", name)
      json.member("url", plan.address)
      json.name("events")
      json.array(plan.events) { $0.value($1) }
      json.name("filters")
      json.object { json in
        if let scope = plan.scope { json.member(filter, scope) }
      }
      json.member("excludeBody", false)
      json.member("enabled", true)
      if let secret = plan.secret { json.member("secret", String(decoding: secret.bytes, as: UTF8.self)) }
    }
    return body
  }

  private static func changed(_ document: APIDocument?) throws(APIError) -> Hook {
    guard let hook = hook(try document?.object()) else { throw APIError(.malformed, "the answer does not show the webhook") }
    return hook
  }

  private static func hook(_ object: PayloadObject?) -> Hook? {
    guard let object, let url = object.text("url") else { return nil }
    let id = object.text("self").flatMap { $0.split(separator: "/").last.map(String.init) }
    var hook = Hook(id: id ?? object.identifier() ?? "", address: url)
    hook.events = object.texts("events")?.sorted() ?? []
    hook.isActive = object.bool("enabled") ?? true
    hook.excludesBody = object.bool("excludeBody") ?? object.bool("excludeIssueDetails") ?? false
    hook.scope = object.object("filters")?.text("issue-related-events-section")
    hook.hasSecret = object.bool("isSigned")
    return hook
  }

  private func ask<Value>(
    _ method: String, _ path: String, _ body: JSONWriter? = nil, isRepeatable: Bool = true,
    read: (APIDocument?) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    do throws(APIError) {
      return try await client.send(
        method, "\(address)/rest/webhooks/1.0/webhook\(path)",
        headers: ["Authorization": authorization, "Accept": "application/json"], json: body, isRepeatable: isRepeatable
      ) { response throws(APIError) in
        try read(try .ifPresent(in: response))
      }
    } catch {
      throw Self.explained(error)
    }
  }

  private static func explained(_ error: APIError) -> APIError {
    var error = error
    switch error.code {
    case .forbidden, .unauthorized:
      error.description += "; the token's user needs the global permission Administer Jira, and --user names that user"
    case .notFound:
      error.description +=
        "; is --jira-url the site's address? Jira Data Center 10 has another API: make the webhook by hand there"
    default: break
    }
    return error
  }
}
