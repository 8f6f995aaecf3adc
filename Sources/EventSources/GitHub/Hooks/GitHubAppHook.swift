package import APIClient
package import GitHubAPI
import GitHubWebhooks
package import Hooks
import PayloadReading
import ValueStreamCore

/// The webhook of a GitHub App. An App has only one, and its events stand in the settings of the App.
///
/// Source: GitHub Docs, REST API, "GitHub App webhooks".
package struct GitHubAppHook: HookService {
  private let requests: GitHubHookRequests

  /// Creates a service that signs in as the App.
  package init(_ token: GitHubAppToken, _ address: GitHubAddress, client: APIClient) {
    requests = GitHubHookRequests(address, client: client) { () throws(APIError) in try "Bearer \(token.text())" }
  }

  package var source: String { "github" }
  package var place: String { "the GitHub App" }
  package var events: [String] { GitHubSource.hookEvents }
  package var hasOneWebhook: Bool { true }

  package var manualRemedy: String? {
    "tick them in the settings of the App under Permissions & events; each owner must accept the permissions they need"
  }

  package var history: (any HookHistory)? {
    GitHubHookHistory(
      requests: requests, path: { _ in "/app/hook/deliveries" }, events: Set(events), explain: { Self.explained($0) })
  }

  package func hooks() async throws(APIError) -> [Hook] {
    do throws(APIError) {
      let events = try await requests.send("GET", "/app") { document, _ throws(APIError) in
        try document?.object().texts("events")
      }
      return try await requests.send("GET", "/app/hook/config") { document, _ throws(APIError) in
        try Self.hook(document, events).map { [$0] } ?? []
      }
    } catch {
      // An App without a webhook has no configuration of it.
      if error.code == .notFound { return [] }
      throw Self.explained(error)
    }
  }

  package func create(_ plan: HookPlan) async throws(APIError) -> Hook { try await change(plan, events: nil) }

  package func update(_ hook: Hook, to plan: HookPlan) async throws(APIError) -> Hook {
    try await change(plan, events: hook.events)
  }

  private func change(_ plan: HookPlan, events: [String]?) async throws(APIError) -> Hook {
    var body = JSONWriter()
    body.object { json in
      json.member("url", plan.address)
      json.member("content_type", "json")
      json.member("insecure_ssl", "0")
      if let secret = plan.secret { json.member("secret", String(decoding: secret.bytes, as: UTF8.self)) }
    }
    do throws(APIError) {
      return try await requests.send("PATCH", "/app/hook/config", body) { document, _ throws(APIError) in
        guard let hook = try Self.hook(document, events) else {
          throw APIError(.malformed, "the answer does not show the webhook")
        }
        return hook
      }
    } catch {
      throw Self.explained(error)
    }
  }

  package func ping(_ hook: Hook) async throws(APIError) -> HookPing {
    .unavailable("GitHub pings no App; vsperf webhooks check github tells how the next delivery was answered")
  }

  private static func hook(_ document: APIDocument?, _ events: [String]?) throws(APIError) -> Hook? {
    guard let config = try document?.object(), let url = config.text("url") else { return nil }
    var hook = Hook(id: "app", address: url)
    hook.events = events?.sorted()
    hook.read(config)
    return hook
  }

  private static func explained(_ error: APIError) -> APIError {
    var error = error
    switch error.code {
    case .unauthorized:
      error.description += " Check --app, the key file, and this machine's clock: GitHub takes no token from another time"
    case .forbidden, .notFound: error.description += "; only the App itself may do this, with its own key"
    default: break
    }
    return error
  }
}
