package import Export
package import ValueStreamCore

/// Makes the exporter that writes spans to standard output.
package struct LoggingFactory: TracerFactory {
  package let name = "logging"
  package let otherNames = ["logger"]
  package let title = "Logging"

  package init() {}

  package func makeDestination(
    _ context: TracerContext, readFile: (String) -> [UInt8]?
  ) throws(SettingsError) -> TracerDestination {
    TracerDestination(
      exporter: LoggingExporter(
        logger: Logger(write: context.output.write), attributes: context.attributes, hasRoom: context.output.hasRoom))
  }
}
