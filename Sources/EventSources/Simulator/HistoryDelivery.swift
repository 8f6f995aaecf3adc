package import ValueStreamCore

/// A webhook delivery as its sender makes it.
package struct HistoryDelivery: Sendable, Hashable {
  /// The path of the receiving endpoint, such as `/github`.
  package var path: String
  package var headers: HTTPHeaders
  /// The JSON body. Signatures cover exactly these bytes.
  package var body: [UInt8]
  /// The time at which it is sent.
  package var time: Timestamp

  package init(path: String, headers: HTTPHeaders, body: [UInt8], time: Timestamp) {
    self.path = path
    self.headers = headers
    self.body = body
    self.time = time
  }

  /// The event type from the header `X-GitHub-Event` or `X-Gitlab-Event`, else the name of the source.
  package var event: String {
    headers["X-GitHub-Event"] ?? headers["X-Gitlab-Event"].map { "gitlab \($0.replacing(" Hook", with: "").lowercased())" }
      ?? String(path.dropFirst())
  }

  /// Returns the delivery that GitHub sends when a webhook is created. It says nothing about work.
  package static func ping(at time: Timestamp) -> HistoryDelivery {
    let headers: HTTPHeaders = ["Content-Type": "application/json", "X-GitHub-Event": "ping"]
    let body = Array(#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#.utf8)
    return HistoryDelivery(path: "/github", headers: headers, body: body, time: time)
  }

  /// The delivery as a JSON object. The last member is the body, byte for byte.
  package var json: [UInt8] {
    var json = JSONWriter(capacity: body.count + 300)
    json.object { json in
      json.member("time", time.rfc3339)
      json.member("path", path)
      json.object("headers") { json in
        for field in headers.fields { json.member(field.name, field.value) }
      }
      json.name("body")
      json.value(json: body)
    }
    return json.bytes
  }
}
