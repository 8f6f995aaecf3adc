import Synchronization
package import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A log in memory that a test can make fail or block.
package final class FakeDeliveryLog: DeliveryLog {
  private struct State {
    var entries: [LoggedDelivery] = []
    var appendSizes: [Int] = []
    var failure: StoreError?
  }

  private let state = Mutex(State())
  private let gate = Gate()

  package init() {}

  package var entries: [LoggedDelivery] { state.withLock(\.entries) }

  /// The number of deliveries in each attempted append.
  package var appendSizes: [Int] { state.withLock(\.appendSizes) }

  /// Makes every append throw this error; nil lets appends succeed again.
  package func fail(with error: StoreError?) {
    state.withLock { $0.failure = error }
  }

  /// Makes appends wait until ``open()``.
  package func shut() {
    gate.shut()
  }

  package func open() {
    gate.open()
  }

  package func append(_ deliveries: [LoggedDelivery]) throws(StoreError) -> [LogPosition] {
    state.withLock { $0.appendSizes.append(deliveries.count) }
    gate.pass()
    if let failure = state.withLock(\.failure) { throw failure }
    return state.withLock { state in
      let first = state.entries.count + 1
      state.entries += deliveries
      return deliveries.indices.map { LogPosition(rawValue: UInt64(first + $0)) }
    }
  }

  package func isComplete() -> Bool { true }

  package func read(
    after coverage: LogCoverage?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    let first = Int(coverage?.ends.last?.rawValue ?? 0)
    return entries.enumerated().dropFirst(first).prefix(limit).map {
      LogEntry(LogPosition(rawValue: UInt64($0.offset + 1)), $0.element)
    }
  }

  package func readBackwards(
    before position: LogPosition?, limit: Int, byteLimit: Int
  ) throws(StoreError) -> [LogEntry] {
    let end = Int(clamping: position?.rawValue ?? .max)
    return entries.enumerated().map { LogEntry(LogPosition(rawValue: UInt64($0.offset + 1)), $0.element) }
      .filter { $0.position.rawValue < end }.suffix(limit).reversed()
  }

  package func delivery(at position: LogPosition) throws(StoreError) -> LoggedDelivery? {
    let entries = entries
    return (1...entries.count).contains(Int(position.rawValue)) ? entries[Int(position.rawValue) - 1] : nil
  }

  package func coverage() throws(StoreError) -> LogCoverage? {
    let count = entries.count
    return count == 0 ? nil : LogCoverage(LogPosition(rawValue: UInt64(count)))
  }

  package func removeOld(receivedBefore cutoff: Timestamp, maximumBytes: Int64, projected: LogCoverage?) throws(StoreError) {}

  package func size() throws(StoreError) -> Int64 {
    entries.reduce(0) { $0 + Int64($1.delivery.body.count) }
  }

  package func close() {}
}

/// Keeps the deliveries that it receives.
package final class FakeDeliverySink: DeliverySink {
  private let kept = Mutex<[RecordedDelivery]>([])

  package init() {}

  package var deliveries: [RecordedDelivery] { kept.withLock(\.self) }

  package func recorded(_ deliveries: [RecordedDelivery]) {
    kept.withLock { $0 += deliveries }
  }
}

/// A source with GitHub's signature scheme that reads only the first word of a body.
///
/// It reports `malformed`, `media` and `identity` as unreadable payloads, ignores `ignored`, and makes an event of
/// anything else.
package struct FakeSource: EventSource {
  package var name: String
  package var route: String
  package var keptHeaders = ["X-Kept"]
  package var unreadableStatus: Int?
  package var answersHead: Bool
  package var secret: Secret?

  package var acceptsUnsigned: Bool { secret == nil }

  package init(
    name: String = "fake", route: String = "/fake", secret: String? = nil, unreadableStatus: Int? = nil, answersHead: Bool = false
  ) {
    self.name = name
    self.route = route
    self.secret = secret.flatMap(Secret.init)
    self.unreadableStatus = unreadableStatus
    self.answersHead = answersHead
    keptHeaders.append("X-Delivery")
  }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    guard let secret else { return }
    let header = "X-Hub-Signature-256"
    guard let signature = delivery.headers[header] else { throw AuthenticationError(.missing, header: header) }
    guard let given = Hex.bytes(of: signature.dropFirst("sha256=".count)) else {
      throw AuthenticationError(.malformed, header: header)
    }
    let expected = authenticator.authenticationCode(.sha256, of: delivery.body, key: secret.bytes)
    guard authenticator.areEqual(given, expected) else { throw AuthenticationError(.mismatch, header: header) }
  }

  package func deliveryID(of delivery: Delivery) -> String? {
    delivery.headers["X-Delivery"]
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    switch String(decoding: delivery.body.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self) {
    case "malformed": throw PayloadError(.malformed, reason: "not JSON")
    case "media": throw PayloadError(.unsupportedMediaType, reason: "neither JSON nor a form")
    case "identity": throw PayloadError(.missingIdentity, path: "$.issue.number", reason: "expected a number")
    case "ignored": return .ignored(reason: "of no interest")
    default:
      let key = SubjectKey(source: name, host: "", container: "", kind: "thing", id: "1")
      return .events([Event(key: key, time: .receipt(delivery.received))])
    }
  }
}

/// A gate at which threads wait while it is shut.
package final class Gate: Sendable {
  private struct State {
    var isShut = false
    var waiting = 0
  }

  private let state = Mutex(State())

  package init() {}

  package func shut() {
    state.withLock { $0.isShut = true }
  }

  package func open() {
    state.withLock { $0.isShut = false }
  }

  /// The number of threads that wait now.
  package var waitingCount: Int { state.withLock(\.waiting) }

  /// Waits until the gate is open.
  package func pass() {
    state.withLock { $0.waiting += 1 }
    while state.withLock(\.isShut) { rest() }
    state.withLock { $0.waiting -= 1 }
  }
}

/// Waits until a condition holds.
///
/// If it never does, the time limit of the test runner ends the wait.
package func waitUntil(_ condition: () -> Bool) {
  while !condition() { rest() }
}

private func rest() {
  var time = timespec(tv_sec: 0, tv_nsec: 500_000)
  nanosleep(&time, nil)
}
