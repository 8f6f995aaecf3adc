import FoundationEssentials

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

  /// The delivery as a JSON object. The last member is the body, byte for byte.
  package var json: [UInt8] {
    var json = JSONWriter(capacity: body.count + 300)
    json.object { json in
      json.member("time", time.rfc3339)
      json.member("path", path)
      json.name("headers")
      json.object { json in
        for field in headers.fields { json.member(field.name, field.value) }
      }
      json.name("body")
      json.value(json: body)
    }
    return json.bytes
  }

  /// Reads a line in the format of ``json``. The body stays as it is, byte for byte.
  ///
  /// - Parameter defaultTime: The time of a line without one; nil to reject such a line.
  package init?(line: [UInt8], defaultTime: Timestamp? = nil) {
    struct Line: Decodable {
      var time: String?
      var path: String
      var headers: [String: String]
    }
    guard let head = try? JSONDecoder().decode(Line.self, from: Data(line)), head.path.hasPrefix("/"),
      let time = head.time.flatMap({ Timestamp(rfc3339: $0) }) ?? defaultTime, let body = Self.body(of: line)
    else { return nil }
    let headers = head.headers.sorted { $0.key < $1.key }.map { HTTPHeaders.Field(name: $0.key, value: $0.value) }
    self.init(path: head.path, headers: HTTPHeaders(headers), body: body, time: time)
  }

  /// Returns the bytes of the last member, `body`, unchanged.
  private static func body(of line: [UInt8]) -> [UInt8]? {
    let name = Array("\"body\":".utf8)
    guard let start = line.firstRange(of: name)?.upperBound, let end = line.lastIndex(of: UInt8(ascii: "}")), start < end else {
      return nil
    }
    return Array(line[start..<end])
  }
}
