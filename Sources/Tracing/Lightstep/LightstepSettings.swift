package import OTLP
import Pipeline
package import ValueStreamCore

/// What users set of Lightstep (ServiceNow Cloud Observability).
///
/// Source: https://docs.lightstep.com, "Send telemetry data via OTLP/HTTP".
package enum LightstepSettings {
  /// A flag, unlike other secrets: that is how users of the Go ValueStream set it.
  package static let accessToken = Setting<String?>.optionalText(
    "tracer-access-token", placeholder: "TOKEN",
    help: "Access token for Lightstep. Prefer the variable: process lists show flags.")

  package static let endpoint = Setting<String>(
    "lightstep-endpoint", placeholder: "URL", default: "https://ingest.lightstep.com",
    defaultText: "https://ingest.lightstep.com",
    help: "Lightstep's address, public or your own microsatellite. vsd appends /v1/traces."
  ) { text throws(SettingError) in try WebAddress.setting(text, example: "https://ingest.lightstep.com") }

  package static let declarations = [accessToken.declaration, endpoint.declaration]

  /// Everything an exporter needs.
  ///
  /// - Throws: one line for the user.
  package static func configuration(
    in settings: Settings, attributes: AttributeSelection, phases: PhaseStyle
  ) throws(SettingsError) -> OTLPConfiguration {
    guard let token = try settings.value(of: accessToken), !token.isEmpty else {
      throw SettingsError("--tracer: lightstep needs an access token; set VS_TRACER_ACCESS_TOKEN")
    }
    guard ReceiverAddress.isHeaderValue(token) else {
      throw SettingsError("\(settings.origin(of: accessToken)): the token holds control characters")
    }
    var configuration = OTLPConfiguration(
      url: ReceiverAddress.appending("/v1/traces", to: try settings.value(of: endpoint)),
      presentation: SpanPresentation.Options(
        attributes: attributes, phases: phases, services: try ServiceNames(in: settings)))
    configuration.headers = ["lightstep-access-token": token]
    return configuration
  }
}
