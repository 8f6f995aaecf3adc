import Foundation
import Synchronization
package import ValueStreamCore

/// A fake of GitHub's API for the webhooks of one repository, of an organization and of an App, with their deliveries.
///
/// It lists in pages, hides secrets, keeps deliveries for three days and sends them again, as GitHub does.
package final class GitHubHookServer: Sendable {
  package struct Hook: Sendable {
    package var id: Int
    package var url: String
    package var events: [String]
    package var isActive = true
    package var contentType = "json"
    package var secret: String?
    package var isInsecure = false

    package init(id: Int, url: String, events: [String], secret: String? = "x") {
      self.id = id
      self.url = url
      self.events = events
      self.secret = secret
    }
  }

  package struct Delivery: Sendable {
    package var id: Int
    package var guid: String
    package var event: String
    package var time: Timestamp
    /// 0 if no answer came.
    package var status: Int
    package var isRedelivery = false

    package init(id: Int, guid: String, event: String, time: Timestamp, status: Int) {
      self.id = id
      self.guid = guid
      self.event = event
      self.time = time
      self.status = status
    }
  }

  package struct State: Sendable {
    package var hooks: [Hook] = []
    /// All deliveries, oldest first. All webhooks show the same.
    package var deliveries: [Delivery] = []
    /// The time by the clock of the server.
    package var now = Timestamp(seconds: 1_796_000_000)
    /// True to go by the real time instead.
    package var isOfToday = false
    /// The status of every answer; nil for ordinary ones.
    package var refusal: Int?
    /// The status with which the receiver answers from now on.
    package var receiverStatus = 200
    /// Receives deliveries in place of ``receiverStatus``, and returns the status. Must not call the server.
    package var receiver: (@Sendable (Delivery) -> Int)?
    /// The ids of the deliveries that were asked for again.
    package var asked: [Int] = []
    /// The most entries of a page.
    package var pageLimit = 100
    /// True if a request to make a webhook is carried out but not answered.
    package var losesAnswers = false
    package var requests: [String] = []
  }

  private let shared = Mutex(State())

  package init(_ change: (inout State) -> Void = { _ in }) {
    shared.withLock { change(&$0) }
  }

  package var state: State { shared.withLock { $0 } }

  package func change(_ body: (inout State) -> Void) { shared.withLock { body(&$0) } }

  package func answer(_ request: LoopbackReceiver.Request) -> HTTPResponse {
    answer(request.method, request.target, request.headers, request.body)
  }

  package func answer(_ request: HTTPTransportRequest) -> HTTPResponse {
    let path = request.url.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }
    return answer(request.method, String(path), request.headers, request.body)
  }

  private func answer(_ method: String, _ target: String, _ headers: HTTPHeaders, _ body: [UInt8]) -> HTTPResponse {
    shared.withLock { state in
      var target = target
      if target.hasPrefix("/api/v3") { target.removeFirst("/api/v3".count) }
      state.requests.append("\(method) \(target)")
      if state.isOfToday { state.now = SystemClock().now() }
      var response = Self.answer(method, target, headers, body, &state)
      response.headers["Date"] = Self.httpDate(state.now)
      return response
    }
  }

  private static func answer(
    _ method: String, _ target: String, _ headers: HTTPHeaders, _ body: [UInt8], _ state: inout State
  ) -> HTTPResponse {
    guard headers["Authorization"]?.hasPrefix("Bearer ") == true else {
      return .json(#"{"message":"Bad credentials"}"#, status: 401)
    }
    if let status = state.refusal { return .json(#"{"message":"Resource not accessible by this token"}"#, status: status) }
    let parts = target.split(separator: "?", maxSplits: 1)
    var path = parts[0].split(separator: "/").map(String.init)
    let query = query(parts.count > 1 ? String(parts[1]) : "")
    let json = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    if path == ["app"] {
      return .json(#"{"id":7,"events":\#(list(state.hooks.first?.events ?? []))}"#)
    }
    if path == ["app", "hook", "config"] {
      guard !state.hooks.isEmpty else { return .json("{}", status: 404) }
      if method == "PATCH" { set(json, of: &state.hooks[0]) }
      return .json(config(state.hooks[0]))
    }
    if path.starts(with: ["app", "hook", "deliveries"]) {
      path.removeFirst(3)
      return deliveries(method, target, path, query, &state)
    }
    if path.starts(with: ["repos", "acme", "site", "hooks"]) {
      path.removeFirst(4)
    } else if path.starts(with: ["orgs", "acme", "hooks"]) {
      path.removeFirst(3)
    } else {
      return .json(#"{"message":"Not Found"}"#, status: 404)
    }
    if path.isEmpty {
      return method == "POST" ? create(json, &state) : page(state.hooks.map(text), target, query, state.pageLimit)
    }
    guard let index = state.hooks.firstIndex(where: { String($0.id) == path[0] }) else {
      return .json(#"{"message":"Not Found"}"#, status: 404)
    }
    path.removeFirst()
    switch (method, path.first) {
    case ("PATCH", nil):
      // Without its secret, the configuration loses it.
      if let config = json["config"] as? [String: Any] { set(config, of: &state.hooks[index]) }
      if let events = json["events"] as? [String] { state.hooks[index].events = events }
      state.hooks[index].isActive = json["active"] as? Bool ?? state.hooks[index].isActive
      return .json(text(state.hooks[index]))
    case ("POST", "pings"):
      deliver("ping", guid: "ping-\(state.deliveries.count)", isRedelivery: false, &state)
      return HTTPResponse(status: 204)
    case (_, "deliveries"): return deliveries(method, target, Array(path.dropFirst()), query, &state)
    default: return .json(#"{"message":"Not Found"}"#, status: 404)
    }
  }

  private static func create(_ json: [String: Any], _ state: inout State) -> HTTPResponse {
    let config = json["config"] as? [String: Any] ?? [:]
    guard json["name"] as? String == "web", let url = config["url"] as? String, !url.contains("localhost") else {
      let reason = "url is not supported because it isn't reachable over the public Internet (localhost)"
      return .json(#"{"message":"Validation Failed","errors":[{"resource":"Hook","message":"\#(reason)"}]}"#, status: 422)
    }
    var hook = Hook(id: state.hooks.count + 1, url: url, events: json["events"] as? [String] ?? ["push"], secret: nil)
    set(config, of: &hook)
    state.hooks.append(hook)
    return state.losesAnswers ? .json("{}", status: 502) : .json(text(hook), status: 201)
  }

  private static func set(_ config: [String: Any], of hook: inout Hook) {
    hook.url = config["url"] as? String ?? hook.url
    hook.contentType = config["content_type"] as? String ?? "form"
    hook.secret = config["secret"] as? String
    hook.isInsecure = config["insecure_ssl"] as? String == "1"
  }

  private static func deliveries(
    _ method: String, _ target: String, _ path: [String], _ query: [String: String], _ state: inout State
  ) -> HTTPResponse {
    guard method == "POST" else {
      let kept = state.deliveries.filter { state.now.seconds(since: $0.time) < 3 * 86_400 }
      return page(kept.reversed().map(text), target, query, state.pageLimit, cursors: kept.reversed().map { "v1_\($0.id)" })
    }
    guard path.count == 2, path[1] == "attempts", let delivery = state.deliveries.first(where: { String($0.id) == path[0] }),
      state.now.seconds(since: delivery.time) < 3 * 86_400
    else { return .json(#"{"message":"Not Found"}"#, status: 404) }
    state.asked.append(delivery.id)
    deliver(delivery.event, guid: delivery.guid, isRedelivery: true, &state)
    return HTTPResponse(status: 202, body: Array("{}".utf8))
  }

  private static func deliver(_ event: String, guid: String, isRedelivery: Bool, _ state: inout State) {
    let id = (state.deliveries.map(\.id).max() ?? 0) + 1
    var delivery = Delivery(id: id, guid: guid, event: event, time: state.now, status: state.receiverStatus)
    delivery.isRedelivery = isRedelivery
    if let receiver = state.receiver { delivery.status = receiver(delivery) }
    state.deliveries.append(delivery)
  }

  // MARK: JSON

  private static func page(
    _ items: [String], _ target: String, _ query: [String: String], _ limit: Int, cursors: [String]? = nil
  ) -> HTTPResponse {
    let size = min(Int(query["per_page"] ?? "") ?? 30, limit)
    let start = cursors.map { $0.firstIndex(of: query["cursor"] ?? "") ?? 0 } ?? ((Int(query["page"] ?? "") ?? 1) - 1) * size
    let end = min(items.count, start + size)
    var response = HTTPResponse.json("[\(start < end ? items[start..<end].joined(separator: ",") : "")]")
    if end < items.count {
      let next = cursors.map { "cursor=\($0[end])" } ?? "page=\(end / size + 1)"
      let base = target.prefix { $0 != "?" }
      // Elsewhere on purpose: the client must not follow an address.
      response.headers["Link"] =
        "<https://elsewhere.example\(base)?page=0>; rel=\"first\", <https://elsewhere.example\(base)?per_page=\(size)&\(next)>; rel=\"next\""
    }
    return response
  }

  private static func text(_ hook: Hook) -> String {
    """
    {"type":"Repository","id":\(hook.id),"name":"web","active":\(hook.isActive),"events":\(list(hook.events)),
    "config":\(config(hook)),"last_response":{"code":null,"status":"unused","message":null}}
    """
  }

  private static func config(_ hook: Hook) -> String {
    """
    {"content_type":"\(hook.contentType)","insecure_ssl":"\(hook.isInsecure ? 1 : 0)",\
    \(hook.secret == nil ? "" : "\"secret\":\"********\",")"url":"\(hook.url)"}
    """
  }

  private static func text(_ delivery: Delivery) -> String {
    """
    {"id":\(delivery.id),"guid":"\(delivery.guid)","delivered_at":"\(delivery.time.rfc3339)",
    "redelivery":\(delivery.isRedelivery),"duration":0.27,"status":"\(delivery.status == 0 ? "timed out" : "OK")",
    "status_code":\(delivery.status),"event":"\(delivery.event)","action":null,"installation_id":null,"repository_id":1}
    """
  }

  private static func list(_ texts: [String]) -> String { "[\(texts.map { "\"\($0)\"" }.joined(separator: ","))]" }

  private static func query(_ text: String) -> [String: String] {
    Dictionary(
      text.split(separator: "&").map { part in
        let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
        return (sides[0], sides.count > 1 ? sides[1] : "")
      }, uniquingKeysWith: { $1 })
  }

  /// Formats a time as the header `Date` has it.
  package static func httpDate(_ time: Timestamp) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.string(from: Date(timeIntervalSince1970: Double(time.seconds)))
  }
}
