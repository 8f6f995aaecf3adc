import Datadog
import GitHub
import Glibc
import HistoryGenerator
import OTLP
import Pipeline
import ValueStreamCore
import Zipkin

/// `bench-export [ROUNDS]`: what encoding spans for each receiver costs, without a network. `make bench-export` builds and runs it.
///
/// The spans are those of a generated history, in batches of 512. Each round sends all of them through each exporter in turn.
@main
enum ExportBenchmark {
  private static let batch = 512

  static func main() async throws {
    let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9
    let spans = try historySpans()
    print("\(spans.count) spans of a generated history, \(rounds) rounds; median (least - greatest)\n")
    print("| encoding | spans/s | CPU us per span | bytes per span |\n|---|---|---|---|")
    let subjects = try subjects()
    var figures = [[Figure]](repeating: [], count: subjects.count)
    for _ in 0..<rounds {
      for index in subjects.indices { figures[index].append(try await measure(subjects[index], spans)) }
    }
    for (subject, figures) in zip(subjects, figures) {
      let rate = text(figures.map { Double(spans.count) / $0.seconds }, digits: 0)
      let processor = text(figures.map { $0.processorSeconds / Double(spans.count) * 1e6 }, digits: 2)
      print("| \(subject.name) | \(rate) | \(processor) | \((figures.first?.bytes ?? 0) / spans.count) |")
    }
  }

  // MARK: What is measured

  private struct Subject {
    var name: String
    var exporter: any SpanExporter
    var transport: CountingTransport
  }

  private static func subjects() throws -> [Subject] {
    var subjects: [Subject] = []
    for format in OTLPFormat.allCases {
      for isCompressed in [false, true] {
        let transport = CountingTransport()
        var configuration = OTLPConfiguration(url: "http://localhost/v1/traces", presentation: SpanPresentation.Options())
        configuration.format = format
        configuration.isCompressed = isCompressed
        subjects.append(
          Subject(
            name: "OTLP \(format.rawValue)" + (isCompressed ? ", gzip" : ""),
            exporter: OTLPExporter(configuration: configuration, transport: transport), transport: transport))
      }
    }
    let datadog = CountingTransport()
    let agent = DatadogConfiguration(agentURL: "http://localhost", presentation: SpanPresentation.Options())
    subjects.append(
      Subject(
        name: "Datadog 0.4", exporter: DatadogExporter(configuration: agent, transport: datadog), transport: datadog))
    let zipkin = CountingTransport()
    let server = ZipkinConfiguration(url: "http://localhost/api/v2/spans", presentation: SpanPresentation.Options())
    subjects.append(
      Subject(name: "Zipkin 2", exporter: ZipkinExporter(configuration: server, transport: zipkin), transport: zipkin))
    return subjects
  }

  private static func historySpans() throws -> [TracedSpan] {
    let until = Timestamp(seconds: 1_767_225_600)
    let source = GitHubSource()
    let store: any SpanStore = MemorySpanStore()
    var projection = Projection(store: store)
    for sent in HistoryGenerator(HistoryConfiguration(seed: 1, scale: 4, until: until)) {
      let delivery = Delivery(source: source.name, received: sent.time, headers: sent.headers, body: sent.body)
      guard case .events(let events, let updates) = try source.events(in: delivery) else { continue }
      for event in events { _ = try projection.take(event) }
      for update in updates { projection.take(update) }
    }
    try store.write(projection.finish())
    var reader = TraceReader(store: store, strategy: .nested)
    let page = try store.subjects(matching: SubjectFilter(), after: nil, limit: .max)
    return try page.subjects.reversed().flatMap { try reader.spans(of: $0) }.filter(\.span.isFinished)
  }

  // MARK: Measuring

  private struct Figure {
    var seconds: Double
    var processorSeconds: Double
    var bytes: Int
  }

  private static func measure(_ subject: Subject, _ spans: [TracedSpan]) async throws -> Figure {
    let bytes = subject.transport.byteCount
    let processor = processorSeconds()
    let start = ContinuousClock.now
    var rest = spans[...]
    while !rest.isEmpty {
      let receipt = try await subject.exporter.export(Array(rest.prefix(batch)))
      rest = rest.dropFirst(receipt.handled)
    }
    return Figure(
      seconds: (ContinuousClock.now - start).inSeconds, processorSeconds: processorSeconds() - processor,
      bytes: subject.transport.byteCount - bytes)
  }

  private static func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }

  private static func text(_ values: [Double], digits: Int) -> String {
    let sorted = values.sorted()
    let shown = [sorted[sorted.count / 2], sorted[0], sorted[sorted.count - 1]].map { value in
      let scale = digits == 0 ? 1.0 : 100
      let number = (value * scale).rounded() / scale
      return digits == 0 ? "\(Int(number))" : "\(number)"
    }
    return "\(shown[0]) (\(shown[1]) - \(shown[2]))"
  }
}
