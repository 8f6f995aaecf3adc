import Synchronization
package import ValueStreamCore

/// A vendor's API on this machine that can fail as real ones do.
package final class VendorServer: Sendable {
  package enum Fault: Sendable, CaseIterable {
    case badGateway
    /// Breaks the connection in the middle of the response.
    case reset
    /// Answers 403 with the time to wait.
    case secondaryLimit
    /// Answers 429 with the time at which the limit resets.
    case primaryLimit
    /// Answers 200 with errors instead of data, and with the time at which the limit resets.
    case graphQLLimit
    /// Answers 200 with an error: the query took too long.
    case graphQLTimeout
  }

  private struct State {
    var quietUntil = Timestamp.epoch
    var violations = 0
  }

  private let receiver: LoopbackReceiver
  private let shared: Shared

  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  /// - Parameters:
  ///   - fault: returns the fault for the request with this number, from 0; nil for none.
  ///   - answer: returns the response to a request without a fault.
  package init(
    fault: @escaping @Sendable (Int) -> Fault? = { _ in nil },
    answer: @escaping @Sendable (LoopbackReceiver.Request) -> HTTPResponse
  ) throws {
    let shared = Shared()
    self.shared = shared
    receiver = try LoopbackReceiver { number, request in
      let now = SystemClock().now()
      shared.state.withLock { if now < $0.quietUntil { $0.violations += 1 } }
      guard let fault = fault(number) else { return .response(answer(request)) }
      func quiet(_ seconds: Double) { shared.state.withLock { $0.quietUntil = now.advanced(bySeconds: seconds) } }
      // The time of the reset is in whole seconds.
      let reset = now.seconds + 1
      let limit: HTTPHeaders = ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "\(reset)"]
      switch fault {
      case .badGateway: return .status(502, [:], "<html>Bad gateway</html>")
      case .reset: return .resetWithin(answer(request))
      case .secondaryLimit:
        quiet(0.2)
        return .status(403, ["Retry-After": "0.2"], #"{"message":"You have exceeded a secondary rate limit."}"#)
      case .primaryLimit:
        quiet(Timestamp(seconds: reset).seconds(since: now))
        return .status(429, limit, #"{"message":"Too many requests"}"#)
      case .graphQLLimit:
        quiet(Timestamp(seconds: reset).seconds(since: now))
        return .status(200, limit, #"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#)
      case .graphQLTimeout:
        return .status(200, [:], #"{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}"#)
      }
    }
  }

  package var url: String { receiver.url }
  package var requests: [LoopbackReceiver.Request] { receiver.requests }
  /// The number of requests that arrived before the client was allowed to send again.
  package var violations: Int { shared.state.withLock(\.violations) }
}
