import CurlTransport
import OTLP
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("OTLP exporter with a receiver", .timeLimit(.minutes(20)))
struct OTLPContractTests {
  static func contract(_ format: OTLPFormat) -> SpanExporterContract {
    SpanExporterContract(
      makeExporter: { url, timeout in
        var configuration = OTLPConfiguration(url: url + "/v1/traces", presentation: SpanPresentation.Options())
        configuration.format = format
        configuration.timeoutSeconds = timeout
        var options = CurlTransport.Options()
        options.proxy = ""
        return OTLPExporter(configuration: configuration, transport: CurlTransport(options: options))
      },
      spanIDs: { request in try OTLPTests.spanIDs(in: inflate(request.body), format) },
      partialSuccess: { partialSuccess(rejected: $0, message: $1, format) })
  }

  static func partialSuccess(rejected: Int, message: String, _ format: OTLPFormat) -> HTTPResponse {
    switch format {
    case .protobuf:
      let partial = [8, UInt8(rejected), 18, UInt8(message.utf8.count)] + Array(message.utf8)
      return HTTPResponse(
        status: 200, headers: ["Content-Type": "application/x-protobuf"], body: [10, UInt8(partial.count)] + partial)
    case .json:
      let body = #"{"partialSuccess":{"rejectedSpans":"\#(rejected)","errorMessage":"\#(message)"}}"#
      return .json(Array(body.utf8))
    }
  }

  @Test("keeps the contract", arguments: SpanExporterContract.checks, OTLPFormat.allCases)
  func contract(check: SpanExporterContract.Check, format: OTLPFormat) async throws {
    try await check.run(Self.contract(format))
  }

  @Test("hears of partial success", arguments: OTLPFormat.allCases)
  func partialSuccess(format: OTLPFormat) async throws { try await Self.contract(format).checkPartialSuccess() }
}
