import ValueStreamCore

/// Leaving items out of all numbers.
extension ReportClient {
  /// A decision about an item, as the user wrote it.
  package struct Decision: Sendable {
    /// `exclude` or `include`.
    package var action: String
    package var item: String
    package var kind: String?
    package var reason: String?
    package var actor: String?

    package init(action: String, item: String, kind: String? = nil, reason: String? = nil, actor: String? = nil) {
      self.action = action
      self.item = item
      self.kind = kind
      self.reason = reason
      self.actor = actor
    }

    fileprivate var body: [UInt8] {
      var json = JSONWriter()
      json.object { json in
        json.member("action", action)
        json.member("item", item)
        if let kind { json.member("kind", kind) }
        json.member("reason", reason ?? "")
        json.member("actor", actor ?? "")
      }
      return json.bytes
    }
  }

  /// Sends a decision. Returns once vsd has recorded it.
  package func decide(_ decision: Decision) async throws(ReportError) {
    var request = HTTPTransportRequest(
      method: "POST", url: server + "/api/v1/operator/exclusions", headers: ["Content-Type": "application/json"],
      body: decision.body, timeoutSeconds: timeoutSeconds)
    request.headers["Authorization"] = authorization
    let response: HTTPResponse
    do throws(HTTPTransportError) {
      response = try await transport.send(request)
    } catch {
      throw ReportError(.unreachable, "cannot ask \(place): \(error)")
    }
    guard response.status == 200 else {
      let hint = response.status == 401 ? "; VS_OPERATOR_TOKEN must be the operator token that vsd was started with" : ""
      throw ReportError(.rejected, "\(place) answered \(response.status): \(ProblemDetails.reason(of: response))\(hint)")
    }
  }

  /// Returns what is left out.
  package func exclusions() async throws(ReportError) -> ReportRows {
    try await rows(at: "/api/v1/exclusions") { cursor in
      "?format=csv&limit=1000" + (cursor.map { "&cursor=\(PercentEncoding.encode($0))" } ?? "")
    }
  }

  /// Returns what is left out, in JSON as vsd sent it. Only its first 1,000 items.
  package func exclusionsAsJSON() async throws(ReportError) -> [UInt8] {
    try await response(to: "/api/v1/exclusions?limit=1000").body
  }
}
