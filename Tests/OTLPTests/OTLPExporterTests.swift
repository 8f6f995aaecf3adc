import CZlib
import Foundation
import OTLP
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("OTLP exporter")
struct OTLPExporterTests {
  static func configuration(
    _ attributes: AttributeSelection = .both, _ phases: PhaseStyle = .events, change: (inout OTLPConfiguration) -> Void = { _ in }
  ) -> OTLPConfiguration {
    var configuration = OTLPConfiguration(
      url: "http://receiver/v1/traces", presentation: SpanPresentation.Options(attributes: attributes, phases: phases))
    configuration.isCompressed = false
    change(&configuration)
    return configuration
  }

  static func text(_ spans: [TracedSpan], _ configuration: OTLPConfiguration) async throws -> String {
    let transport = TransportFake { _ in HTTPResponse(status: 200) }
    let receipt = try await OTLPExporter(configuration: configuration, transport: transport).export(spans)
    #expect(receipt == ExportReceipt(handled: spans.count))
    return try ProtobufText.otlp.text(of: transport.requests[0].body, as: "ExportTraceServiceRequest")
  }

  static func golden(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/\(name).txt").path
  }

  // MARK: Contents

  @Test("Every field of a request", arguments: AttributeSelection.allCases, PhaseStyle.allCases)
  func golden(attributes: AttributeSelection, phases: PhaseStyle) async throws {
    let text = try await Self.text(ExportSamples.story(), Self.configuration(attributes, phases))
    Golden.expect(text, matches: Self.golden("\(attributes.rawValue).\(phases.rawValue)"))
  }

  @Test("Every member of a request in JSON", arguments: PhaseStyle.allCases)
  func goldenJSON(phases: PhaseStyle) async throws {
    let transport = TransportFake { _ in HTTPResponse(status: 200) }
    let configuration = Self.configuration(.both, phases) { $0.format = .json }
    let story = try ExportSamples.story()
    let receipt = try await OTLPExporter(configuration: configuration, transport: transport).export(story)
    #expect(receipt == ExportReceipt(handled: story.count))
    let request = try #require(transport.requests.first)
    #expect(request.headers["Content-Type"] == "application/json")
    Golden.expect(try PrettyJSON.text(request.body), matches: Self.golden("json.\(phases.rawValue)"))
  }

  @Test("Links that are not shown are counted, whichever attributes are wanted", arguments: AttributeSelection.allCases)
  func droppedLinks(attributes: AttributeSelection) async throws {
    var spans = try ExportSamples.spans(2)
    spans[1].span.attributes = [Attribute("valuestream.links.dropped", 10)]
    let text = try await Self.text(spans, Self.configuration(attributes, .spans))
    #expect(text.matches(of: /14 dropped_links_count: (\d+)\n/).map(\.output.1) == ["10"])
  }

  @Test("A service and resource of one's own choice")
  func resource() async throws {
    let text = try await Self.text(
      ExportSamples.story(),
      Self.configuration { configuration in
        configuration.presentation.services = ServiceNames(common: "delivery")
        configuration.resourceAttributes = [Attribute("team", "web"), Attribute("telemetry.sdk.name", "another")]
      })
    #expect(text.components(separatedBy: "resource_spans").count == 2, "one service, one resource")
    #expect(text.contains("1 key: \"service.name\"\n      2 value\n        1 string_value: \"delivery\""))
    #expect(text.contains("1 key: \"team\"\n      2 value\n        1 string_value: \"web\""))
    #expect(!text.contains("another"))
  }

  @Test("The id of a phase is what sha256sum prints")
  func phaseID() throws {
    let build = try #require(try ExportSamples.story().first { $0.span.operation == .build })
    let options = SpanPresentation.Options(phases: .spans)
    let phases = SpanPresentation.presentations(of: build, options).dropFirst()
    #expect(phases.map(\.name) == ["queue", "run"])
    // printf 'phase:github:github.com:1:run:9:2:run:queue:2026-03-01T08:01:00Z' | sha256sum | cut -c1-16
    #expect(phases.first?.spanID.description == "647847506920198f")
    #expect(phases.allSatisfy { $0.parentSpanID == build.span.id && $0.traceID == build.traceID && $0.kind == .internal })
  }

  // MARK: Requests

  @Test("Headers, time-out, and gzip that others can read")
  func request() async throws {
    let transport = TransportFake { _ in HTTPResponse(status: 200) }
    let configuration = Self.configuration { configuration in
      configuration.isCompressed = true
      configuration.headers = ["api-key": "k", "content-type": "text/plain", "Content-Encoding": "br"]
      configuration.timeoutSeconds = 3
    }
    let spans = try ExportSamples.spans(200)
    _ = try await OTLPExporter(configuration: configuration, transport: transport).export(spans)
    let request = try #require(transport.requests.first)
    #expect(request.method == "POST")
    #expect(request.url == "http://receiver/v1/traces")
    #expect(request.timeoutSeconds == 3)
    #expect(request.headers["api-key"] == "k")
    #expect(request.headers.fields.count == 3)
    #expect(request.headers["Content-Type"] == "application/x-protobuf")
    #expect(request.headers["Content-Encoding"] == "gzip")
    let plain = try inflate(request.body)
    #expect(plain.count > 5 * request.body.count)
    let text = try ProtobufText.otlp.text(of: plain, as: "ExportTraceServiceRequest")
    #expect(try text == (await Self.text(spans, Self.configuration())))
  }

  @Test(
    "A request has no more bytes than allowed, except for one span that is larger alone", arguments: [1, 8000, 20_000],
    OTLPFormat.allCases)
  func limit(bytes: Int, format: OTLPFormat) async throws {
    var rest = try ExportSamples.spans(30, text: String(repeating: "t", count: 2000))[...]
    let transport = TransportFake { _ in HTTPResponse(status: 200) }
    let configuration = Self.configuration { configuration in
      configuration.byteLimit = bytes
      configuration.format = format
    }
    let exporter = OTLPExporter(configuration: configuration, transport: transport)
    while !rest.isEmpty { rest = rest.dropFirst(try await exporter.export(Array(rest)).handled) }
    let sizes = transport.requests.map(\.body.count)
    #expect(bytes == 1 ? sizes.count == 30 : sizes.allSatisfy { $0 <= bytes })
    #expect(sizes.count < 30 || bytes == 1)
    let ids = try transport.requests.flatMap { try spanIDs(in: $0.body, format) }
    #expect(ids == (0..<30).map(ExportSamples.id))
  }

  // MARK: Answers

  @Test(
    "The reason a receiver gives",
    arguments: [
      ("application/x-protobuf", [UInt8]([8, 3, 18, 3]) + Array("bad".utf8), "400 bad"),
      ("application/x-protobuf", [1, 2, 3], "400"), ("text/plain", Array("plain \n text".utf8), "400 plain text"),
      ("application/json", Array(String(repeating: "x", count: 5000).utf8), "400 " + String(repeating: "x", count: 300) + "…"),
      ("application/json", Array(#"{"code":3,"message":"bad  span"}"#.utf8), "400 bad span"),
      ("application/json; charset=utf-8", Array(#"{"error":"x"}"#.utf8), #"400 {"error":"x"}"#),
      ("text/html", [], "400"),
    ])
  func reason(type: String, body: [UInt8], expected: String) async throws {
    let transport = TransportFake { _ in HTTPResponse(status: 400, headers: ["Content-Type": type], body: body) }
    let configuration = Self.configuration { $0.url = "http://user:secret@receiver/v1/traces?key=secret" }
    let exporter = OTLPExporter(configuration: configuration, transport: transport)
    let spans = try ExportSamples.spans(1)
    await #expect { try await exporter.export(spans) } throws: { error in
      (error as? ExportError)?.isRetryable == false && "\(error)" == "POST http://receiver/v1/traces: \(expected)"
    }
  }

  @Test(
    "What a receiver of JSON may answer",
    arguments: [
      (#"{}"#, 0, nil), (#"{"partialSuccess":{}}"#, 0, nil), (#"{"partialSuccess":{"rejectedSpans":1}}"#, 1, nil),
      (#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"old"}}"#, 2, "old"),
      (#"{"partialSuccess":{"rejectedSpans":"many"}}"#, 0, nil), (#"{"partialSuccess":null}"#, 0, nil), ("[", 0, nil),
    ])
  func jsonAnswers(body: String, refused: Int, reason: String?) async throws {
    let transport = TransportFake { _ in .json(Array(body.utf8)) }
    let receipt = try await OTLPExporter(configuration: Self.configuration { $0.format = .json }, transport: transport)
      .export(try ExportSamples.spans(3))
    #expect(receipt == ExportReceipt(handled: 3, refused: refused, reason: reason))
  }

  @Test(
    "An answer that is no message of ours, whatever its bytes, is a plain success",
    arguments: ["application/x-protobuf", "application/json"])
  func oddAnswers(type: String) async throws {
    var random = SeededRandom(seed: 4)
    for length in 0..<200 {
      let body = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let answer = HTTPResponse(status: 200, headers: ["Content-Type": type], body: body)
      let exporter = OTLPExporter(configuration: Self.configuration(), transport: TransportFake { _ in answer })
      let receipt = try await exporter.export(try ExportSamples.spans(2))
      #expect(receipt.handled == 2)
      #expect((0...2).contains(receipt.refused))
    }
  }
}

/// Returns the span ids in an uncompressed request body.
func spanIDs(in body: [UInt8], _ format: OTLPFormat) throws -> [SpanID] {
  switch format {
  case .protobuf:
    let text = try ProtobufText.otlp.text(of: body, as: "ExportTraceServiceRequest")
    return text.matches(of: /(?m)^      2 span_id: ([0-9a-f]+)$/).compactMap { SpanID($0.output.1) }
  case .json:
    let request = try JSONDecoder().decode(JSONRequest.self, from: Data(body))
    return request.resourceSpans.flatMap(\.scopeSpans).flatMap(\.spans).compactMap { SpanID($0.spanId) }
  }
}

private struct JSONRequest: Decodable {
  struct ResourceSpans: Decodable {
    var scopeSpans: [ScopeSpans]
  }

  struct ScopeSpans: Decodable {
    var spans: [Span]
  }

  struct Span: Decodable {
    var spanId: String
  }

  var resourceSpans: [ResourceSpans]
}

struct InflateFailure: Error {}

func inflate(_ bytes: [UInt8]) throws -> [UInt8] {
  var stream = z_stream()
  guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw InflateFailure() }
  defer { inflateEnd(&stream) }
  var input = bytes
  var isDone = false
  let output = [UInt8](unsafeUninitializedCapacity: 16 << 20) { output, count in
    input.withUnsafeMutableBufferPointer { input in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      isDone = inflate(&stream, Z_FINISH) == Z_STREAM_END
      count = output.count - Int(stream.avail_out)
    }
  }
  guard isDone else { throw InflateFailure() }
  return output
}
