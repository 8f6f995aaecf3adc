import CurlTransport
import Datadog
import Export
import Jaeger
import Lightstep
import Logging
import OTLP
import ValueStreamCore
import Zipkin

/// A backend for finished spans, with its configured exporter.
struct Destination {
  let exporter: any SpanExporter
  /// A message for the user at start; nil if there is none.
  var notice: String?

  /// The settings of all exporters, in the order of the help text.
  static let declarations =
    OTLPSettings.declarations + JaegerSettings.declarations + LightstepSettings.declarations + DatadogSettings.declarations
    + ZipkinSettings.declarations

  /// Creates the destinations of the selected tracers.
  ///
  /// Does not read the settings of other tracers: their environment variables may be meant for other programs.
  ///
  /// - Throws: a one-line message for the user.
  static func all(
    of tracers: [DaemonSettings.Tracer], in settings: Settings, environment: [String: String], readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> [Destination] {
    let attributes = try settings.value(of: ExportSettings.attributes)
    let phases = try settings.value(of: ExportSettings.phases)
    var destinations: [Destination] = []
    for tracer in tracers {
      switch tracer {
      case .logging:
        let logger = Logger(write: StandardOutput.write)
        destinations.append(
          Destination(
            exporter: LoggingExporter(logger: logger, attributes: attributes, hasRoom: { StandardOutput.hasRoom })))
      case .otlp:
        let configuration = try OTLPSettings.configuration(in: settings, attributes: attributes, phases: phases)
        let transport = CurlTransport(options: try certificates(settings, readFile))
        destinations.append(Destination(exporter: OTLPExporter(configuration: configuration, transport: transport)))
      case .jaeger:
        let (configuration, notice) = try JaegerSettings.configuration(
          in: settings, environment: environment, attributes: attributes, phases: phases)
        let exporter = OTLPExporter(name: tracer.rawValue, configuration: configuration, transport: CurlTransport())
        destinations.append(Destination(exporter: exporter, notice: notice))
      case .lightstep:
        let configuration = try LightstepSettings.configuration(in: settings, attributes: attributes, phases: phases)
        let exporter = OTLPExporter(name: tracer.rawValue, configuration: configuration, transport: CurlTransport())
        destinations.append(Destination(exporter: exporter))
      case .datadog:
        let configuration = try DatadogSettings.configuration(in: settings, attributes: attributes, phases: phases)
        destinations.append(Destination(exporter: DatadogExporter(configuration: configuration, transport: CurlTransport())))
      case .zipkin:
        let configuration = try ZipkinSettings.configuration(in: settings, attributes: attributes, phases: phases)
        destinations.append(Destination(exporter: ZipkinExporter(configuration: configuration, transport: CurlTransport())))
      case .mock, .none:
        // Neither of them gets spans from the store.
        continue
      }
    }
    return destinations
  }

  /// Returns the files for TLS: the CA certificate that verifies the OTLP backend, and the client certificate and key.
  ///
  /// - Throws: ``SettingsError`` if a file cannot be read.
  private static func certificates(
    _ settings: Settings, _ readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> CurlTransport.Options {
    func path(_ setting: Setting<String?>) throws(SettingsError) -> String? {
      guard let path = try settings.value(of: setting) else { return nil }
      if readFile(path) == nil { throw SettingsError("\(settings.origin(of: setting)): \(UnreadableFile(path))") }
      return path
    }
    var options = CurlTransport.Options()
    options.caFile = try path(OTLPSettings.certificate)
    options.clientCertificate = try path(OTLPSettings.clientCertificate)
    options.clientKey = try path(OTLPSettings.clientKey)
    return options
  }
}
