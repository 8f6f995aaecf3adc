package import ValueStreamCore

/// One webhook request as its sender made it.
package struct HistoryDelivery: Sendable, Hashable {
  /// Where it goes: `/github`.
  package var path: String
  package var headers: HTTPHeaders
  /// JSON. These are the bytes that a signature covers.
  package var body: [UInt8]
  /// When it was sent.
  package var time: Timestamp

  /// The event type, as its header says.
  package var event: String { headers["X-GitHub-Event"] ?? "" }

  /// What GitHub sends when a webhook is made. It says nothing about work.
  package static func ping(at time: Timestamp) -> HistoryDelivery {
    let headers: HTTPHeaders = ["Content-Type": "application/json", "X-GitHub-Event": "ping"]
    let body = Array(#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#.utf8)
    return HistoryDelivery(path: "/github", headers: headers, body: body, time: time)
  }

  /// The delivery as one JSON object; its body is the last member, byte for byte.
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
