import CurlTransport
import Foundation
import OTLP
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Spans at a collector of another project")
struct CollectorTests {
  static func arguments(_ port: UInt16) -> [String] {
    ["--tracer=otlp", "--settle=0s", "--otlp-endpoint=http://127.0.0.1:\(port)"]
  }

  /// Disables the machine's proxy settings.
  static let environment = ["http_proxy": "", "no_proxy": "*"]

  // MARK: Every field

  @Test(
    "have every field that the API shows", .enabled(if: Collector.isWanted, "the collector is not installed"),
    arguments: [("http/protobuf", "gzip"), ("http/protobuf", "none"), ("http/json", "gzip"), ("http/json", "none")])
  func fields(format: String, compression: String) throws {
    let port = try ReservedPort()
    let home = try VSDProcess.Home()
    let collector = try Collector(port: port.number, in: home)
    var variables = Self.environment
    variables["OTEL_RESOURCE_ATTRIBUTES"] = "team=web%2Fshop"
    // The long grace period holds spans back until all deliveries have arrived.
    variables["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = format
    let vsd = try VSDProcess(
      Self.arguments(port.number) + ["--settle=1h", "--store=memory", "--otlp-compression", compression],
      environment: variables, in: home)
    for (event, body) in try Self.gitHubDeliveries() { try vsd.postGitHub(event, body) }
    let metadata = #""metadata": {"text": "a: b -> c", "int": 7, "double": 0.25, "bool": true, "list": ["a", "b"]}"#
    for action in ["start", "end"] {
      try vsd.postCustom(Payloads.custom(action, "1", more: metadata))
      try vsd.postCustom(Payloads.custom(action, "2", type: "backup", more: #""error": true"#))
    }
    let all = try vsd.json("/api/v1/spans?limit=1000")["spans"]?.list ?? []
    let finished = all.filter { $0["end"] != .null }
    let operations = Set(finished.compactMap { $0["operation"]?.text })
    #expect(operations.isSuperset(of: ["issue", "pull_request", "build", "job", "deploy"]))
    // With a store in memory, vsd exports all finished spans before it stops.
    try vsd.stop()
    try collector.waitForSpans(finished.count)
    try collector.stop()
    let spans = collector.spans
    #expect(spans.count == finished.count)
    for expected in finished {
      let id = expected["spanID"]?.text ?? ""
      let found = try #require(spans.first { $0.id == id }, "\(expected)")
      try Self.compare(found, expected)
    }
  }

  private static func gitHubDeliveries() throws -> [(event: String, body: String)] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("GitHubWebhooksTests/Fixtures")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }.sorted()
    return try files.map { file in
      (
        String(file.prefix { $0 != "." }),
        try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      )
    }
  }

  private static func compare(_ span: Collector.Span, _ api: JSON) throws {
    let what: Comment = "\(api["key"]?.text ?? "")"
    let outcome = api["outcome"]?.text
    let attributes = api["attributes"]?.members ?? [:]
    let operation = api["operation"]?.text ?? ""
    let pipeline = attributes["cicd.pipeline.name"]?.text
    let isRun = operation == "build" || operation == "deploy" && pipeline != nil
    #expect(span.fields["Trace ID"] == api["traceID"]?.text, what)
    #expect(span.fields["Parent ID"] == api["parentSpanID"]?.text ?? "", what)
    let action = attributes["cicd.pipeline.action.name"]?.text
    let words = [action, pipeline].compactMap(\.self)
    let runName = words.isEmpty ? nil : words.joined(separator: " ")
    let taskName = operation == "job" ? attributes["cicd.pipeline.task.name"]?.text : nil
    #expect(span.fields["Name"] == (isRun ? runName : taskName) ?? operation, what)
    #expect(span.fields["Kind"] == (isRun ? "SPAN_KIND_SERVER" : "SPAN_KIND_INTERNAL"), what)
    #expect(span.fields["Start time"] == nanoseconds(api["start"]), what)
    #expect(span.fields["End time"] == nanoseconds(api["end"]), what)
    let isError = ["failure", "error", "timeout"].contains(outcome ?? "")
    // The collector does not print an unset status.
    #expect(span.fields["Status code"] == (isError ? "STATUS_CODE_ERROR" : nil), what)
    #expect(span.fields["Status message"] ?? "" == "", what)

    var expected = attributes
    for (name, member) in [
      ("key", "key"), ("name", "name"), ("operation", "operation"), ("source", "source"), ("outcome", "outcome"),
      ("classic_id", "classicID"), ("parent.key", "parentKey"), ("parent.rule", "parentRule"), ("attempt", "attempt"),
    ] {
      if let value = api[member], value != .null { expected["valuestream.\(name)"] = value }
    }
    // The API has no such member for spans.
    var found = span.attributes
    #expect(found.removeValue(forKey: "valuestream.project")?.hasPrefix("Str(") == true, what)
    compare(found, expected, what)

    let phases = (api["phases"]?.list ?? []).filter { $0["end"] != .null }
    let spanEvents = api["events"]?.list ?? []
    #expect(span.events.count == phases.count + spanEvents.count, what)
    let times = span.events.map { Int64($0.fields["Timestamp"] ?? "") ?? 0 }
    #expect(times == times.sorted(), what)
    var shown = span.events.filter { $0.fields["Name"] == "phase" }
    for phase in phases {
      let index = shown.firstIndex {
        $0.fields["Timestamp"] == nanoseconds(phase["start"])
          && $0.attributes["valuestream.phase.name"] == "Str(\(phase["name"]?.text ?? ""))"
      }
      var attributes = shown.remove(at: try #require(index, what)).attributes
      #expect(attributes.removeValue(forKey: "valuestream.phase.track") != nil, what)
      var expected = ["valuestream.phase.name": phase["name"] ?? .null, "valuestream.phase.outcome": phase["outcome"] ?? .null]
      let (start, end) = (time(phase["start"]), time(phase["end"]))
      expected["valuestream.phase.duration"] = .number(end.seconds(since: start))
      compare(attributes, expected, what)
    }
    for (event, instant) in zip(span.events.filter { $0.fields["Name"] != "phase" }, spanEvents) {
      #expect(event.fields["Name"] == instant["name"]?.text, what)
      #expect(event.fields["Timestamp"] == nanoseconds(instant["time"]), what)
      compare(event.attributes, instant["attributes"]?.members ?? [:], what)
    }
    #expect(span.links.isEmpty && (api["links"]?.list ?? []).isEmpty, what)
    #expect(span.scope == "valuestream \(ValueStreamVersion.current)", what)
    #expect(
      span.resource == [
        "service.name": "Str(\(api["source"]?.text ?? ""))", "team": "Str(web/shop)", "telemetry.sdk.name": "Str(valuestream)",
        "telemetry.sdk.language": "Str(swift)", "telemetry.sdk.version": "Str(\(ValueStreamVersion.current))",
      ], what)
  }

  private static func compare(_ found: [String: String], _ expected: [String: JSON], _ what: Comment) {
    let expected = expected.filter { $0.value != .null }
    #expect(Set(found.keys) == Set(expected.keys), what)
    for (name, value) in expected { #expect(found[name].map { normal($0) } == text(value), "\(what) \(name)") }
  }

  /// Formats integers and doubles alike, because the API's JSON does not distinguish `5` and `5.0`.
  private static func normal(_ text: String) -> String {
    guard text.hasPrefix("Int(") || text.hasPrefix("Double("), let number = Double(text.split { "()".contains($0) }[1]) else {
      return text
    }
    return "Number(\(number))"
  }

  private static func text(_ value: JSON) -> String {
    switch value {
    case .null: ""
    case .bool(let flag): "Bool(\(flag))"
    case .number(let number): "Number(\(number))"
    case .text(let text): "Str(\(text))"
    case .list(let list): "Slice(\(list.map(text).joined(separator: ", ")))"
    case .object: ""
    }
  }

  private static func time(_ value: JSON?) -> Timestamp { value?.text.flatMap { Timestamp(rfc3339: $0) } ?? .epoch }
  private static func nanoseconds(_ value: JSON?) -> String { "\(time(value).nanoseconds)" }

  @Test(
    "have every field that spans can have, whatever stands in it",
    .enabled(if: Collector.isWanted, "the collector is not installed"), arguments: OTLPFormat.allCases)
  func generated(format: OTLPFormat) async throws {
    let port = try ReservedPort()
    let collector = try Collector(port: port.number, in: VSDProcess.Home())
    var options = CurlTransport.Options()
    options.proxy = ""
    var configuration = OTLPConfiguration(
      url: "http://127.0.0.1:\(port.number)/v1/traces", presentation: SpanPresentation.Options())
    configuration.format = format
    let exporter = OTLPExporter(configuration: configuration, transport: CurlTransport(options: options))
    let spans = try ExportSamples.story() + ExportSamples.generated(150, seed: 3, isOneLine: true)
    #expect(try await exporter.export(spans) == ExportReceipt(handled: spans.count))
    try collector.waitForSpans(spans.count)
    try collector.stop()
    let found = collector.spans
    #expect(found.count == spans.count)
    for span in spans {
      let shown = SpanPresentation.presentations(of: span, configuration.presentation)[0]
      try Self.compare(
        #require(found.first { $0.id == shown.spanID.description && $0.fields["Trace ID"] == shown.traceID.description }), shown)
    }
  }

  private static func compare(_ span: Collector.Span, _ shown: SpanPresentation) throws {
    let what: Comment = "\(shown.spanID)"
    #expect(span.fields["Parent ID"] == shown.parentSpanID?.description ?? "", what)
    #expect(span.fields["Name"] == shown.name, what)
    #expect(span.fields["Kind"] == (shown.kind == .server ? "SPAN_KIND_SERVER" : "SPAN_KIND_INTERNAL"), what)
    #expect(span.fields["Start time"] == "\(max(0, shown.start.nanoseconds))", what)
    #expect(span.fields["End time"] == "\(max(0, shown.end.nanoseconds))", what)
    #expect(span.fields["Status code"] == (shown.isError ? "STATUS_CODE_ERROR" : nil), what)
    #expect(span.resource["service.name"] == "Str(\(shown.serviceName))", what)
    #expect(normal(span.attributes) == texts(shown.attributes), what)
    #expect(span.events.map { $0.fields["Name"] } == shown.events.map(\.name), what)
    #expect(span.events.map { $0.fields["Timestamp"] } == shown.events.map { "\($0.time.nanoseconds)" }, what)
    #expect(span.events.map { normal($0.attributes) } == shown.events.map { texts($0.attributes) }, what)
    #expect(span.links.map { $0.fields["Trace ID"] } == shown.links.map(\.traceID.description), what)
    #expect(span.links.map { $0.fields["ID"] } == shown.links.map(\.spanID.description), what)
    #expect(span.links.map(\.attributes) == shown.links.map { texts($0.attributes) }, what)
  }

  /// Formats attributes as the collector prints them.
  private static func texts(_ attributes: [Attribute]) -> [String: String] {
    Dictionary(
      attributes.map { attribute in
        switch attribute.value {
        case .string(let text): (attribute.name, "Str(\(text))")
        case .bool(let flag): (attribute.name, "Bool(\(flag))")
        case .int(let number): (attribute.name, "Int(\(number))")
        case .double(let number): (attribute.name, "Double(\(number))")
        case .strings(let texts): (attribute.name, "Slice(\(texts.map { "Str(\($0))" }.joined(separator: ", ")))")
        case .null: (attribute.name, "")
        }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Formats doubles as Swift does, because the collector prints no exponents.
  private static func normal(_ attributes: [String: String]) -> [String: String] {
    attributes.mapValues { text in
      guard text.hasPrefix("Double("), let number = Double(text.dropFirst("Double(".count).dropLast()) else { return text }
      return "Double(\(number))"
    }
  }

  // MARK: Outages

  @Test(
    "are all there, each once, after the collector was away and vsd was killed meanwhile",
    .enabled(if: Collector.isWanted, "the collector is not installed"))
  func absence() throws {
    let port = try ReservedPort()
    let home = try VSDProcess.Home()
    func start() throws -> VSDProcess {
      try VSDProcess(Self.arguments(port.number), environment: Self.environment, in: home)
    }
    func load(_ vsd: VSDProcess, _ numbers: Range<Int>) throws {
      for number in numbers {
        for action in ["start", "end"] { #expect(try vsd.postCustom(Payloads.custom(action, "\(number)")) == "200 success") }
      }
    }
    let first = try Collector(port: port.number, in: home)
    var vsd = try start()
    try load(vsd, 0..<50)
    // Once vsd has recorded the answers, it exports none of these spans again.
    try vsd.wait(for: "the end of the first spans") {
      try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["sent"] == 50 ? true : nil
    }
    try first.stop()
    try load(vsd, 50..<120)
    try vsd.waitForLine("word that the collector is away") { $0["msg"]?.text?.contains("will try again") == true }
    vsd.send(SIGKILL)
    try vsd.waitForExit()
    vsd = try start()
    try load(vsd, 120..<200)
    let second = try Collector(port: port.number, in: home)
    try load(vsd, 200..<220)
    try vsd.wait(for: "the end of all spans") {
      try vsd.json("/api/v1/stats")["exporters"]?["otlp"]?["pending"] == 0 ? true : nil
    }
    let expected = try Set((vsd.json("/api/v1/spans?limit=1000")["spans"]?.list ?? []).compactMap { $0["spanID"]?.text })
    #expect(try vsd.json("/api/v1/stats")["exporters"] == ["otlp": ["pending": 0, "sent": 220, "refused": 0, "dropped": 0]])
    #expect(try vsd.stop() == .code(0))
    try second.stop()
    let ids = (first.spans + second.spans).map(\.id)
    #expect(first.spans.count == 50)
    #expect(ids.count == 220)
    #expect(Set(ids) == expected)
  }
}
