import Dispatch
import Pipeline
import SQLiteStore
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A small daemon for tests, with a source of which some deliveries crash whoever reads them: `CrashingProjector DIRECTORY [BODY ...]`
/// records the bodies, projects everything that is recorded, and prints what became of it.
///
/// Bodies: `ok NAME` is an event about a subject; `trap`, `overflow` and `abort` crash; `hang` prints a line, and waits to be killed.
@main
enum CrashingProjector {
  struct Source: EventSource {
    var name: String { "tests" }
    var route: String { "/tests" }
    var keptHeaders: [String] { [] }
    var acceptsUnsigned: Bool { true }

    func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {}

    func deliveryID(of delivery: Delivery) -> String? { nil }

    func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
      let words = String(decoding: delivery.body, as: UTF8.self).split(separator: " ").map(String.init)
      switch words.first {
      case "trap": return .ignored(reason: "\(words[words.count])")
      case "overflow": return .ignored(reason: "\(Self.depth(of: words.count))")
      case "abort": abort()
      case "hang":
        print("hanging")
        fflush(nil)
        while true { sleep(1) }
      default: break
      }
      let key = SpanKey(source: name, host: "", container: "", kind: "thing", id: words.last ?? "")
      var event = Event(key: key, time: .receipt(delivery.received), attempt: .counted)
      event.operation = .build
      event.state = .running
      event.marks = [LifeMark(.begin, event.time)]
      return .events([event])
    }

    /// Calls itself far deeper than any stack is, and needs what each call gives.
    private static func depth(of number: Int) -> String { number == .max ? "" : "\(depth(of: number + 1))\(number & 1)" }
  }

  static func main() throws {
    let directory = CommandLine.arguments[1]
    let log = try SQLiteDeliveryLog(directory: directory)
    let store = try SQLiteSpanStore(directory: directory)
    let bodies = CommandLine.arguments.dropFirst(2)
    _ = try log.append(
      bodies.map { body in
        LoggedDelivery(
          Delivery(source: "tests", received: Timestamp(seconds: 1_790_000_000), headers: [:], body: Array(body.utf8)))
      })
    let registry = MetricRegistry()
    let setAside = SetAsideDeliveries()
    let batches = try ProjectionBatches(
      store: store, logEnd: try log.lastPosition(), sources: [Source()], recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: SystemClock(), grace: nil,
      poisonGuard: PoisonGuard(directory: directory), setAside: setAside)
    let projector = Projector(log: log, batches: batches, logger: Logger { _ in })
    let done = DispatchSemaphore(value: 0)
    guard
      OwnThread.start({
        projector.run()
        done.signal()
      })
    else { return print("no thread") }
    if let last = try log.lastPosition() { projector.wait(for: last, atMost: .seconds(60)) }
    projector.stop()
    done.wait()
    let count = try store.things(after: nil, limit: .max).subjects.count
    print("subjects \(count), set aside \(setAside.count), projected \(projector.projected?.rawValue ?? 0)")
    for place in 1...(projector.projected?.rawValue ?? 1) {
      if let reason = setAside.reason(of: LogPosition(rawValue: place)) { print("\(place): \(reason)") }
    }
    store.close()
    log.close()
  }
}
