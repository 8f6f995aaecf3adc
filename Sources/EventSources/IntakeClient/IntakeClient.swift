package import ValueStreamCore

/// Sends requests to the intake of a vsd and retries while vsd is overloaded.
package struct IntakeClient: Sendable {
  package enum Failure: Error {
    case noAnswer(HTTPTransportError)
    /// The response has a status other than 200.
    case refused(HTTPResponse)
  }

  private let transport: any HTTPTransport
  private let patience: Duration
  private let isPatientWithSilence: Bool

  private static let pauseSeconds = 0.5

  /// - Parameters:
  ///   - patience: How long to retry when vsd answers 503.
  ///   - isPatientWithSilence: True to retry also when vsd does not answer.
  package init(transport: any HTTPTransport, patience: Duration, isPatientWithSilence: Bool = false) {
    self.transport = transport
    self.patience = patience
    self.isPatientWithSilence = isPatientWithSilence
  }

  /// Sends a request and returns when vsd has accepted it.
  ///
  /// A 503 is retried, after the time that its `Retry-After` asks for (at most 60 seconds).
  ///
  /// - Throws: ``Failure`` for any response but 200, and if there is no answer.
  package func post(_ request: HTTPTransportRequest) async throws {
    let end = ContinuousClock.now + patience
    while true {
      let failure: Failure
      var pause = Self.pauseSeconds
      switch await answer(to: request) {
      case .success(let response) where response.status == 200: return
      case .success(let response) where response.status == 503:
        pause = min(max(response.headers.retryAfterSeconds(now: SystemClock().now()) ?? 1, 0.1), 60)
        failure = .refused(response)
      case .success(let response): throw Failure.refused(response)
      case .failure(let error) where isPatientWithSilence && error.isRetryable && error.code != .cancelled:
        failure = .noAnswer(error)
      case .failure(let error): throw Failure.noAnswer(error)
      }
      guard ContinuousClock.now < end else { throw failure }
      try await Task.sleep(for: .seconds(pause))
    }
  }

  private func answer(to request: HTTPTransportRequest) async -> Result<HTTPResponse, HTTPTransportError> {
    do throws(HTTPTransportError) {
      return .success(try await transport.send(request))
    } catch {
      return .failure(error)
    }
  }
}

/// Why a vsd did not take a delivery, in one line without secrets.
package struct SendError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// No answer arrived.
    case unreachable
    /// vsd answered with another status than 200.
    case rejected
  }

  package var code: Code
  package var description: String

  package init(code: Code, description: String) {
    self.code = code
    self.description = description
  }
}
