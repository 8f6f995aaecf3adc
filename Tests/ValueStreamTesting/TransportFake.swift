import Synchronization
package import ValueStreamCore

/// Gives requests the answers that a test wants, without a network, and keeps the requests.
package final class TransportFake: HTTPTransport {
  package typealias Answer = Result<HTTPResponse, HTTPTransportError>

  private let answer: @Sendable (_ request: HTTPTransportRequest, _ number: Int) -> Answer
  private let kept = Mutex<[HTTPTransportRequest]>([])

  package init(_ answer: @escaping @Sendable (HTTPTransportRequest) -> HTTPResponse) {
    self.answer = { request, _ in .success(answer(request)) }
  }

  /// Creates a transport that gives these answers in order and repeats the last one.
  package init(answers: [Answer]) {
    answer = { _, number in
      guard let last = answers.last else { return .failure(HTTPTransportError(.unreachable, "no answer is left")) }
      return number < answers.count ? answers[number] : last
    }
  }

  /// All requests so far.
  package var requests: [HTTPTransportRequest] { kept.withLock { $0 } }

  package func send(_ request: HTTPTransportRequest) async throws(HTTPTransportError) -> HTTPResponse {
    let number = kept.withLock { kept in
      kept.append(request)
      return kept.count - 1
    }
    return try answer(request, number).get()
  }
}

extension HTTPResponse {
  package static func json(_ text: String, status: Int = 200) -> HTTPResponse { json(Array(text.utf8), status: status) }
}
