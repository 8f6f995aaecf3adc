package import APIClient
package import GitHubAPI
import Hooks
import PayloadReading
package import ValueStreamCore

/// Sends the requests about webhooks to GitHub's REST API.
package struct GitHubHookRequests: Sendable {
  private let address: GitHubAddress
  private let authorization: @Sendable () throws(APIError) -> String
  private let client: APIClient

  /// The most entries of a page.
  static let pageSize = 100

  /// Creates requests that carry a token.
  package init(_ address: GitHubAddress, token: Secret, client: APIClient) {
    self.init(address, client: client) { BasicAuthorization.header(user: nil, token: token.bytes) }
  }

  /// Creates requests whose token may change.
  ///
  /// - Parameter authorization: returns the `Authorization` header of a request.
  init(_ address: GitHubAddress, client: APIClient, authorization: @escaping @Sendable () throws(APIError) -> String) {
    self.address = address
    self.client = client
    self.authorization = authorization
  }

  /// Sends a request.
  ///
  /// - Parameters:
  ///   - body: the JSON to send; nil for none.
  ///   - read: parses the response. Gets nil in place of a document if the response is empty.
  func send<Value>(
    _ method: String, _ path: String, _ body: JSONWriter? = nil, isRepeatable: Bool = true,
    read: (APIDocument?, HTTPHeaders) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    try await client.send(
      method, address.rest + path, headers: GitHubAPI.headers(authorization: try authorization()), json: body,
      isRepeatable: isRepeatable
    ) { response throws(APIError) in
      try read(try .ifPresent(in: response), response.headers)
    }
  }

  /// Returns the query of the next page, from the header `Link`. The rest of the address is not followed, so
  /// that no server can lead the token elsewhere.
  static func nextQuery(_ headers: HTTPHeaders) -> String? {
    guard let next = PageLinks(headers).next, let mark = next.firstIndex(of: "?") else { return nil }
    return String(next[next.index(after: mark)...])
  }
}

/// The deliveries of GitHub's webhooks, which all places list in the same way.
struct GitHubHookHistory: HookHistory {
  let requests: GitHubHookRequests
  /// Returns the path of the deliveries of a webhook.
  let path: @Sendable (Hook) -> String
  let events: Set<String>
  let explain: @Sendable (APIError) -> APIError

  /// GitHub keeps deliveries for three days. A few minutes less, because the list takes time to read.
  let reachSeconds = 3 * 86_400.0 - 600

  func page(of hook: Hook, after cursor: String?) async throws(APIError) -> HookDeliveryPage {
    let query = cursor ?? "per_page=\(GitHubHookRequests.pageSize)"
    do throws(APIError) {
      return try await requests.send("GET", "\(path(hook))?\(query)") { document, headers throws(APIError) in
        let deliveries = try document?.list() ?? []
        return HookDeliveryPage(
          deliveries.compactMap(Self.delivery), next: deliveries.isEmpty ? nil : GitHubHookRequests.nextQuery(headers),
          serverTime: headers.date)
      }
    } catch {
      throw explain(error)
    }
  }

  private static func delivery(_ object: PayloadObject) -> HookDelivery? {
    guard let id = object.identifier() else { return nil }
    let status = Int(clamping: object.int("status_code") ?? 0)
    return HookDelivery(
      id: id, event: object.text("guid") ?? id, time: object.time("delivered_at"), type: object.text("event") ?? "",
      answer: HookAnswer(status: status, text: object.text("status") ?? ""), isRepeated: object.bool("redelivery") ?? true)
  }

  func redeliver(_ delivery: HookDelivery, of hook: Hook) async throws(APIError) -> HookAnswer? {
    do throws(APIError) {
      try await requests.send("POST", "\(path(hook))/\(delivery.id)/attempts") { _, _ in }
    } catch {
      // Only the list says what a missing delivery means.
      throw error.code == .notFound ? error : explain(error)
    }
    return nil
  }

  func isRead(_ delivery: HookDelivery) -> Bool { events.contains(delivery.type) }
}
