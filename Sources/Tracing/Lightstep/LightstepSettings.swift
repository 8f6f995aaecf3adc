import Export
package import OTLP
package import ValueStreamCore

/// Settings of the exporter for Lightstep (ServiceNow Cloud Observability).
///
/// Source: https://docs.lightstep.com, "Send telemetry data via OTLP/HTTP".
package enum LightstepSettings {
  /// The access token. Unlike other secrets it can be a flag, because users of the Go ValueStream set it that way.
  package static let accessToken = Setting<String?>.optionalText(
    "tracer-access-token", placeholder: "TOKEN",
    help: "Access token for Lightstep. Prefer the variable: process lists show flags.")

  package static let endpoint = Setting<String>(
    "lightstep-endpoint", placeholder: "URL", default: "https://ingest.lightstep.com",
    defaultText: "https://ingest.lightstep.com",
    help: "Lightstep's address, public or your own microsatellite. vsd appends /v1/traces."
  ) { text throws(SettingError) in try WebAddress.setting(text, example: "https://ingest.lightstep.com") }

  package static let declarations = [accessToken.declaration, endpoint.declaration]

  /// Reads the configuration of the exporter.
  ///
  /// - Throws: ``SettingsError`` with a one-line message for the user, also if there is no access token.
  package static func configuration(
    in settings: Settings, attributes: AttributeSelection, phases: PhaseStyle
  ) throws(SettingsError) -> OTLPConfiguration {
    guard let token = try settings.value(of: accessToken), !token.isEmpty else {
      throw SettingsError("--tracer: lightstep needs an access token; set VS_TRACER_ACCESS_TOKEN")
    }
    guard BackendAddress.isHeaderValue(token) else {
      throw SettingsError("\(settings.origin(of: accessToken)): the token holds control characters")
    }
    var configuration = OTLPConfiguration(
      url: BackendAddress.appending("/v1/traces", to: try settings.value(of: endpoint)),
      presentation: SpanPresentation.Options(
        attributes: attributes, phases: phases, services: try ServiceNames(in: settings)))
    configuration.headers = ["lightstep-access-token": token]
    return configuration
  }
}
