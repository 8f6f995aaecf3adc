package import Export
package import ValueStreamCore

/// Makes the exporter for OpenTelemetry collectors and backends.
package struct OTLPFactory: TracerFactory {
  package let name = "otlp"
  package let title = "OTLP"

  package init() {}

  package var declarations: [SettingDeclaration] { OTLPSettings.declarations }

  package func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination {
    let configuration = try OTLPSettings.configuration(
      in: context.settings, attributes: context.attributes, phases: context.phases)
    let files = try OTLPSettings.files(in: context.settings, readFile: readFile)
    return TracerDestination(exporter: OTLPExporter(configuration: configuration, transport: context.transport(files)))
  }
}
