import Synchronization
package import ValueStreamCore

/// Sends HTTP requests with libcurl.
///
/// Keeps connections open between requests. Does not follow redirects: if a backend has moved, the user should change
/// the setting. A cancelled task gets its error at once, whatever the state of its request. Any number of requests may
/// run concurrently, each on a thread of its own.
package final class CurlTransport: HTTPTransport {
  package struct Options: Sendable {
    /// PEM file with the certificate authorities to trust; nil for those of the system.
    package var caFile: String?
    /// PEM file with the client certificate to present to servers that ask for one.
    package var clientCertificate: String?
    /// PEM file with the key of the client certificate; nil if the certificate's file contains it.
    package var clientKey: String?
    /// URL of a proxy; empty for none; nil to use the variables `http_proxy`, `https_proxy` and `no_proxy`.
    package var proxy: String?
    package var connectTimeoutSeconds = 10.0
    /// The largest response body in bytes, counted after decompression. A larger response fails with an error. The same
    /// limit applies to the headers.
    package var responseLimit = 4 << 20
    package var userAgent = "ValueStream/\(ValueStreamVersion.current)"

    package init() {}
  }

  private let options: Options
  private let idle = Mutex<[CurlHandle]>([])

  /// The number of idle handles to keep, each with a few open connections. Further handles are closed after use.
  private static let idleLimit = 8

  package init(options: Options = Options()) {
    self.options = options
  }

  package func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
    let exchange = CurlExchange(request, options: options)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<CurlExchange.Result, Never>) in
        let isStarted = OwnThread.start { self.perform(exchange) { continuation.resume(returning: $0) } }
        if !isStarted {
          continuation.resume(returning: .failure(HTTPTransportError(.unreachable, "\(OwnThread.NoThread())")))
        }
      }
    } onCancel: {
      exchange.cancel()
    }
    return try result.get()
  }

  /// Performs a request and calls back once: when the handle can be reused, or at once if the task was cancelled.
  private func perform(_ exchange: CurlExchange, whenDone: (CurlExchange.Result) -> Void) {
    guard let handle = idle.withLock({ $0.popLast() }) ?? CurlHandle() else {
      return whenDone(.failure(HTTPTransportError(.unreachable, "out of memory")))
    }
    let result = exchange.perform(on: handle) { whenDone(.failure(HTTPTransportError(.cancelled, "cancelled"))) }
    guard let result else { return }
    // Return the handle before calling back, so that a request sent right after this one finds its connection.
    idle.withLock { if $0.count < Self.idleLimit { $0.append(handle) } }
    whenDone(result)
  }
}
