package import Export
import OTLP
package import ValueStreamCore

/// Makes the exporter for Jaeger.
package struct JaegerFactory: TracerFactory {
  package let name = "jaeger"
  package let title = "Jaeger"

  package init() {}

  package var declarations: [SettingDeclaration] { JaegerSettings.declarations }

  package func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination {
    let (configuration, notice) = try JaegerSettings.configuration(
      in: context.settings, environment: context.environment, attributes: context.attributes, phases: context.phases)
    return TracerDestination(
      exporter: OTLPExporter(name: name, configuration: configuration, transport: context.transport(TLSFiles())), notice: notice)
  }
}
