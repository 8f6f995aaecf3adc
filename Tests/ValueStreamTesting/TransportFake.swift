import Synchronization
package import ValueStreamCore

/// Gives requests the answers that a test wants, without a network, and keeps the requests.
package final class TransportFake: HTTPTransport {
  private let answer: @Sendable (HTTPTransportRequest) -> HTTPResponse
  private let kept = Mutex<[HTTPTransportRequest]>([])

  package init(_ answer: @escaping @Sendable (HTTPTransportRequest) -> HTTPResponse) {
    self.answer = answer
  }

  /// All requests so far.
  package var requests: [HTTPTransportRequest] { kept.withLock { $0 } }

  package func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
    kept.withLock { $0.append(request) }
    return answer(request)
  }
}

extension HTTPResponse {
  package static func json(_ text: String, status: Int = 200) -> HTTPResponse { json(Array(text.utf8), status: status) }
}
