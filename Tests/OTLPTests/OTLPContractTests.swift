import CurlTransport
import OTLP
import Pipeline
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("OTLP exporter with a receiver", .timeLimit(.minutes(2)))
struct OTLPContractTests {
  static let contract = SpanExporterContract(
    makeExporter: { url, timeout in
      var configuration = OTLPConfiguration(url: url + "/v1/traces", presentation: SpanPresentation.Options())
      configuration.timeoutSeconds = timeout
      var options = CurlTransport.Options()
      options.proxy = ""
      return OTLPExporter(configuration: configuration, transport: CurlTransport(options: options))
    },
    spanIDs: { request in try OTLPTests.spanIDs(in: inflate(request.body)) },
    partialSuccess: { rejected, message in
      let partial = [8, UInt8(rejected), 18, UInt8(message.utf8.count)] + Array(message.utf8)
      return HTTPResponse(
        status: 200, headers: ["Content-Type": "application/x-protobuf"], body: [10, UInt8(partial.count)] + partial)
    })

  @Test("Everything arrives once") func delivery() async throws { try await Self.contract.checkDelivery() }

  @Test("What is refused for good", arguments: [400, 413, 415, 422, 501, 505])
  func refusal(status: Int) async throws { try await Self.contract.checkRefusal(status: status) }

  @Test("Something that is no receiver", arguments: [400, 405, 413, 415, 501])
  func refusalOfEverything(status: Int) async throws { try await Self.contract.checkRefusalOfEverything(status: status) }

  @Test("Partial success") func partialSuccess() async throws { try await Self.contract.checkPartialSuccess() }

  @Test("An answer that comes slowly") func slowAnswer() async throws { try await Self.contract.checkSlowAnswer() }

  @Test("What comes again", arguments: [408, 429, 500, 502, 503, 504, 401, 403, 404, 407, 302])
  func retry(status: Int) async throws { try await Self.contract.checkRetry(status: status) }

  @Test("Retry-After") func retryAfter() async throws { try await Self.contract.checkRetryAfter() }

  @Test("Answers that break off, and none") func uncertain() async throws { try await Self.contract.checkUncertainAnswers() }

  @Test("A receiver that is away for a while") func absence() async throws { try await Self.contract.checkAbsence() }

  @Test("A stop while a request hangs") func stop() async throws { try await Self.contract.checkStopWhileHanging() }
}
