import Pipeline
package import ValueStreamCore

/// What users set of Zipkin. Variables of OpenTelemetry count where ours are not set.
package enum ZipkinSettings {
  package static let endpoint = Setting<String>(
    "zipkin-endpoint", otherVariables: ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"], placeholder: "URL",
    default: "http://localhost:9411/api/v2/spans", defaultText: "http://localhost:9411/api/v2/spans",
    help: "Complete URL to which spans are posted in Zipkin's JSON."
  ) { text throws(SettingError) in try WebAddress.setting(text, example: "http://localhost:9411/api/v2/spans") }

  package static let declarations = [endpoint.declaration]

  /// Everything an exporter needs.
  ///
  /// - Throws: one line for the user.
  package static func configuration(
    in settings: Settings, attributes: AttributeSelection, phases: PhaseStyle
  ) throws(SettingsError) -> ZipkinConfiguration {
    ZipkinConfiguration(
      url: try settings.value(of: endpoint),
      presentation: SpanPresentation.Options(
        attributes: attributes, phases: phases, services: try ServiceNames(in: settings)))
  }
}
