import DeliveryCounters
import DeliveryFacts
import GitHubWebhooks
import Intake
import Projection
import SQLiteStore
import Synchronization
import ValueStreamCore

/// Takes deliveries through all that vsd does with them, except HTTP, on one thread: `bench-deliveries DIRECTORY TEMPLATE [COUNT]`,
/// or `bench-deliveries DIRECTORY history [COUNT]`.
///
/// `make bench-deliveries` builds it and counts the instructions of each stage. The deliveries are those of
/// `Tests/Benchmarks/deliveries.lua`: signed GitHub issues, each opened, then closed; or those of a generated history. Threads,
/// batches and times do not depend on the machine, so two runs of one build differ by less than 1 %. The directory must be empty at
/// the start.
@main
enum DeliveryBenchmark {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 2 else { throw BenchmarkFailure(description: "bench-deliveries DIRECTORY TEMPLATE|history [COUNT]") }
    var count = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 4096
    let delivery: (Int, Timestamp) -> Delivery
    if arguments[1] == "history" {
      let deliveries = try HistoryDeliveries()
      count = min(count, deliveries.count)
      delivery = deliveries.delivery
    } else {
      delivery = try IssueDeliveries(template: arguments[1]).delivery
    }
    var pipeline = try Pipeline(directory: arguments[0])
    let start = ContinuousClock.now
    for first in stride(from: 0, to: count, by: Pipeline.projected) {
      try pipeline.take(
        (first..<min(first + Pipeline.projected, count)).map { delivery($0, pipeline.clock.now()) })
    }
    try pipeline.finish()
    let duration = start.duration(to: .now)
    pipeline.close()
    print("\(count) deliveries in \(duration)")
  }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
  var description: String
}

/// The stages of a delivery. Each is a function that the optimizer leaves alone, so that a profile shows its cost.
struct Pipeline {
  /// The deliveries that the log takes at once, and the projection. vsd takes about as many at 16 connections.
  static let logged = 16
  static let projected = 64
  /// The deliveries after which facts are computed.
  private static let factInterval = 1024
  /// The time from one step of the projection to the next.
  private static let stepDuration = Duration.milliseconds(20)

  let clock = BenchmarkClock()
  private let source: GitHubSource
  private let authenticator: SystemMessageAuthenticator
  private let log: SQLiteDeliveryLog
  private let store: SQLiteSpanStore
  private let recent = RecentDeliveries()
  private var batches: ProjectionBatches
  private var keeper: FactKeeper
  private var withoutFacts = 0

  init(directory: String) throws {
    source = GitHubSource(secrets: [Secret(IssueDeliveries.secret)].compactMap { $0 })
    authenticator = try SystemMessageAuthenticator()
    log = try SQLiteDeliveryLog(directory: directory)
    store = try SQLiteSpanStore(directory: directory)
    let registry = MetricRegistry()
    batches = try ProjectionBatches(
      store: store, logEnd: try log.coverage(), sources: [source], recent: recent, registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 2000), clock: clock, grace: .milliseconds(100))
    // Steps end by their number of deliveries, however slow the machine is.
    batches.projectingDuration = .seconds(3600)
    batches.measuringDuration = .seconds(3600)
    keeper = FactKeeper(store: store, strategy: .nested)
  }

  mutating func take(_ deliveries: [Delivery]) throws {
    var recorded: [RecordedDelivery] = []
    for first in stride(from: 0, to: deliveries.count, by: Self.logged) {
      let read = try deliveries[first..<min(first + Self.logged, deliveries.count)].map { try self.read($0) }
      recorded += try record(read)
    }
    clock.advance(by: Self.stepDuration)
    try project(recorded)
    withoutFacts += deliveries.count
    if withoutFacts >= Self.factInterval { try computeFacts() }
  }

  mutating func finish() throws {
    if withoutFacts > 0 { try computeFacts() }
  }

  func close() {
    store.close()
    log.close()
  }

  private typealias Read = (logged: LoggedDelivery, interpretation: Interpretation, fingerprint: DeliveryFingerprint?)

  @inline(never)
  private func read(_ delivery: Delivery) throws -> Read {
    var delivery = delivery
    try authenticate(delivery)
    delivery.headers = delivery.headers.keeping(source.keptHeaders)
    delivery.id = source.deliveryID(of: delivery)
    let fingerprint = delivery.id.map { DeliveryFingerprint(of: delivery, id: $0) }
    return (LoggedDelivery(delivery), try source.events(in: delivery), fingerprint)
  }

  @inline(never)
  private func authenticate(_ delivery: Delivery) throws {
    try source.authenticate(delivery, using: authenticator)
  }

  @inline(never)
  private func record(_ deliveries: [Read]) throws -> [RecordedDelivery] {
    let positions = try log.append(deliveries.map(\.logged))
    return zip(deliveries, positions).map { delivery, position in
      if let fingerprint = delivery.fingerprint { recent.insert(fingerprint, at: position) }
      return RecordedDelivery(
        position: position, logged: delivery.logged, interpretation: delivery.interpretation, fingerprint: delivery.fingerprint)
    }
  }

  @inline(never)
  private mutating func project(_ deliveries: [RecordedDelivery]) throws {
    var items = deliveries.map { ProjectionBatches.Item.recorded($0) }
    while !items.isEmpty {
      _ = try batches.step(items[...], isInterleaving: true)
      items = batches.remaining(of: items)
    }
  }

  @inline(never)
  private mutating func computeFacts() throws {
    while try keeper.step(now: clock.now()) {}
    withoutFacts = 0
  }
}

/// A clock that moves with the deliveries, so that every run does the same.
final class BenchmarkClock: WallClock {
  private let time = Mutex(Timestamp(seconds: 1_769_000_000))

  func now() -> Timestamp { time.withLock { $0 } }

  func advance(by duration: Duration) {
    time.withLock { $0 = $0.advanced(byNanoseconds: duration.nanoseconds) }
  }
}
