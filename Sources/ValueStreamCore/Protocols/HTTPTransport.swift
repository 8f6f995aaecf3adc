/// Sends HTTP requests to others: exporters and API clients ask for this instead of a networking library.
public protocol HTTPTransport: Sendable {
  /// Sends a request and waits for the whole answer; any status is an answer.
  ///
  /// - Throws: ``HTTPTransportError`` when there is no answer.
  func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse
}

public struct HTTPTransportRequest: Sendable {
  /// Upper case.
  public var method: String
  /// Absolute, `http` or `https`.
  public var url: String
  public var headers: HTTPHeaders
  public var body: [UInt8]
  /// From the first byte sent to the last byte received.
  public var timeoutSeconds: Double

  public init(method: String, url: String, headers: HTTPHeaders = [:], body: [UInt8] = [], timeoutSeconds: Double = 10) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeoutSeconds = timeoutSeconds
  }
}

/// Why no answer came.
public struct HTTPTransportError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    case unreachable, timedOut, reset, untrusted
    /// The URL, or a header, is not one that can be sent.
    case invalidURL
    /// The answer is larger than the transport takes.
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

  /// True unless the request itself, its answer, or the trust in its receiver, is wrong.
  public var isRetryable: Bool { code != .untrusted && code != .invalidURL && code != .tooLarge }

  public var description: String { message }
}
