package import APIClient
package import Hooks
import PayloadReading
package import ValueStreamCore

/// The webhooks of a Trello token. Each watches one board.
///
/// Source: Atlassian Developer, Trello REST API, "Webhooks" and "Tokens".
package struct TrelloHooks: HookService {
  private let address: String
  private let token: Secret
  private let authorization: String
  private let client: APIClient

  /// Creates a service.
  ///
  /// - Parameters:
  ///   - address: the address of the API without a trailing slash.
  ///   - key: the key of the app, which is no secret.
  ///   - token: the token of a user who sees the boards.
  package init(_ address: String, key: String, token: Secret, client: APIClient) {
    self.address = address
    self.token = token
    // The header keeps the token out of addresses, as far as Trello allows.
    authorization = "OAuth oauth_consumer_key=\"\(key)\", oauth_token=\"\(String(decoding: token.bytes, as: UTF8.self))\""
    self.client = client
  }

  package var source: String { "trello" }
  package var place: String { "the Trello token" }
  package var hasWebhookPerScope: Bool { true }
  /// Trello sends everything.
  package var events: [String] { [] }
  /// Trello tries three times, but shows no past deliveries.
  package var history: (any HookHistory)? { nil }

  package func hooks() async throws(APIError) -> [Hook] {
    // This path holds the token, so messages name the request instead.
    let path = "/1/tokens/\(PercentEncoding.encode(String(decoding: token.bytes, as: UTF8.self)))/webhooks"
    return try await ask("GET", path, as: "Trello's list of the token's webhooks") { document throws(APIError) in
      try document.list().compactMap(Self.hook)
    }
  }

  /// Returns the id of a board.
  ///
  /// - Parameter board: its short link, as in its address, or its id.
  package func board(_ board: String) async throws(APIError) -> String {
    try await ask("GET", "/1/boards/\(PercentEncoding.encode(board))?fields=name") { document throws(APIError) in
      guard let id = try document.object().text("id") else { throw APIError(.malformed, "the answer does not show the board") }
      return id
    }
  }

  package func create(_ plan: HookPlan) async throws(APIError) -> Hook {
    try await ask("POST", "/1/webhooks", Self.body(plan), isRepeatable: false, read: Self.changed)
  }

  package func update(_ hook: Hook, to plan: HookPlan) async throws(APIError) -> Hook {
    try await ask("PUT", "/1/webhooks/\(PercentEncoding.encode(hook.id))", Self.body(plan), read: Self.changed)
  }

  /// Deletes a webhook.
  package func delete(_ id: String) async throws(APIError) {
    try await ask("DELETE", "/1/webhooks/\(PercentEncoding.encode(id))") { _ in }
  }

  package func ping(_ hook: Hook) async throws(APIError) -> HookPing {
    .unavailable("Trello asked the address with HEAD; move a card to see whether it arrives")
  }

  private static func body(_ plan: HookPlan) -> JSONWriter {
    var body = JSONWriter()
    body.object { json in
      json.member("description", "ValueStream")
      json.member("callbackURL", plan.address)
      if let board = plan.scope { json.member("idModel", board) }
      json.member("active", true)
    }
    return body
  }

  private static func changed(_ document: APIDocument) throws(APIError) -> Hook {
    guard let hook = hook(try document.object()) else { throw APIError(.malformed, "the answer does not show the webhook") }
    return hook
  }

  private static func hook(_ object: PayloadObject) -> Hook? {
    guard let id = object.text("id") else { return nil }
    var hook = Hook(id: id, address: object.text("callbackURL") ?? "")
    hook.scope = object.text("idModel")
    hook.isActive = object.bool("active") ?? true
    if let failures = object.int("consecutiveFailures"), failures > 0 {
      let since = object.text("firstConsecutiveFailDate").map { ", since \($0)" } ?? ""
      hook.trouble = "its last \(failures) deliveries failed\(since); Trello switches off a webhook that fails for 30 days"
    }
    return hook
  }

  private func ask<Value>(
    _ method: String, _ path: String, _ body: JSONWriter? = nil, as place: String? = nil, isRepeatable: Bool = true,
    read: (APIDocument) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    do throws(APIError) {
      return try await client.send(
        method, address + path, headers: ["Authorization": authorization, "Accept": "application/json"], json: body, as: place,
        isRepeatable: isRepeatable
      ) { response throws(APIError) in
        try read(try APIDocument(response))
      }
    } catch {
      throw Self.explained(error)
    }
  }

  private static func explained(_ error: APIError) -> APIError {
    var error = error
    switch error.code {
    case .unauthorized, .forbidden:
      error.description += "; --key and the token must belong together, and the token's user must see the board"
    case .notFound: error.description += "; there is no such board or webhook, or the token's user does not see it"
    case .refused where error.description.contains("did not return 200"):
      error.description += "; vsd must run and be reachable there before the webhook is made"
    default: break
    }
    return error
  }
}
