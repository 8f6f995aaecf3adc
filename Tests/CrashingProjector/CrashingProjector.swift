import DeliveryCounters
import Dispatch
import Export
import PoisonGuard
import Projection
import SQLiteStore
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A small test daemon whose source has deliveries that crash the process that reads them.
///
/// `CrashingProjector DIRECTORY [BODY ...]` records the bodies, projects the whole log and prints the results. Then it
/// exports the finished spans and prints the keys of those that arrived.
///
/// Bodies:
/// - `ok NAME` is an event about a subject.
/// - `end NAME` ends a subject; `end poison` gives a span that crashes the exporter.
/// - `trap`, `overflow` and `abort` crash while the delivery is read.
/// - `hang` prints a line and waits to be killed.
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
      let key = SubjectKey(source: name, host: "", container: "", kind: "thing", id: words.last ?? "")
      var event = Event(key: key, time: .receipt(delivery.received), attempt: .counted)
      event.operation = .build
      event.state = .running
      event.marks = [LifeMark(.begin, event.time)]
      if words.first == "end" {
        event.state = .ended
        event.marks.append(LifeMark(.end, event.time))
      }
      return .events([event])
    }

    /// Overflows the stack. Each call needs the result of the next, so the compiler cannot turn the recursion into a loop.
    private static func depth(of number: Int) -> String { number == .max ? "" : "\(depth(of: number + 1))\(number & 1)" }
  }

  /// An exporter that aborts on a span named `poison`.
  struct Exporter: SpanExporter {
    var name: String { "tests" }

    func export(_ spans: [TracedSpan]) async throws(ExportError) -> ExportReceipt {
      for traced in spans where CrashingProjector.id(of: traced.span.key) == "poison" { abort() }
      for traced in spans { print("exported \(CrashingProjector.id(of: traced.span.key))") }
      fflush(nil)
      return ExportReceipt(handled: spans.count)
    }

    func flush() async throws(ExportError) {}

    func shutdown() async {}
  }

  static func id(of key: SubjectKey) -> String { String(key.description.split(separator: ":").last ?? "") }

  static func main() async throws {
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
    let poisonGuard = PoisonGuard(directory: directory)
    let setAside = SetAsideDeliveries()
    let batches = try ProjectionBatches(
      store: store, logEnd: try log.coverage(), sources: [Source()], recent: RecentDeliveries(), registry: registry,
      metrics: ProjectionMetrics(registry: registry, seriesLimit: 100), clock: SystemClock(), grace: nil,
      poisonGuard: poisonGuard, setAside: setAside)
    let projector = Projector(log: log, batches: batches, logger: Logger { _ in })
    let done = DispatchSemaphore(value: 0)
    guard
      OwnThread.start({
        projector.run()
        done.signal()
      })
    else { return print("no thread") }
    if let last = try log.coverage() { projector.wait(for: last, atMost: .seconds(60)) }
    projector.stop()
    done.wait()
    let count = try store.subjects(after: nil, limit: .max).subjects.count
    print("subjects \(count), set aside \(setAside.count), projected \(projector.projected?.ends.last?.rawValue ?? 0)")
    for place in 1...(projector.projected?.ends.last?.rawValue ?? 1) {
      if let reason = setAside.reason(of: LogPosition(rawValue: place)) { print("\(place): \(reason)") }
    }
    let runner = try ExportRunner(
      exporter: Exporter(), store: store, ledger: ExportLedger(store: store, strategy: .nested), gracePeriod: .zero,
      clock: SystemClock(), logger: Logger { _ in }, poisonGuard: poisonGuard)
    await runner.finish(ignoringGracePeriod: true, within: .seconds(60))
    for rejection in try store.exportRejections(of: nil, before: nil, limit: 100).map(\.rejection) {
      print("refused \(rejection.attempts.map { id(of: $0.key) }.joined(separator: ",")): \(rejection.reason)")
    }
    store.close()
    log.close()
  }
}
