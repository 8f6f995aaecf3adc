/// Sends HTTP requests. Exporters and API clients use this protocol instead of a networking library.
public protocol HTTPTransport: Sendable {
  /// Sends a request and waits for the complete response. A response with any status counts as success.
  ///
  /// - Throws: ``HTTPTransportError`` if no complete response arrives.
  func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse
}

public struct HTTPTransportRequest: Sendable {
  /// The method in upper case.
  public var method: String
  /// An absolute `http` or `https` URL.
  public var url: String
  public var headers: HTTPHeaders
  public var body: [UInt8]
  /// The time limit from the first byte sent to the last byte received.
  public var timeoutSeconds: Double

  public init(method: String, url: String, headers: HTTPHeaders = [:], body: [UInt8] = [], timeoutSeconds: Double = 10) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeoutSeconds = timeoutSeconds
  }
}

/// Why a request got no response.
public struct HTTPTransportError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    case unreachable, timedOut, reset, untrusted
    /// The URL or a header is invalid.
    case invalidURL
    /// The response exceeds the size limit of the transport.
    case tooLarge
    /// The task that sent the request was cancelled.
    case cancelled
  }

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// True unless the URL or a header is invalid, the response is too large, or the server's certificate is untrusted.
  public var isRetryable: Bool { code != .untrusted && code != .invalidURL && code != .tooLarge }

  public var description: String { message }
}
