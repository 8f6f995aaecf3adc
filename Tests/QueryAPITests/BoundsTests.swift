import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import QueryAPI

/// Every page is valid and complete, whatever the store contains.
@Suite("Pages at the bounds", .enabled(if: IndependentReader.isWanted, "there is no Python"))
struct BoundsTests {
  private static let texts = [
    "plain", "Zürich", "日本語", "👩‍🚀", #""quoted" \ back"#, "\0\u{1}\u{1F}\u{7F}", "line\nend\r\n\tand\u{85}\u{2028}\u{2029}",
    "\u{301}\u{0308}", "e\u{301}", "\u{E9}", "\u{202E}\u{5E9}\u{5DC}\u{5D5}\u{5DD}\u{2069}", "\u{FEFF}",
    "\u{FFFD}\u{FFFE}\u{10FFFF}",
    "</script><!--", "=1+2", String(repeating: "é", count: 6000), " ", "x",
  ]

  private static let times = [
    Timestamp(nanoseconds: .min), .epoch, Timestamp(nanoseconds: 1), Timestamp(nanoseconds: 999_999_999), StoreSamples.time(0),
    Timestamp.latest.advanced(byNanoseconds: -1), .latest, Timestamp(nanoseconds: .max),
  ]

  private static var attributes: [Attribute] {
    let numbers: [AttributeValue] =
      [Int64.min, -1, 0, 1, 1 << 53, (1 << 53) + 1, .max].map { .int($0) }
      + [
        -0.0, 0.1, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity,
        -.infinity, .nan,
      ].map { .double($0) }
    let values = numbers + [.null, .bool(true), .strings([""]), .strings(texts.filter { $0.utf8.count < 100 })]
    return values.enumerated().map { Attribute("bound.\(100 + $0.offset)", $0.element) }
  }

  private static func key(_ number: Int) -> SubjectKey {
    SubjectKey(source: "customhttp", host: "", container: texts[number % texts.count], kind: "any", id: "\(number)")
  }

  /// Subjects with extreme values in one trace. Texts appear as names, operations and other members. Each pair of times occurs.
  private static func events() -> [Event] {
    (0..<times.count * times.count).map { number in
      let (start, end) = (times[number / times.count], times[number % times.count])
      let text = texts[number % texts.count]
      var event = Event(key: key(number), time: .vendor(end), attempt: .numbered([1, 2, .max][number % 3]))
      event.operation = Operation(rawValue: texts[(number / 2) % texts.count])
      (event.name, event.project, event.owner) = (text, text, text)
      event.marks = [.begin(.vendor(start))] + (number % 5 == 0 ? [] : [.end(.vendor(end))])
      event.outcome = Outcome.allCases[number % Outcome.allCases.count]
      event.attributes = attributes + [Attribute("text", .string(text)), Attribute(text, .string(text))]
      event.phases = times.map { PhaseStatement(track: text, name: text, start: start, end: $0) }
      event.spanEvents = times.map { SpanEvent(name: text, time: $0, attributes: attributes + [Attribute(text, .string(text))]) }
      event.publishes = [Reference(.classicID, "\(number) \(text)")]
      event.links = [LinkStatement(.key(key((number + 1) % 64)), rule: text)]
      if number > 0 { event.follows = [FollowStatement(.explicitID, [.key(key(0))])] }
      return event.limited()
    }
  }

  private static func page(_ handler: any HTTPHandler, _ path: String, _ query: [(name: String, value: String)] = []) throws
    -> [IndependentReader.Value]
  {
    let response = handler.respond(to: HTTPRequest(method: "GET", path: path, query: query))
    try #require(response.status == 200, "\(path): \(String(decoding: response.body.prefix(500), as: UTF8.self))")
    return try IndependentReader.json.values(in: response.body)
  }

  private static func bytes(_ texts: some Sequence<String>) -> Set<[UInt8]> { Set(texts.map { Array($0.utf8) }) }

  @Test("Lists of spans, spans and traces are JSON with everything that was told", arguments: [TraceStrategy.nested, .linked])
  func spans(strategy: TraceStrategy) throws {
    let events = Self.events()
    let queries = QuerySamples.queries(try QuerySamples.store(events), strategy, byteBudget: .max)
    let list = try Self.page(SpansHandler(queries), "/api/v1/spans", [("limit", "1000")])
    let keys = Self.bytes(events.map(\.key.description))
    #expect(Set(list.bytes(of: "key")).isSuperset(of: keys))
    #expect(Set(list.bytes(of: "name")).isSuperset(of: Self.bytes(Self.texts)))
    #expect(Set(list.bytes(of: "text")) == Self.bytes(Self.texts))
    #expect(list.filter { $0.name == "spanID" && $0.text == SpanID(key: Self.key(5), attempt: .max).description }.count >= 1)
    for number: Int64 in [.min, (1 << 53) + 1, .max] { #expect(list.contains { $0.text == "\(number)" }) }
    #expect(list.contains { $0.name == "start" && $0.text == "1970-01-01T00:00:00Z" })
    #expect(list.contains { $0.name == "end" && $0.text.hasPrefix("2200-01-01T00:00:00") })
    for event in events.prefix(20) {
      let one = try Self.page(SpansHandler(queries), "/api/v1/spans/\(event.key)")
      #expect(one.bytes(of: "key").contains(Array(event.key.description.utf8)))
    }
    let traces = try Self.page(TracesHandler(queries), "/api/v1/traces", [("limit", "100")])
    #expect(!traces.bytes(of: "traceID").isEmpty)
    let trace = try Self.page(TracesHandler(queries), "/api/v1/traces/\(Self.key(1))")
    #expect(trace.bytes(of: "key").contains(Array(Self.key(1).description.utf8)))
  }

  @Test("Jaeger's answers are JSON with every span, name and tag", arguments: [TraceStrategy.nested, .linked])
  func jaeger(strategy: TraceStrategy) throws {
    let events = Self.events()
    let handler = JaegerHandler(QuerySamples.queries(try QuerySamples.store(events), strategy, byteBudget: .max))
    let found = try Self.page(
      handler, "/api/traces",
      [("service", "customhttp"), ("limit", "200"), ("start", "0"), ("end", "\(Timestamp.latest.nanoseconds / 1000)")])
    let ids = Set(found.bytes(of: "spanID"))
    for (number, event) in events.enumerated() {
      let id = SpanID(key: event.key, attempt: [1, 2, .max][number % 3])
      #expect(ids.contains(Array(id.description.utf8)), "\(number)")
    }
    #expect(Set(found.bytes(of: "value")).isSuperset(of: Self.bytes(Self.texts)))
    for duration in found where duration.name == "duration" { #expect((Int64(duration.text) ?? -1) >= 0) }
    #expect(try Self.page(handler, "/api/services").contains { $0.text == "customhttp" })
    #expect(try Self.page(handler, "/api/operations", [("service", "customhttp")]).bytes(of: "name").count >= 1)
    #expect(try Self.page(handler, "/api/services/customhttp/operations").count > 1)
  }

  @Test("Refusals, deliveries and statistics are JSON, whatever a receiver or sender says")
  func others() throws {
    let store: any SpanStore = MemorySpanStore()
    for (number, text) in Self.texts.enumerated() {
      let rejection = ExportRejection(
        exporter: text, time: Self.times[number % Self.times.count], count: [0, 1, .max][number % 3], reason: text,
        attempts: [ExportRejection.Attempt(key: Self.key(number), number: [1, .max][number % 2])])
      try store.setExportProgress(ExportProgress(), for: text, rejection: rejection)
    }
    let rejections = try Self.page(RejectionsHandler(QuerySamples.queries(store)), "/api/v1/refusals", [("limit", "1000")])
    #expect(Set(rejections.bytes(of: "reason")) == Self.bytes(Self.texts))
    #expect(Set(rejections.bytes(of: "time")).count >= 5)

    let log = MemoryDeliveryLog()
    for (number, text) in Self.texts.enumerated() {
      let received = Self.times[number % Self.times.count]
      let delivery = Delivery(
        source: "nobody", received: received, headers: ["X-Text": text], body: Array(text.utf8) + [0xFF, 0xED, 0xA0, 0x80, 0x00])
      _ = log.append([LoggedDelivery(delivery)])
    }
    let handler = DeliveriesHandler(log: log, sources: [], logger: Logger { _ in })
    let list = try Self.page(handler, "/api/v1/deliveries", [("limit", "100")])
    #expect(list.bytes(of: "id").count == Self.texts.count)
    for id in list where id.name == "id" {
      let one = try Self.page(handler, "/api/v1/deliveries/\(id.text)")
      #expect(one.bytes(of: "body").count == 1 && one.contains { $0.name == "body" && $0.text.contains("\u{FFFD}") })
    }

    let stats = StatsHandler {
      StatsHandler.Stats(
        recorded: .max, duplicate: 0, ignored: .min, unreadable: -1, openSpans: .max, finishedSpans: .max,
        exporters: Self.texts.map { ($0, .max, .max, .min, 0) })
    }
    let counts = try Self.page(stats, "/api/v1/stats")
    #expect(counts.filter { $0.name == "sent" && $0.text == "\(Int64.max)" }.count == Self.texts.count)
    #expect(Set(counts.bytes(of: "<name>")).isSuperset(of: Self.bytes(Self.texts)))
  }
}
