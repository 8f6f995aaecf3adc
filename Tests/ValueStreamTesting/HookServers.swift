import Foundation
import Synchronization
package import ValueStreamCore

/// A fake of GitLab's API for the webhooks of the project `acme/site` and the group `acme`, with their events.
package final class GitLabHookServer: Sendable {
  package struct Event: Sendable {
    package var id: Int
    package var key: String
    package var kind: String
    /// `internal error` if no answer came.
    package var status: String

    package init(id: Int, key: String, kind: String, status: String) {
      self.id = id
      self.key = key
      self.kind = kind
      self.status = status
    }
  }

  package struct State: @unchecked Sendable {
    /// The webhooks, each as the API shows it, with its secrets in `token` and `signing_token`.
    package var hooks: [[String: any Sendable]] = []
    /// All events, oldest first.
    package var events: [Event] = []
    package var receiverStatus = 200
    package var resent: [Int] = []
    package var refusal: Int?
    /// False for a version before 19.0.
    package var signs = true
    /// The number of resends until the server answers 429 once.
    package var resendsUntilLimit = Int.max
  }

  private let shared = Mutex(State())

  package init(_ change: (inout State) -> Void = { _ in }) { shared.withLock { change(&$0) } }

  package var state: State { shared.withLock { $0 } }

  package func change(_ body: (inout State) -> Void) { shared.withLock { body(&$0) } }

  package func answer(_ request: HTTPTransportRequest) -> HTTPResponse {
    let path = request.url.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }
    return answer(request.method, String(path), request.headers, request.body)
  }

  package func answer(_ request: LoopbackReceiver.Request) -> HTTPResponse {
    answer(request.method, request.target, request.headers, request.body)
  }

  private func answer(_ method: String, _ target: String, _ headers: HTTPHeaders, _ body: [UInt8]) -> HTTPResponse {
    shared.withLock { state in
      guard headers["Authorization"]?.hasPrefix("Bearer ") == true else {
        return .json(#"{"message":"401 Unauthorized"}"#, status: 401)
      }
      if let status = state.refusal { return .json(#"{"error":"insufficient_scope"}"#, status: status) }
      let sides = target.split(separator: "?", maxSplits: 1)
      let path = String(sides[0])
      let query = Dictionary(
        (sides.count > 1 ? String(sides[1]) : "").split(separator: "&").map { part in
          let pair = part.split(separator: "=").map(String.init)
          return (pair[0], pair[1])
        }, uniquingKeysWith: { $1 })
      for base in ["/api/v4/projects/acme%2Fsite/hooks", "/api/v4/groups/acme/hooks"] where path.hasPrefix(base) {
        let rest = path.dropFirst(base.count).split(separator: "/").map(String.init)
        return Self.answer(method, rest, query, body, &state)
      }
      return .json(#"{"message":"404 Project Not Found"}"#, status: 404)
    }
  }

  private static func answer(
    _ method: String, _ path: [String], _ query: [String: String], _ body: [UInt8], _ state: inout State
  ) -> HTTPResponse {
    let json = ((try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]).compactMapValues {
      value -> (any Sendable)? in
      if let text = value as? String { return text }
      return value as? Bool
    }
    if path.isEmpty {
      guard method == "POST" else { return page(state.hooks.map(text), query) }
      var hook: [String: any Sendable] = ["id": state.hooks.count + 1, "alert_status": "executable", "push_events": true]
      hook.merge(json) { $1 }
      state.hooks.append(shown(hook, state))
      return HTTPResponse.json(text(state.hooks[state.hooks.count - 1]), status: 201)
    }
    guard let index = state.hooks.firstIndex(where: { "\($0["id"] ?? "")" == path[0] }) else {
      return .json(#"{"message":"404 Not found"}"#, status: 404)
    }
    switch (method, path.count) {
    case ("PUT", 1):
      state.hooks[index] = shown(state.hooks[index].merging(json) { $1 }, state)
      return .json(text(state.hooks[index]))
    case ("POST", 3) where path[1] == "test":
      state.hooks[index]["alert_status"] = "executable"
      state.events.append(
        Event(id: state.events.count + 1, key: "test\(state.events.count)", kind: "push", status: "\(state.receiverStatus)"))
      return .json(#"{"message":"201 Created"}"#, status: 201)
    case ("GET", 2):
      return page(
        state.events.reversed().map { event in
          """
          {"id":\(event.id),"url":"x","trigger":"\(event.kind)_hooks","request_headers":{"Idempotency-Key":"\(event.key)"},
          "request_data":{"object_kind":"\(event.kind)"},"response_status":"\(event.status)"}
          """
        }, query)
    case ("POST", 4):
      guard let event = state.events.first(where: { String($0.id) == path[2] }) else { return .json("{}", status: 404) }
      if state.resendsUntilLimit == 0 {
        state.resendsUntilLimit = .max
        return HTTPResponse(status: 429, headers: ["Retry-After": "60"], body: Array(#"{"message":"Too many requests"}"#.utf8))
      }
      state.resendsUntilLimit -= 1
      state.resent.append(event.id)
      state.events.append(
        Event(id: state.events.count + 1, key: event.key, kind: event.kind, status: "\(state.receiverStatus)"))
      return .json(#"{"response_status":\#(state.receiverStatus)}"#, status: 201)
    default: return .json("{}", status: 404)
    }
  }

  private static func shown(_ hook: [String: any Sendable], _ state: State) -> [String: any Sendable] {
    var hook = hook
    guard state.signs else { return hook }
    hook["token_present"] = hook["token"] != nil
    hook["signing_token_present"] = hook["signing_token"] != nil
    return hook
  }

  private static func text(_ hook: [String: any Sendable]) -> String {
    let shown = hook.filter { $0.key != "token" && $0.key != "signing_token" }
    let members = shown.sorted { $0.key < $1.key }.map { name, value in
      "\"\(name)\":" + (value is String ? "\"\(value)\"" : "\(value)")
    }
    return "{\(members.joined(separator: ","))}"
  }

  private static func page(_ items: [String], _ query: [String: String]) -> HTTPResponse {
    let size = Int(query["per_page"] ?? "") ?? 20
    let number = Int(query["page"] ?? "") ?? 1
    let start = (number - 1) * size
    let end = min(items.count, start + size)
    var response = HTTPResponse.json("[\(start < end ? items[start..<end].joined(separator: ",") : "")]")
    response.headers["X-Next-Page"] = end < items.count ? "\(number + 1)" : ""
    return response
  }
}
