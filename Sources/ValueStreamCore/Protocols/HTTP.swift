/// Header fields of a request or response, in order. Names match in any letter case.
public struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public var fields: [Field]

  public init(_ fields: [Field] = []) {
    self.fields = fields
  }

  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field(name: $0.0, value: $0.1) }
  }

  /// The value of the first field with this name. Setting a value replaces all fields with the name; nil removes them.
  public subscript(name: String) -> String? {
    get { fields.first { Self.match($0.name, name) }?.value }
    set {
      fields.removeAll { Self.match($0.name, name) }
      if let newValue { fields.append(Field(name: name, value: newValue)) }
    }
  }

  /// Returns only the fields that have one of these names.
  public func keeping(_ names: [String]) -> HTTPHeaders {
    HTTPHeaders(fields.filter { field in names.contains { Self.match($0, field.name) } })
  }

  private static func match(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    // Fast path: most senders use the canonical spelling.
    return left == right || zip(left.utf8, right.utf8).allSatisfy { lower($0) == lower($1) }
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    byte &- 65 < 26 ? byte | 32 : byte
  }
}

/// A request for a page, the API or metrics.
public struct HTTPRequest: Sendable {
  /// The method in upper case.
  public var method: String
  /// The path, percent-decoded and without the query.
  public var path: String
  /// The query items in order, decoded.
  public var query: [(name: String, value: String)]
  public var headers: HTTPHeaders
  public var body: [UInt8]

  public init(
    method: String, path: String, query: [(name: String, value: String)] = [], headers: HTTPHeaders = [:], body: [UInt8] = []
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// Returns the value of the first query item with this name.
  public func query(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }
}

public struct HTTPResponse: Sendable, Hashable {
  public var status: Int
  public var headers: HTTPHeaders
  public var body: [UInt8]

  public init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(text.utf8))
  }

  public static func json(_ body: [UInt8], status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: body)
  }
}

extension HTTPResponse {
  /// Returns an error response as `application/problem+json` (RFC 9457).
  ///
  /// - Parameters:
  ///   - detail: what is wrong and how to fix it, for people.
  ///   - path: the location of the error in the payload, as a JSON path.
  public static func problem(_ status: Int, _ title: String, detail: String, path: String? = nil) -> HTTPResponse {
    var json = JSONWriter()
    json.object { json in
      json.member("type", "about:blank")
      json.member("title", title)
      json.member("status", status)
      json.member("detail", detail)
      if let path { json.member("path", path) }
    }
    return HTTPResponse(status: status, headers: ["Content-Type": "application/problem+json"], body: json.bytes)
  }
}

/// Responds to requests for pages, the API and metrics.
///
/// Several threads call it concurrently; they may block. It cannot throw: return an error as a response.
public protocol HTTPHandler: Sendable {
  func respond(to request: HTTPRequest) -> HTTPResponse
}
