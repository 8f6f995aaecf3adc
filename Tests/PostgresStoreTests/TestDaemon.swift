import DeliveryCounters
import Dispatch
import Foundation
import Leadership
import Projection
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import PostgresStore

/// A source that reads each line of a body as one event: `<id> start|end`.
struct LineSource: EventSource {
  var name: String { "lines" }
  var route: String { "/lines" }
  var keptHeaders: [String] { ["id"] }
  var acceptsUnsigned: Bool { true }

  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {}

  func deliveryID(of delivery: Delivery) -> String? { delivery.headers["id"] }

  func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let words = String(decoding: delivery.body, as: UTF8.self).split(separator: " ").map(String.init)
    guard words.count == 2 else { throw PayloadError(.malformed, reason: "no line") }
    let key = SubjectKey(source: "lines", host: "", container: "", kind: "run", id: words[0])
    let time = EventTime(delivery.received, isVendor: true)
    var event = Event(key: key, time: time)
    event.operation = .build
    event.state = words[1] == "start" ? .running : .ended
    event.marks = [LifeMark(words[1] == "start" ? .begin : .end, time)]
    return .events([event])
  }

  /// Within the time for which stores remember fingerprints.
  private static let received = SystemClock().now()

  /// Two deliveries for each of `count` runs.
  static func deliveries(_ count: Int) -> [LoggedDelivery] {
    (0..<2 * count).map { number in
      var delivery = Delivery(
        source: "lines", received: received.advanced(byNanoseconds: Int64(number) * 1_000_000), headers: [:],
        body: Array("\(number / 2) \(number % 2 == 0 ? "start" : "end")".utf8))
      delivery.headers["id"] = "\(number)"
      return LoggedDelivery(delivery)
    }
  }
}

/// The log, store, lease and projector of a daemon, as vsd has them: it takes deliveries always, and projects while it leads.
final class TestDaemon: Sendable {
  let log: PostgresDeliveryLog
  let store: PostgresSpanStore
  let lease: PostgresLease
  private let sources = [LineSource()]
  private let projector = Mutex<Projector?>(nil)
  private let metrics = Mutex<ProjectionMetrics?>(nil)
  private let appending = Mutex(())
  private let isStopping = Atomic<Bool>(false)
  /// True while the daemon does not renew its lease, as if it were stopped by SIGSTOP.
  let isFrozen = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)

  init(_ pool: PostgresPool, name: String) throws {
    // Each daemon has connections of its own.
    func own() -> PostgresPool { PostgresPool(pool.address, schema: String(pool.schema.dropFirst().dropLast(2))) }
    log = try PostgresDeliveryLog(own())
    let shared = own()
    lease = PostgresLease(shared, holder: name)
    store = PostgresSpanStore(shared, lease: lease)
    #expect(OwnThread.start { self.keepLease() })
  }

  private func keepLease() {
    while !isStopping.load(ordering: .acquiring) {
      if !isFrozen.load(ordering: .acquiring) {
        switch try? lease.tick() {
        case .leads: if projector.withLock({ $0 == nil }) { try? lead() }
        case .lost: follow()
        case .follows, nil: break
        }
        try? log.prepareToWrite()
      }
      usleep(50_000)
    }
    ended.signal()
  }

  private func lead() throws {
    try store.prepareToLead()
    let registry = MetricRegistry()
    let metrics = ProjectionMetrics(registry: registry, seriesLimit: 100)
    var configuration = Projector.Configuration()
    configuration.pollInterval = .milliseconds(20)
    configuration.pause = .milliseconds(1)
    configuration.longestRetryPause = .milliseconds(100)
    let batches = try ProjectionBatches(
      store: store, logEnd: try log.coverage(), sources: sources, recent: RecentDeliveries(), registry: registry,
      metrics: metrics, clock: SystemClock(), grace: nil)
    let projector = Projector(log: log, batches: batches, configuration: configuration, logger: Logger { _ in })
    self.projector.withLock { $0 = projector }
    self.metrics.withLock { $0 = metrics }
    #expect(OwnThread.start { projector.run() })
  }

  private func follow() {
    projector.withLock { projector in
      projector?.stop()
      projector = nil
    }
  }

  var isLeading: Bool { projector.withLock { $0 != nil } }

  /// The number of deliveries that the metrics counted.
  func count(_ result: DeliveryResult) -> Int { metrics.withLock { $0?.deliveryCount(result) ?? 0 } }

  /// Records deliveries as intake does. Tries again like a sender until they are acknowledged.
  func record(_ deliveries: [LoggedDelivery]) -> [LogPosition] {
    appending.withLock { _ in
      for _ in 0..<600 {
        if let positions = try? log.append(deliveries) {
          projector.withLock(\.self)?.recorded(
            zip(deliveries, positions).map { logged, position in
              RecordedDelivery(
                position: position, logged: logged, interpretation: try? LineSource().events(in: logged.delivery),
                fingerprint: logged.delivery.headers["id"].map { DeliveryFingerprint(of: logged.delivery, id: $0) })
            })
          return positions
        }
        usleep(50_000)
      }
      Issue.record("nothing was appended for half a minute")
      return []
    }
  }

  /// Waits until the projection covers the log as it is now.
  func waitForProjection() throws {
    let end = try log.coverage() ?? LogCoverage()
    for _ in 0..<1200 {
      if let position = try? store.position(), position.contains(end) { return }
      usleep(50_000)
    }
    Issue.record("the projection does not reach \(end)")
  }

  /// Stops in order: finishes what it projects, and gives the lease back.
  func stop() {
    isFrozen.store(false, ordering: .releasing)
    isStopping.store(true, ordering: .releasing)
    ended.wait()
    follow()
    lease.release()
  }
}
