package import Export
import OTLP
package import ValueStreamCore

/// Makes the exporter for Lightstep.
package struct LightstepFactory: TracerFactory {
  package let name = "lightstep"
  package let title = "Lightstep"

  package init() {}

  package var declarations: [SettingDeclaration] { LightstepSettings.declarations }

  package func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination {
    let configuration = try LightstepSettings.configuration(
      in: context.settings, attributes: context.attributes, phases: context.phases)
    return TracerDestination(
      exporter: OTLPExporter(name: name, configuration: configuration, transport: context.transport(TLSFiles())))
  }
}
