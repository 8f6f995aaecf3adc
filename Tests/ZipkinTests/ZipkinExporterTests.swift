import CurlTransport
import Export
import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting
import Zipkin

@Suite("Zipkin exporter", .timeLimit(.minutes(20)))
struct ZipkinExporterTests {
  struct SpanOfZipkin: Decodable {
    var id: String
    var tags: [String: String]
  }

  static func exporter(
    _ url: String, timeout: Double = 10, change: (inout ZipkinConfiguration) -> Void = { _ in }
  ) -> ZipkinExporter {
    var configuration = ZipkinConfiguration(url: url + "/api/v2/spans", presentation: SpanPresentation.Options())
    configuration.timeoutSeconds = timeout
    change(&configuration)
    var options = CurlTransport.Options()
    options.proxy = ""
    return ZipkinExporter(configuration: configuration, transport: CurlTransport(options: options))
  }

  static func spans(in request: LoopbackReceiver.Request) throws -> [SpanOfZipkin] {
    try JSONDecoder().decode([SpanOfZipkin].self, from: Data(request.body))
  }

  static let contract = SpanExporterContract(
    makeExporter: { exporter($0, timeout: $1) }, spanIDs: { try spans(in: $0).compactMap { SpanID($0.id) } })

  @Test("keeps the contract", arguments: SpanExporterContract.checks)
  func contract(check: SpanExporterContract.Check) async throws { try await check.run(Self.contract) }

  private static func request(_ spans: [TracedSpan], _ phases: PhaseStyle) async throws -> LoopbackReceiver.Request {
    let receiver = try LoopbackReceiver([.status(202)])
    let receipt = try await exporter(receiver.url) { $0.presentation.phases = phases }.export(spans)
    #expect(receipt == ExportReceipt(handled: spans.count))
    return try #require(receiver.requests.first)
  }

  @Test("Every member of a request", arguments: PhaseStyle.allCases)
  func golden(phases: PhaseStyle) async throws {
    let request = try await Self.request(ExportSamples.story(), phases)
    #expect(request.method == "POST")
    #expect(request.target == "/api/v2/spans")
    #expect(request.headers["Content-Type"] == "application/json")
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Golden/\(phases.rawValue).json")
    Golden.expect(try PrettyJSON.text(request.body), matches: file.path)
  }

  @Test(
    "Requests are valid by the schema of what Zipkin publishes of its format", .enabled(if: JSONSchemaValidator.isWanted),
    arguments: PhaseStyle.allCases)
  func schema(phases: PhaseStyle) async throws {
    let validator = JSONSchemaValidator(schema: "Tests/ZipkinTests/zipkin-v2.schema.json")
    let requests = [
      try await Self.request(ExportSamples.story(), phases),
      try await Self.request(ExportSamples.generated(200, seed: 7), phases),
    ]
    let findings = try validator.findings(in: requests.map { String(decoding: $0.body, as: UTF8.self) })
    #expect(findings == [nil, nil])
    let wrong = [
      #"[{"traceId":"1","id":"000000000000000g"}]"#, #"[{"traceId":"00000000000000000000000000000001"}]"#,
      #"[{"traceId":"0000000000000001","id":"0000000000000001","tags":{"n":1}}]"#,
      #"[{"traceId":"0000000000000001","id":"0000000000000001","duration":0}]"#,
      #"[{"traceId":"0000000000000001","id":"0000000000000001","kind":"INTERNAL"}]"#,
    ]
    #expect(try validator.findings(in: wrong).allSatisfy { $0 != nil }, "it tells wrong from right")
  }

  @Test("A failure, and only a failure, has the tag that marks one")
  func errors() async throws {
    var spans = try ExportSamples.spans(2)
    for index in spans.indices { spans[index].span.attributes = [Attribute("error", false)] }
    spans[1].span.outcome = .failure
    let shown = try Self.spans(in: await Self.request(spans, .events))
    #expect(shown.map { $0.tags["error"] } == [nil, "failure"])
  }

  @Test("A request has no more bytes than allowed, except for one span that is larger alone", arguments: [1, 8000])
  func limit(bytes: Int) async throws {
    try await Self.contract.checkByteLimit(bytes) { url in Self.exporter(url) { $0.byteLimit = bytes } }
  }

  @Test("Where Zipkin is")
  func settings() throws {
    func url(_ arguments: [String], _ environment: [String: String] = [:]) throws -> String {
      let settings = try Settings(
        declared: ZipkinSettings.declarations + ExportSettings.declarations, arguments: arguments, environment: environment)
      return try ZipkinSettings.configuration(in: settings, attributes: .both, phases: .events).url
    }
    #expect(try url([]) == "http://localhost:9411/api/v2/spans")
    #expect(try url([], ["OTEL_EXPORTER_ZIPKIN_ENDPOINT": "https://z/x"]) == "https://z/x")
    #expect(try url(["--zipkin-endpoint=http://f"], ["OTEL_EXPORTER_ZIPKIN_ENDPOINT": "https://z/x"]) == "http://f")
    #expect(throws: SettingsError.self) { try url(["--zipkin-endpoint=zipkin:9411"]) }
  }
}
