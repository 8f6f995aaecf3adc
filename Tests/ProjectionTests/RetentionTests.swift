import DeliveryCounters
import Projection
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Retention")
struct RetentionTests {
  /// A source whose bodies are event times, in seconds after `StoreSamples.time(0)`.
  private struct TimedSource: EventSource {
    var name: String { "timed" }
    var route: String { "/timed" }
    var keptHeaders: [String] { [] }
    var acceptsUnsigned: Bool { true }

    func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {}

    func deliveryID(of delivery: Delivery) -> String? { nil }

    func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
      let text = String(decoding: delivery.body, as: UTF8.self)
      guard let seconds = Int64(text) else { throw PayloadError(.malformed, reason: "no number") }
      let time = EventTime.vendor(StoreSamples.time(seconds))
      var event = Event(
        key: SubjectKey(source: name, host: "", container: "", kind: "thing", id: text), time: time, attempt: .counted)
      event.operation = .build
      event.state = .ended
      event.marks = [LifeMark(.begin, time), LifeMark(.end, time)]
      return .events([event])
    }
  }

  private static let day: Int64 = 86_400

  /// Projects events that were received on their own days, then removes everything older than 30 days by the clock.
  ///
  /// - Returns: The number of remaining deliveries and subjects.
  private func left(eventsOnDays days: [Int64], clockOnDay day: Int64) throws -> (deliveries: Int, subjects: Int) {
    let clock = FakeClock(StoreSamples.time(day * Self.day))
    let log = MemoryDeliveryLog()
    let store = MemorySpanStore()
    _ = log.append(
      days.map { eventDay in
        let received = StoreSamples.time(eventDay * Self.day + 5)
        return LoggedDelivery(
          Delivery(source: "timed", received: received, headers: [:], body: Array("\(eventDay * Self.day)".utf8)))
      })
    let registry = MetricRegistry()
    var batches = try ProjectionBatches(
      store: store, logEnd: log.coverage(), sources: [TimedSource()], recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: clock, grace: nil)
    for entry in log.read(after: nil, limit: .max, byteLimit: .max) {
      _ = try batches.project([batches.reread(entry.logged, at: entry.position)], at: entry.logged.delivery.received)
    }
    let retention = Retention(
      log: log, store: store, clock: clock, logger: Logger { _ in }, logAge: .seconds(30 * Self.day), logBytes: .max,
      spanAge: .seconds(30 * Self.day), factAge: .seconds(60 * Self.day), exporters: [])
    try retention.removeOld()
    let deliveries = log.read(after: nil, limit: .max, byteLimit: .max).count
    return (deliveries, store.subjects(after: nil, limit: .max).subjects.count)
  }

  @Test("removes what is old, by a clock that is right")
  func ordinary() throws {
    let left = try left(eventsOnDays: [0, 10, 50, 60], clockOnDay: 60)
    #expect(left == (2, 2))
  }

  @Test("removes nothing young because the clock is far ahead", arguments: [100, 1000, 30_000] as [Int64])
  func clockAhead(day: Int64) throws {
    let left = try left(eventsOnDays: [0, 10, 50, 60], clockOnDay: day)
    #expect(left == (2, 2))
  }

  @Test("removes facts of days that are too old, and no others")
  func facts() throws {
    let store = MemorySpanStore()
    store.write(FactSamples.changes((0..<700).map { FactSamples.facts(FactSamples.change(UInt64($0 + 1), mergedOn: $0 / 10)) }))
    store.write(FactSamples.changes([FactSamples.facts(FactSamples.change(999, mergedOn: nil))]))
    let retention = Retention(
      log: MemoryDeliveryLog(), store: store, clock: FakeClock(StoreSamples.time(70 * Self.day)), logger: Logger { _ in },
      logAge: .seconds(Self.day), logBytes: .max, spanAge: .seconds(Self.day), factAge: .seconds(5 * Self.day), exporters: [])
    try retention.removeOld()
    var days: [Int32?] = []
    try store.visitFacts(ChangeFact.self, days: FactSamples.day(0)...FactSamples.day(100), includesOpen: true) {
      days.append($0.day.map { $0.rawValue - FactSamples.day(0).rawValue })
    }
    #expect(Set(days) == [65, 66, 67, 68, 69, nil])
    #expect(days.count == 51)
  }
}
