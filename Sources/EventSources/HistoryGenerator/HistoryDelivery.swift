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
