package import ValueStreamCore

extension HTTPResponse {
  /// An error as `application/problem+json` (RFC 9457).
  ///
  /// - Parameters:
  ///   - detail: what was wrong with this request, for its sender.
  ///   - path: where in the JSON document.
  ///   - unread: values of the document that were not read, which may be what is wrong.
  package static func problem(
    _ status: Int, _ detail: String, path: String? = nil, unread: UnreadValues? = nil, headers: HTTPHeaders = [:]
  ) -> HTTPResponse {
    var writer = JSONWriter()
    writer.object { writer in
      writer.member("type", "about:blank")
      writer.member("title", title(of: status))
      writer.member("status", status)
      writer.member("detail", detail)
      if let path { writer.member("path", path) }
      writer.member(unread)
    }
    let contentType = HTTPHeaders.Field(name: "Content-Type", value: "application/problem+json")
    return HTTPResponse(status: status, headers: HTTPHeaders([contentType] + headers.fields), body: writer.bytes)
  }

  /// 503 with the time after which to try again.
  static func unavailable(_ detail: String, retryAfterSeconds: Int) -> HTTPResponse {
    .problem(503, detail, headers: ["Retry-After": "\(retryAfterSeconds)"])
  }

  private static func title(of status: Int) -> String {
    switch status {
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 422: "Unprocessable Content"
    case 500: "Internal Server Error"
    case 503: "Service Unavailable"
    default: "Error"
    }
  }
}
