import ValueStreamCore

extension HTTPResponse {
  /// Allows only what vsd itself serves: no other site, no inline script or style, no frame.
  static let contentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    + "frame-ancestors 'none'; base-uri 'none'"

  /// Makes the response of a page.
  static func page(_ bytes: [UInt8], status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: privateHeaders("text/html; charset=utf-8"), body: bytes)
  }

  /// Makes a response with the content of a page in another format.
  static func data(_ bytes: [UInt8], type: String) -> HTTPResponse {
    HTTPResponse(status: 200, headers: privateHeaders(type), body: bytes)
  }

  private static func privateHeaders(_ type: String) -> HTTPHeaders {
    [
      "Content-Type": type, "Cache-Control": "private, no-store", "Content-Security-Policy": contentSecurityPolicy,
      "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
    ]
  }
}
