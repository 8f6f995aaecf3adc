import Foundation
import Testing
import ValueStreamTesting

/// A third-party OpenTelemetry collector that prints every span that it receives. `Scripts/bootstrap test` installs it.
final class Collector {
  struct Span: Equatable {
    var resource: [String: String] = [:]
    var scope = ""
    /// The names and values above the attributes, such as `Trace ID` and `Kind`.
    var fields: [String: String] = [:]
    var attributes: [String: String] = [:]
    var events: [Event] = []
    var links: [Event] = []

    var id: String { fields["ID"] ?? "" }
  }

  struct Event: Equatable {
    var fields: [String: String] = [:]
    var attributes: [String: String] = [:]
  }

  static let program: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent(".build-tools/rotel-agent").path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  /// In CI a missing collector fails its tests. Elsewhere it skips them.
  static let isWanted = program != nil || ProcessInfo.processInfo.environment["CI"] != nil

  let process: ChildProcess

  /// Starts the collector and waits until it listens.
  init(port: UInt16, in home: VSDProcess.Home) throws {
    // The collector also needs a port for gRPC, which the tests do not use.
    let other = try ReservedPort()
    process = try ChildProcess(
      Self.program ?? "rotel-agent",
      [
        "start", "--otlp-http-endpoint", "127.0.0.1:\(port)", "--otlp-grpc-endpoint", "127.0.0.1:\(other.number)", "--exporter",
        "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed", "--pid-file", "\(home.path)/collector.pid",
        "--log-file", "\(home.path)/collector.log",
      ], environment: [:])
    try process.wait(for: "the collector to listen") { try? HTTPConnection(port: port) }
  }

  func stop() throws {
    process.send(SIGTERM)
    try process.waitForExit()
  }

  /// Waits until the collector has started to print the given number of spans.
  func waitForSpans(_ count: Int) throws {
    try process.wait(for: "\(count) spans at the collector") { spans.count >= count ? true : nil }
  }

  /// The spans printed so far, in order. The last one may be incomplete until the collector has stopped.
  var spans: [Span] {
    var reader = Reader()
    for line in process.outputLines { reader.take(line) }
    return reader.finish()
  }

  private struct Reader {
    private enum Part { case resource, span, attributes, event, link }
    private var part = Part.resource
    private var resource: [String: String] = [:]
    private var scope = ""
    private var span: Span?
    private var spans: [Span] = []

    mutating func take(_ line: String) {
      // Skip the collector's own log lines, which are colored.
      if line.hasPrefix("\u{1B}") { return }
      if line.hasPrefix("ResourceSpans #") {
        close()
        resource = [:]
        part = .resource
      } else if line.hasPrefix("InstrumentationScope ") {
        scope = String(line.dropFirst("InstrumentationScope ".count))
      } else if line.hasPrefix("Span #") {
        close()
        span = Span(resource: resource, scope: scope)
        part = .span
      } else if line == "Attributes:" {
        part = .attributes
      } else if line == "Events:" || line == "Links:" {
        return
      } else if line.hasPrefix("SpanEvent #") {
        span?.events.append(Event())
        part = .event
      } else if line.hasPrefix("SpanLink #") {
        span?.links.append(Event())
        part = .link
      } else if let colon = line.firstRange(of: ":") {
        take(line, colon)
      }
    }

    private mutating func take(_ line: String, _ colon: Range<String.Index>) {
      let isNested = line.hasPrefix("          -> ")
      // Attribute names contain no spaces, so the name ends at the first colon followed by a space.
      let end = line.firstRange(of: ": ") ?? colon
      let name = line[..<end.lowerBound].drop { " ->".contains($0) }.trimmingCharacters(in: .whitespaces)
      let value = line[end.upperBound...].trimmingCharacters(in: .whitespaces)
      switch (part, isNested) {
      case (.resource, _): if line.hasPrefix("     -> ") { resource[name] = value }
      case (.span, _): span?.fields[name] = value
      case (.attributes, _): span?.attributes[name] = value
      case (.event, false): change(\.events) { $0.fields[name] = value }
      case (.event, true): change(\.events) { $0.attributes[name] = value }
      case (.link, false): change(\.links) { $0.fields[name] = value }
      case (.link, true): change(\.links) { $0.attributes[name] = value }
      }
    }

    private mutating func change(_ list: WritableKeyPath<Span, [Event]>, _ body: (inout Event) -> Void) {
      guard var events = span?[keyPath: list], !events.isEmpty else { return }
      body(&events[events.count - 1])
      span?[keyPath: list] = events
    }

    private mutating func close() {
      if let span { spans.append(span) }
      span = nil
    }

    mutating func finish() -> [Span] {
      close()
      return spans
    }
  }
}
