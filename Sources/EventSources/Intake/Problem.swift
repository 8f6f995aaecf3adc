package import ValueStreamCore

extension HTTPResponse {
  /// Makes an error response as `application/problem+json` (RFC 9457).
  ///
  /// - Parameters:
  ///   - detail: the problem with this request, for its sender.
  ///   - path: the JSON path of the problem in the document.
  ///   - unread: values of the document that could not be read. They may be the cause.
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

  /// Makes a 503 response that tells the sender when to try again.
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
