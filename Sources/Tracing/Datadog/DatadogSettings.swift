import Pipeline
package import ValueStreamCore

/// What users set of Datadog. Variables of its libraries count where ours are not set.
///
/// Source: https://docs.datadoghq.com/tracing/trace_collection/library_config.
package enum DatadogSettings {
  package static let agentURL = Setting<String?>(
    "datadog-agent-url", otherVariables: ["DD_TRACE_AGENT_URL"], placeholder: "URL", default: nil, defaultText: nil,
    help: "URL of the Datadog Agent, in place of host and port. A host or port that is set with higher precedence wins."
  ) { text throws(SettingError) in try WebAddress.setting(text, example: "http://localhost:8126") }

  package static let agentHost = Setting<String>(
    "datadog-agent-host", otherVariables: ["DD_AGENT_HOST"], placeholder: "HOST", default: "localhost",
    defaultText: "localhost", help: "Host of the Datadog Agent."
  ) { text throws(SettingError) in
    let expected = SettingError(expected: "a host such as localhost or 10.0.0.1")
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), !text.contains("/") else { throw expected }
    return text
  }

  package static let agentPort = Setting<Int>(
    "datadog-agent-port", otherVariables: ["DD_TRACE_AGENT_PORT"], placeholder: "PORT", default: 8126, defaultText: "8126",
    help: "Trace port of the Datadog Agent."
  ) { text throws(SettingError) in
    guard let port = Int(text), (1...65_535).contains(port) else { throw SettingError(expected: "a port from 1 to 65535") }
    return port
  }

  package static let service = Setting<String?>.optionalText(
    "datadog-service", otherVariables: ["DD_SERVICE"], placeholder: "NAME", help: "Service name of all spans in Datadog.")

  package static let environment = Setting<String?>.optionalText(
    "datadog-env", otherVariables: ["DD_ENV"], placeholder: "NAME", help: "Tag env of all spans in Datadog.")

  package static let version = Setting<String?>.optionalText(
    "datadog-version", otherVariables: ["DD_VERSION"], placeholder: "VERSION", help: "Tag version of all spans in Datadog.")

  package static let tags = Setting<[DatadogTag]>(
    "datadog-tags", otherVariables: ["DD_TAGS"], placeholder: "TAGS", default: [], defaultText: nil,
    help: "More tags for all spans in Datadog: name:value,name2:value2.", parse: DatadogTag.list)

  package static let declarations = [
    agentURL.declaration, agentHost.declaration, agentPort.declaration, service.declaration, environment.declaration,
    version.declaration, tags.declaration,
  ]

  /// Everything an exporter needs.
  ///
  /// - Throws: one line for the user.
  package static func configuration(
    in settings: Settings, attributes: AttributeSelection, phases: PhaseStyle
  ) throws(SettingsError) -> DatadogConfiguration {
    var configuration = DatadogConfiguration(
      agentURL: try agentURL(in: settings),
      presentation: SpanPresentation.Options(
        attributes: attributes, phases: phases, services: try ServiceNames(in: settings, own: service)))
    if let value = try settings.value(of: environment) { configuration.tags.append(DatadogTag("env", value)) }
    if let value = try settings.value(of: version) { configuration.tags.append(DatadogTag("version", value)) }
    configuration.tags += try settings.value(of: tags)
    return configuration
  }

  /// The URL, unless host or port stand in a stronger place.
  private static func agentURL(in settings: Settings) throws(SettingsError) -> String {
    let host = try settings.value(of: agentHost)
    let port = try settings.value(of: agentPort)
    if let url = try settings.value(of: agentURL), !settings.isGiven(agentHost, strongerThan: agentURL),
      !settings.isGiven(agentPort, strongerThan: agentURL)
    {
      return url
    }
    let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
    return "http://\(name):\(port)"
  }
}
