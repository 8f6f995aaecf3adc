package import OTLP
import Pipeline
package import ValueStreamCore

/// What users set of Jaeger. Variables of its old client count where ours are not set, as far as they still mean something.
///
/// Source: https://github.com/jaegertracing/jaeger-client-go, README; https://www.jaegertracing.io/docs, APIs.
package enum JaegerSettings {
  package static let endpoint = Setting<JaegerAddress>(
    "jaeger-endpoint", otherVariables: ["JAEGER_ENDPOINT", "JAEGER_AGENT_HOST"], placeholder: "URL", default: .standard,
    defaultText: "http://localhost:4318",
    help:
      "Jaeger's OTLP/HTTP address. vsd appends /v1/traces. From the address of an old collector or agent, only the host is used.",
    parse: JaegerAddress.init(setting:))

  package static let serviceName = Setting<String?>.optionalText(
    "jaeger-service-name", otherVariables: ["JAEGER_SERVICE_NAME"], placeholder: "NAME",
    help: "Service name of all spans in Jaeger.")

  package static let tags = Setting<String?>.optionalText(
    "jaeger-tags", otherVariables: ["JAEGER_TAGS"], placeholder: "TAGS",
    help: "Resource attributes: name=value,name2=value2. A value can be ${VARIABLE:default}.")

  package static let user = Setting<String?>.user(
    "jaeger-user", otherVariables: ["JAEGER_USER"], placeholder: "NAME", help: "User for Basic authentication with Jaeger.")

  package static let password = Setting<String?>.optionalText(
    "jaeger-password", otherVariables: ["JAEGER_PASSWORD"], placeholder: "PASSWORD", isSecret: true,
    help: "Password for Basic authentication with Jaeger.")

  package static let declarations = [
    endpoint.declaration, serviceName.declaration, tags.declaration, user.declaration, password.declaration,
  ]

  /// Everything an exporter needs.
  ///
  /// - Parameter environment: where tags look up variables.
  /// - Returns: that, and what to warn the user of.
  /// - Throws: one line for the user.
  package static func configuration(
    in settings: Settings, environment: [String: String], attributes: AttributeSelection, phases: PhaseStyle
  ) throws(SettingsError) -> (configuration: OTLPConfiguration, notice: String?) {
    let address = try settings.value(of: endpoint)
    let services = try ServiceNames(in: settings, own: serviceName)
    var configuration = OTLPConfiguration(
      url: address.url, presentation: SpanPresentation.Options(attributes: attributes, phases: phases, services: services))
    if let text = try settings.value(of: tags) {
      do throws(SettingError) {
        configuration.resourceAttributes = try JaegerTags.attributes(text, environment: environment)
      } catch {
        throw SettingsError("\(settings.origin(of: tags)): \"\(text)\" is not \(error.expected)")
      }
    }
    if let user = try settings.value(of: user), let password = try settings.value(of: password) {
      configuration.headers["Authorization"] = BasicAuthorization.header(user: user, token: Array(password.utf8))
    }
    guard address.isOutdated else { return (configuration, nil) }
    return (
      configuration,
      "\(settings.origin(of: endpoint)) names an agent or a port for Thrift, which Jaeger no longer has: spans go by OTLP to "
        + "\(WebAddress.withoutSecrets(address.url)); set VS_JAEGER_ENDPOINT to where Jaeger takes OTLP over HTTP"
    )
  }
}
