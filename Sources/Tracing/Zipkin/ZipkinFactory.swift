package import Export
package import ValueStreamCore

/// Makes the exporter for Zipkin.
package struct ZipkinFactory: TracerFactory {
  package let name = "zipkin"
  package let title = "Zipkin"

  package init() {}

  package var declarations: [SettingDeclaration] { ZipkinSettings.declarations }

  package func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination {
    let configuration = try ZipkinSettings.configuration(
      in: context.settings, attributes: context.attributes, phases: context.phases)
    return TracerDestination(
      exporter: ZipkinExporter(configuration: configuration, transport: context.transport(TLSFiles())))
  }
}
