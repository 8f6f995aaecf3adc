import ValueStreamCore

/// Sends requests to the intake of a vsd, which may be busy.
struct IntakeClient: Sendable {
  enum Failure: Error {
    case noAnswer(HTTPTransportError)
    /// An answer other than 200.
    case refused(HTTPResponse)
  }

  let transport: any HTTPTransport
  /// How long a receiver that says 503 is asked again.
  var patience: Duration
  /// True when one that does not answer is asked again too.
  var isPatientWithSilence = false

  private static let pauseSeconds = 0.5

  /// Returns when the receiver has taken what was sent.
  ///
  /// - Throws: ``Failure`` for any answer but 200; 503 is asked again after the time it names.
  func post(_ request: HTTPTransportRequest) async throws {
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
