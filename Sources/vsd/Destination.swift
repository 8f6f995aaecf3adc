import CurlTransport
import Datadog
import Jaeger
import Lightstep
import Logging
import OTLP
import Export
import ValueStreamCore
import Zipkin

/// Where finished spans go from the store, with all that the exporter needs.
struct Destination {
  let exporter: any SpanExporter
  /// What to tell the user at start.
  var notice: String?

  /// Settings of all of them, in the order in which help lists them.
  static let declarations =
    OTLPSettings.declarations + JaegerSettings.declarations + LightstepSettings.declarations + DatadogSettings.declarations
    + ZipkinSettings.declarations

  /// The destinations of these tracers. Settings of others are not read: their variables may stand there for other programs.
  ///
  /// - Throws: one line for the user.
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
        // Neither gets spans from the store.
        continue
      }
    }
    return destinations
  }

  /// The files that the OTLP tracer checks its receiver with, and shows to it.
  private static func certificates(
    _ settings: Settings, _ readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> CurlTransport.Options {
    func path(_ setting: Setting<String?>) throws(SettingsError) -> String? {
      guard let path = try settings.value(of: setting) else { return nil }
      if readFile(path) == nil { throw SettingsError("\(settings.origin(of: setting)): cannot read the file \(path)") }
      return path
    }
    var options = CurlTransport.Options()
    options.caFile = try path(OTLPSettings.certificate)
    options.clientCertificate = try path(OTLPSettings.clientCertificate)
    options.clientKey = try path(OTLPSettings.clientKey)
    return options
  }
}
