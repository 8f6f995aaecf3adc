import Datadog
import Export
import OTLP
import SQLiteStore
import ValueStreamCore
import Zipkin

/// Measures the cost of exporting a span, without a network: `bench-export DIRECTORY [ROUNDS]`.
///
/// `make bench-export` builds and runs it. The spans come from a generated history in batches of 512, the batch size of
/// ``ExportRunner``. Each round takes all spans through each step in turn. A step that needs a store gets a fresh copy in the
/// directory, which must be empty at the start.
@main
enum ExportBenchmark {
  private static let batch = 512

  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let directory = arguments.first else { throw BenchmarkFailure(description: "bench-export DIRECTORY [ROUNDS]") }
    let rounds = arguments.dropFirst().first.flatMap { Int($0) } ?? 9
    let history = try StoredHistory(in: directory)
    let spans = try await history.withCopy { try tracedSpans(in: $0) }
    print("\(spans.count) spans of a generated history, \(rounds) rounds; median (least - greatest)\n")

    let encodings = Encoding.all
    var steps = Steps()
    var encoded = [[Measurement]](repeating: [], count: encodings.count)
    for _ in 0..<rounds {
      try await steps.measure(history, spans)
      for index in encodings.indices { encoded[index].append(try await measure(encodings[index], spans)) }
    }
    print("| step | spans/s | CPU us per span |\n|---|---|---|")
    print("| spans from the store, their ids fixed | \(Measurement.columns(steps.first)) |")
    print("| the same for a second exporter | \(Measurement.columns(steps.second)) |")
    print("| presentation | \(Measurement.columns(steps.presentation)) |")
    print("| all of it, OTLP http/protobuf, gzip | \(Measurement.columns(steps.whole)) |")
    print("\n| presentation and encoding | spans/s | CPU us per span | bytes per span |\n|---|---|---|---|")
    for (encoding, measurements) in zip(encodings, encoded) {
      let bytes = encoding.transport.byteCount / rounds / spans.count
      print("| \(encoding.name) | \(Measurement.columns(measurements)) | \(bytes) |")
    }
  }

  // MARK: Steps

  private struct Steps {
    var first: [Measurement] = []
    var second: [Measurement] = []
    var presentation: [Measurement] = []
    var whole: [Measurement] = []

    mutating func measure(_ history: StoredHistory, _ spans: [TracedSpan]) async throws {
      let (first, second) = try await history.withCopy { store in
        (
          try await Measurement { try tracedSpans(in: store).count },
          try await Measurement { try tracedSpans(in: store).count }
        )
      }
      self.first.append(first)
      self.second.append(second)
      let options = SpanPresentation.Options()
      presentation.append(
        await Measurement { spans.count { !SpanPresentation.presentations(of: $0, options).isEmpty } })
      whole.append(try await history.withCopy { try await ExportBenchmark.exportAll(of: $0) })
    }
  }

  /// All finished spans in the outbox, as the ledger returns them.
  private static func tracedSpans(in store: SQLiteSpanStore) throws -> [TracedSpan] {
    let ledger = ExportLedger(store: store, strategy: .nested)
    var spans: [TracedSpan] = []
    var sequence: UInt64 = 0
    while true {
      let announced = try store.outboxEntries(after: sequence, limit: batch)
      guard let last = announced.last else { return spans }
      spans += try ledger.spans(of: announced.map(\.outboxEntry)).compactMap { $0 }
      sequence = last.sequence
    }
  }

  private static func exportAll(of store: SQLiteSpanStore) async throws -> Measurement {
    let encoding = Encoding.otlp(.protobuf, isCompressed: true)
    let runner = try ExportRunner(
      exporter: encoding.exporter, store: store, ledger: ExportLedger(store: store, strategy: .nested), gracePeriod: .zero,
      clock: SystemClock(), logger: Logger())
    return await Measurement {
      await runner.finish(ignoringGracePeriod: true, within: .seconds(600))
      return Int(runner.currentProgress.sent)
    }
  }

  // MARK: Encodings

  private struct Encoding {
    var name: String
    var exporter: any SpanExporter
    var transport: CountingTransport

    static var all: [Encoding] {
      let otlp = OTLPFormat.allCases.flatMap { format in [false, true].map { Self.otlp(format, isCompressed: $0) } }
      let datadog = CountingTransport()
      let agent = DatadogConfiguration(agentURL: "http://localhost", presentation: SpanPresentation.Options())
      let zipkin = CountingTransport()
      let server = ZipkinConfiguration(url: "http://localhost/api/v2/spans", presentation: SpanPresentation.Options())
      return otlp + [
        Encoding(
          name: "Datadog 0.4", exporter: DatadogExporter(configuration: agent, transport: datadog), transport: datadog),
        Encoding(name: "Zipkin 2", exporter: ZipkinExporter(configuration: server, transport: zipkin), transport: zipkin),
      ]
    }

    static func otlp(_ format: OTLPFormat, isCompressed: Bool) -> Encoding {
      let transport = CountingTransport()
      var configuration = OTLPConfiguration(url: "http://localhost/v1/traces", presentation: SpanPresentation.Options())
      configuration.format = format
      configuration.isCompressed = isCompressed
      return Encoding(
        name: "OTLP \(format.rawValue)" + (isCompressed ? ", gzip" : ""),
        exporter: OTLPExporter(configuration: configuration, transport: transport), transport: transport)
    }
  }

  private static func measure(_ encoding: Encoding, _ spans: [TracedSpan]) async throws -> Measurement {
    try await Measurement {
      var rest = spans[...]
      while !rest.isEmpty {
        let receipt = try await encoding.exporter.export(Array(rest.prefix(batch)))
        rest = rest.dropFirst(receipt.handled)
      }
      return spans.count
    }
  }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
  var description: String
}
