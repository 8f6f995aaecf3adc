import CurlTransport
import Datadog
import Export
import Jaeger
import Lightstep
import Logging
import OTLP
import ValueStreamCore
import Zipkin

/// The tracers that `--tracer` takes.
enum TracerCatalog {
  /// The factories of all tracers that get finished spans from the store, in the order of help texts.
  static let exporting: [any TracerFactory] = [
    LoggingFactory(),
    OTLPFactory(),
    JaegerFactory(),
    LightstepFactory(),
    DatadogFactory(),
    ZipkinFactory(),
  ]

  /// The tracer that keeps finished spans in memory, for tests.
  static let mock = "mock"
  /// The choice of no tracer.
  static let none = "none"

  /// All names, in the order of help texts.
  static let names = exporting.map(\.name) + [mock, none]

  /// The settings of all exporters, in the order of the help text.
  static let declarations = exporting.flatMap(\.declarations)

  /// Returns the name of the tracer that a user calls by one of its names; nil if there is none.
  static func name(_ given: String) -> String? {
    exporting.first { $0.otherNames.contains(given) }?.name ?? names.first { $0 == given }
  }

  /// Creates the destinations of the selected tracers.
  ///
  /// Does not read the settings of other tracers: their environment variables may be meant for other programs.
  ///
  /// - Throws: a one-line message for the user.
  static func destinations(
    of tracers: [String], in settings: Settings, environment: [String: String], readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> [TracerDestination] {
    let context = try TracerContext(
      settings: settings, environment: environment, transport: { CurlTransport(files: $0) },
      output: LineOutput(write: StandardOutput.write) { StandardOutput.hasRoom })
    var destinations: [TracerDestination] = []
    for tracer in tracers {
      // The others get no spans from the store.
      guard let factory = exporting.first(where: { $0.name == tracer }) else { continue }
      destinations.append(try factory.makeDestination(context, readFile: readFile))
    }
    return destinations
  }
}

extension CurlTransport {
  fileprivate convenience init(files: TLSFiles) {
    var options = Options()
    options.caFile = files.authorities
    options.clientCertificate = files.clientCertificate
    options.clientKey = files.clientKey
    self.init(options: options)
  }
}
