import Synchronization
package import ValueStreamCore

/// The API of a vendor on this machine, with what goes wrong with those.
package final class VendorServer: Sendable {
  package enum Fault: Sendable, CaseIterable {
    case badGateway
    /// The connection breaks within the answer.
    case reset
    /// 403, with the time to wait.
    case secondaryLimit
    /// 429, with the time of the reset.
    case primaryLimit
    /// 200, with errors instead of data, and the time of the reset.
    case graphQLLimit
    /// 200, with errors: the query took too long.
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
  ///   - fault: what goes wrong with a request, by its number from 0.
  ///   - answer: what is answered otherwise.
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
      // Resets are told in whole seconds.
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
  /// Requests that came although they were to wait.
  package var violations: Int { shared.state.withLock(\.violations) }
}
