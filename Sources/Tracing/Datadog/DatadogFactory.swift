package import Export
package import ValueStreamCore

/// Makes the exporter for the Datadog Agent.
package struct DatadogFactory: TracerFactory {
  package let name = "datadog"
  package let title = "Datadog"

  package init() {}

  package var declarations: [SettingDeclaration] { DatadogSettings.declarations }

  package func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination {
    let configuration = try DatadogSettings.configuration(
      in: context.settings, attributes: context.attributes, phases: context.phases)
    return TracerDestination(
      exporter: DatadogExporter(configuration: configuration, transport: context.transport(TLSFiles())))
  }
}
