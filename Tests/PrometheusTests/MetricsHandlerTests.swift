import Dispatch
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Prometheus

@Suite("The answer at /metrics")
struct MetricsHandlerTests {
  private static let openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
  private static let text = "text/plain; version=0.0.4; charset=utf-8"

  @Test(
    "is OpenMetrics for those who prefer it, else text",
    arguments: [
      (nil, text), ("*/*", text), ("text/plain", text), ("application/openmetrics-text", openMetrics),
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5,*/*;q=0.1",
        openMetrics
      ),
      (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        openMetrics
      ),
      ("text/plain, Application/OpenMetrics-Text", openMetrics), ("text/plain;q=0.9, application/openmetrics-text; q=0.8", text),
      ("application/openmetrics-text;q=0.5, */*;q=0.9", text),
      ("*/*;q=0.9,application/openmetrics-text;q=0.5,text/*;q=0.2", openMetrics),
      ("text/*, application/openmetrics-text;q=0.9", text),
      ("text/plain;q=0.1,text/*,application/openmetrics-text;q=0.5", openMetrics),
      ("application/openmetrics-text;q=0", text), ("application/openmetrics-text;q=?", openMetrics), ("application/json", text),
      ("", text), (";,;q=,", text),
    ])
  func formats(accept: String?, contentType: String) {
    let registry = MetricRegistry()
    registry.family(.counter, "events_total", help: "Events.").add()
    var headers: HTTPHeaders = [:]
    headers["Accept"] = accept
    let response = MetricsHandler(registry: registry).respond(
      to: HTTPRequest(method: "GET", path: "/metrics", headers: headers))
    #expect(response.status == 200)
    #expect(response.headers["Content-Type"] == contentType)
    let body = String(decoding: response.body, as: UTF8.self)
    #expect(body.contains("\nevents_total 1\n"))
    #expect(body.hasSuffix("# EOF\n") == (contentType == Self.openMetrics))
  }

  @Test("a large answer is rendered once for all who ask at about the same time, a small one for each who asks")
  func sharing() {
    for (size, most) in [(SharedRendering.largeByteCount, 1), (10, 20)] {
      let rendering = SharedRendering()
      var count = 0
      for _ in 0..<20 {
        let body = rendering.body {
          count += 1
          return [UInt8](repeating: UInt8(count), count: size)
        }.bytes
        #expect(body.count == size)
      }
      #expect(most == 1 ? count < 20 : count == most)
    }
  }

  @Test("those who wait while it is rendered are answered with the next rendering, all with the same")
  func concurrentScrapes() {
    let rendering = SharedRendering()
    let counts = Mutex((renderings: 0, answers: 0))
    let (begun, go, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    @Sendable func ask() {
      let body = rendering.body {
        let number = counts.withLock { counts in
          counts.renderings += 1
          return counts.renderings
        }
        if number == 1 {
          begun.signal()
          go.wait()
        }
        return [UInt8(number)]
      }.bytes
      counts.withLock { $0.answers += body == [1] ? 100 : body == [2] ? 1 : 10_000 }
      done.signal()
    }
    let asked = DispatchSemaphore(value: 0)
    #expect(OwnThread.start { ask() })
    begun.wait()
    for _ in 0..<8 {
      #expect(
        OwnThread.start {
          asked.signal()
          ask()
        })
    }
    for _ in 0..<8 { asked.wait() }
    go.signal()
    for _ in 0..<9 { done.wait() }
    // A thread may call late, after it signaled, and then get a rendering of its own.
    let (renderings, answers) = counts.withLock { $0 }
    #expect(answers / 100 % 100 == 1)
    #expect((2...9).contains(renderings))
  }

  @Test("exemplars have the trace that the API shows, once a parent had time to be told, and none for what is no more")
  func exemplars() throws {
    let store = MemorySpanStore()
    let parent = StoreSamples.issue(1)
    var child = StoreSamples.issue(2, isOpen: false)
    child.parent = ParentTie(parent: parent.key, rule: .vendorLink, reference: .key(parent.key))
    store.write(StoreSamples.changes([parent, child]))
    let registry = MetricRegistry()
    let histogram = registry.family(.histogram(bounds: [10]), "seconds", help: "Times.", labels: ["what"])
    let now = SystemClock().now()
    func observe(_ label: String, _ subject: Subject, attempt: Int = 1, secondsAgo: Double) {
      let span = OutboxEntry(key: subject.key, attempt: attempt, time: now.advanced(bySeconds: -secondsAgo))
      histogram.observe(1, labels: [label], of: span)
    }
    observe("settled", child, secondsAgo: 3700)
    observe("fresh", child, secondsAgo: 60)
    observe("no such attempt", child, attempt: 2, secondsAgo: 3700)
    observe("removed", StoreSamples.issue(3), secondsAgo: 3700)
    let traces = ExemplarTraces(store: store, strategy: .nested, gracePeriod: .seconds(3600), clock: SystemClock())
    let response = MetricsHandler(registry: registry, traces: traces).respond(
      to: HTTPRequest(method: "GET", path: "/metrics", headers: ["Accept": "application/openmetrics-text"]))
    let lines = String(decoding: response.body, as: UTF8.self).split(separator: "\n").filter { $0.contains(" # ") }
    #expect(lines.count == 1)
    let shown = try #require(try TraceReader.spans(of: child.key, in: store).first)
    #expect(shown.traceID == TraceID(root: parent.key))
    let ids = #"# {trace_id="\#(shown.traceID)",span_id="\#(shown.span.id)"} 1 "#
    #expect(lines.first?.contains(#"{what="settled",le="10.0"} 1 \#(ids)"#) == true, "\(lines)")
  }

  /// Returns the exemplars of an exported and a not exported span, first from the full store, then after it was emptied.
  private static func exemplarsOfEmptiedStore(restFactor: Int) throws -> [[Substring]] {
    let store = MemorySpanStore()
    let subjects = [1, 2].map { StoreSamples.issue($0, isOpen: false) }
    store.write(StoreSamples.changes(subjects))
    let traceID = TraceID(root: subjects[0].key)
    let exported = [ExportedAttempt(number: 1, parentSpanID: nil)]
    store.addExportRecords([ExportRecord(key: subjects[0].key, traceID: traceID, attempts: exported)])
    let registry = MetricRegistry()
    let histogram = registry.family(.histogram(bounds: [10]), "seconds", help: "Times.", labels: ["what"])
    for (label, subject) in zip(["exported", "local"], subjects) {
      histogram.observe(1, labels: [label], of: OutboxEntry(key: subject.key, attempt: 1, time: .epoch))
    }
    let traces = ExemplarTraces(store: store, strategy: .nested, gracePeriod: .zero, clock: SystemClock(), restFactor: restFactor)
    let handler = MetricsHandler(registry: registry, traces: traces)
    func shown() -> [Substring] {
      let response = handler.respond(
        to: HTTPRequest(method: "GET", path: "/metrics", headers: ["Accept": "application/openmetrics-text"]))
      return String(decoding: response.body, as: UTF8.self).split(separator: "\n").filter { $0.contains(" # ") }
        .compactMap { $0.split(separator: "\"").dropFirst().first }
    }
    let before = shown()
    store.removeAll()
    return [before, shown()]
  }

  @Test("the trace of what was exported is looked up once, of what was not whenever there is time for it")
  func exemplarsLookedUpAgain() throws {
    #expect(try Self.exemplarsOfEmptiedStore(restFactor: 0) == [["exported", "local"], ["exported"]])
    #expect(try Self.exemplarsOfEmptiedStore(restFactor: 1_000_000_000) == [["exported", "local"], ["exported", "local"]])
  }

  @Test("gauges are brought up to date first")
  func refresh() {
    let registry = MetricRegistry()
    let gauge = registry.family(.gauge, "waiting", help: "What waits.")
    let handler = MetricsHandler(registry: registry, refresh: { gauge.add(1) })
    for expected in ["waiting 1\n", "waiting 2\n"] {
      let response = handler.respond(to: HTTPRequest(method: "GET", path: "/metrics"))
      #expect(String(decoding: response.body, as: UTF8.self).hasSuffix(expected))
    }
  }
}

extension TraceReader {
  fileprivate static func spans(of key: SubjectKey, in store: any SpanStore) throws -> [TracedSpan] {
    var reader = TraceReader(store: store, strategy: .nested)
    return try reader.spans(of: key)
  }
}
