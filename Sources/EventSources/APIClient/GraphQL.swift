package import PayloadReading
package import ValueStreamCore

/// Makes requests and parses responses of GraphQL over HTTP.
package enum GraphQL {
  /// The value of a query variable.
  package enum Variable: Sendable {
    case text(String)
    case number(Int)
    case texts([String])
    case null
  }

  /// Makes a POST request with a query and its variables.
  package static func request(
    _ query: String, _ variables: [(name: String, value: Variable)], url: String, headers: HTTPHeaders
  ) -> HTTPTransportRequest {
    var json = JSONWriter()
    json.object { json in
      json.member("query", query)
      json.name("variables")
      json.object { json in
        for (name, value) in variables {
          json.name(name)
          switch value {
          case .text(let text): json.value(text)
          case .number(let number): json.value(Int64(number))
          case .texts(let texts): json.array(texts) { $0.value($1) }
          case .null: json.value(nil as String?)
          }
        }
      }
    }
    var request = HTTPTransportRequest(method: "POST", url: url, headers: headers, body: json.bytes)
    request.headers["Content-Type"] = "application/json"
    return request
  }

  /// The data and errors of a response, which may lack some of the requested data.
  package struct Answer {
    package let data: PayloadObject?
    /// The reasons for missing data.
    package let errors: [APIError]

    /// Parses a response.
    ///
    /// - Parameter takesPartial: true to accept data together with a temporary error, although a retry may return more.
    /// - Throws: an error if the response has no usable data, or if a retry may help.
    package init(_ response: HTTPResponse, now: Timestamp, takesPartial: Bool = false) throws(APIError) {
      let root = try APIDocument(response).object()
      let limit = RateLimit(response.headers, now: now)
      errors = root.objects("errors").map { GraphQL.error($0, limit, now) }
      data = root.object("data")
      if let error = errors.first(where: { $0.code == .limited }) { throw error }
      if data == nil || !takesPartial, let error = errors.first(where: { $0.code == .unavailable }) { throw error }
      if data == nil { throw errors.first ?? APIError(.malformed, "the answer has neither data nor errors") }
    }
  }

  /// Sources: GitHub's and GitLab's pages on GraphQL, and observed messages where they do not document them.
  private static func error(_ error: PayloadObject, _ limit: RateLimit, _ now: Timestamp) -> APIError {
    let text = error.text("message").map { String($0.prefix(300)) } ?? "an error without a message"
    let type = error.text("type") ?? error.object("extensions")?.text("code") ?? ""
    let words = text.lowercased()
    switch type {
    case _ where type.hasPrefix("RATE_LIMIT") || words.contains("rate limit"):
      return APIError(.limited, text, retryAfterSeconds: limit.retryAfterSeconds ?? limit.secondsUntilReset(now))
    case "NOT_FOUND": return APIError(.notFound, text)
    case "FORBIDDEN", "INSUFFICIENT_SCOPES": return APIError(.forbidden, text)
    // Usually a query that took too long or would take too long. A smaller page may work.
    case _ where ["something went wrong", "timeout", "timed out", "max complexity"].contains(where: words.contains):
      return APIError(.unavailable, text)
    default: return APIError(.refused, text)
    }
  }
}
