import Dispatch
import Synchronization
package import ValueStreamCore

/// Reads the deliveries that record decisions of operators.
///
/// It has no route and refuses everything that it is asked to authenticate, so nothing that arrives as a webhook becomes such a
/// delivery. ``OperatorLog`` writes them.
package struct OperatorSource: EventSource {
  package init() {}

  package var name: String { ExclusionChange.source }
  /// No path begins without a slash.
  package var route: String { "" }
  package var keptHeaders: [String] { [] }
  package var acceptsUnsigned: Bool { false }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    throw AuthenticationError(.missing, header: "Authorization")
  }

  /// Saying the same again is another decision: somebody else may have decided otherwise in between.
  package func deliveryID(of delivery: Delivery) -> String? { nil }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    .exclusion(try ExclusionChange(encoded: delivery.body))
  }
}

/// Records decisions of operators in the delivery log.
package struct OperatorLog: Sendable {
  private let recorder: DeliveryRecorder
  private let clock: any WallClock

  package init(_ recorder: DeliveryRecorder, clock: any WallClock) {
    self.recorder = recorder
    self.clock = clock
  }

  /// Returns once the decision is on disk. Blocks, so call it on a thread that may.
  ///
  /// - Returns: false if the log cannot take it now. Nothing is kept then.
  package func record(_ change: ExclusionChange) -> Bool {
    let delivery = Delivery(
      source: ExclusionChange.source, received: clock.now(), headers: ["Content-Type": "application/json"], body: change.encoded)
    let pending = PendingDelivery(logged: LoggedDelivery(delivery), interpretation: .exclusion(change), fingerprint: nil)
    let outcome = Outcome()
    guard recorder.submit([pending], completion: { outcome.set($0.first == .recorded) }) == 1 else { return false }
    return outcome.wait()
  }

  private final class Outcome: Sendable {
    private let isRecorded = Mutex(false)
    private let isKnown = DispatchSemaphore(value: 0)

    func set(_ isRecorded: Bool) {
      self.isRecorded.withLock { $0 = isRecorded }
      isKnown.signal()
    }

    func wait() -> Bool {
      isKnown.wait()
      return isRecorded.withLock(\.self)
    }
  }
}
