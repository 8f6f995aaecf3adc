import Dashboard
import Intake
import Synchronization
import ValueStreamCore

/// Remembers the last delivery and the refused ones of each source, for the page that shows whether sources are connected.
///
/// Passes all events on to another observer.
final class SourceActivity: IntakeObserver {
  struct Record: Sendable {
    var last: (time: Timestamp, result: DeliveryResult)?
    /// By reason. The reasons are few: the codes of ``AuthenticationError`` and one for the log.
    var refusals: [String: DaemonStatus.Refusal] = [:]
  }

  private let next: any IntakeObserver
  private let clock: any WallClock
  private let records = Mutex<[String: Record]>([:])
  private let lastImport = Mutex<Timestamp?>(nil)

  /// An importer that sends nothing for so long has ended, or waits for the limits of an API.
  private static let importPause = 15.0

  init(_ next: any IntakeObserver, clock: any WallClock) {
    self.next = next
    self.clock = clock
  }

  func record(of source: String) -> Record {
    records.withLock { $0[source] ?? Record() }
  }

  func delivery(_ result: DeliveryResult, from source: String) {
    switch result {
    case .unauthenticated: break
    case .refused: count("the log could not take them", from: source)
    case .recorded, .duplicate, .ignored, .unreadable:
      let now = clock.now()
      records.withLock { $0[source, default: Record()].last = (now, result) }
    }
    next.delivery(result, from: source)
  }

  func imported(from source: String) {
    let now = clock.now()
    lastImport.withLock { $0 = now }
    next.imported(from: source)
  }

  /// True if an importer sent a delivery within the last seconds.
  var isImporting: Bool {
    lastImport.withLock { $0 }.map { clock.now().seconds(since: $0).magnitude < Self.importPause } ?? false
  }

  func unauthenticated(_ error: AuthenticationError, from source: String) {
    let reason =
      switch error.code {
      case .missing: "without signature or token (header \(error.header))"
      case .malformed: "signature or token of an unknown form (header \(error.header))"
      case .mismatch: "signature or token by another secret (header \(error.header))"
      case .expired: "signed too long ago, or by a wrong clock"
      }
    count(reason, from: source)
    next.unauthenticated(error, from: source)
  }

  private func count(_ reason: String, from source: String) {
    let now = clock.now()
    records.withLock { records in
      var refusal = records[source]?.refusals[reason] ?? .init(reason: reason, count: 0, time: now)
      refusal.count += 1
      refusal.time = now
      records[source, default: Record()].refusals[reason] = refusal
    }
  }

  func unreadable(_ error: PayloadError, from source: String) { next.unreadable(error, from: source) }
  func committed(deliveries: Int, seconds: Double) { next.committed(deliveries: deliveries, seconds: seconds) }
  func commitFailed(_ error: any Error, deliveries: Int) { next.commitFailed(error, deliveries: deliveries) }
  func limited(_ limit: IntakeLimit) { next.limited(limit) }
  func unreadValues(_ count: Int, paths: [String], from source: String) {
    next.unreadValues(count, paths: paths, from: source)
  }
  func answered(_ status: Int, on route: RouteClass) { next.answered(status, on: route) }
}
