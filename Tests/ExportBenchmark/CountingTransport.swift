import Synchronization
import ValueStreamCore

/// Accepts every request immediately and counts the bytes of the bodies.
final class CountingTransport: HTTPTransport {
  private let bytes = Mutex(0)

  var byteCount: Int { bytes.withLock { $0 } }

  func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
    bytes.withLock { $0 += request.body.count }
    return HTTPResponse(status: 200)
  }
}
