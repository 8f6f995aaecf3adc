import Synchronization
package import ValueStreamCore

/// Sends HTTP requests through libcurl.
///
/// Connections are kept open from request to request. Redirects are not followed: a receiver that moved is a setting to be
/// changed. A cancelled task gets its error at once, wherever its request is. Any number of requests may run at a time,
/// each on a thread of its own.
package final class CurlTransport: HTTPTransport {
  package struct Options: Sendable {
    /// PEM file with the authorities that receivers are checked against; nil for the system's.
    package var caFile: String?
    /// PEM file with the certificate that is shown to receivers who ask for one.
    package var clientCertificate: String?
    /// PEM file with its key; nil when the certificate's file holds that too.
    package var clientKey: String?
    /// URL of a proxy; nil for what the variables `http_proxy`, `https_proxy` and `no_proxy` say, empty for none.
    package var proxy: String?
    package var connectTimeoutSeconds = 10.0
    /// Bytes of an answer past which it is refused, counted after decompression.
    package var responseLimit = 4 << 20
    package var userAgent = "ValueStream/\(ValueStreamVersion.current)"

    package init() {}
  }

  private let options: Options
  private let idle = Mutex<[CurlHandle]>([])

  /// Each keeps a few connections; more than this many are closed after use.
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

  /// Calls back once: when the handle may be used again, or without waiting for it when the task was cancelled.
  private func perform(_ exchange: CurlExchange, whenDone: (CurlExchange.Result) -> Void) {
    guard let handle = idle.withLock({ $0.popLast() }) ?? CurlHandle() else {
      return whenDone(.failure(HTTPTransportError(.unreachable, "out of memory")))
    }
    let result = exchange.perform(on: handle) { whenDone(.failure(HTTPTransportError(.cancelled, "cancelled"))) }
    guard let result else { return }
    // The next request finds this one's connection, even when it is sent at once.
    idle.withLock { if $0.count < Self.idleLimit { $0.append(handle) } }
    whenDone(result)
  }
}
