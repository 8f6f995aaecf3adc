import Datadog
import Export
import Testing
import ValueStreamCore

@Suite("Settings of Datadog")
struct DatadogSettingsTests {
  static func configuration(
    _ arguments: [String] = [], _ environment: [String: String] = [:]
  ) throws(SettingsError) -> DatadogConfiguration {
    let settings = try Settings(
      declared: DatadogSettings.declarations + ExportSettings.declarations, arguments: arguments, environment: environment)
    return try DatadogSettings.configuration(in: settings, attributes: .both, phases: .events)
  }

  static let agents: [(String, arguments: [String], environment: [String: String], url: String)] = [
    ("nothing set", [], [:], "http://localhost:8126"),
    ("host and port", [], ["DD_AGENT_HOST": "agent", "DD_TRACE_AGENT_PORT": "1"], "http://agent:1"),
    ("an IPv6 address", [], ["DD_AGENT_HOST": "fd00::1"], "http://[fd00::1]:8126"),
    ("the URL beats both", [], ["DD_AGENT_HOST": "agent", "DD_TRACE_AGENT_URL": "https://url:2/"], "https://url:2/"),
    ("a flag beats the URL", ["--datadog-agent-port=3"], ["DD_TRACE_AGENT_URL": "http://url:2"], "http://localhost:3"),
    ("ours beats theirs", [], ["DD_AGENT_HOST": "theirs", "VS_DATADOG_AGENT_HOST": "ours"], "http://ours:8126"),
  ]

  @Test("Where the Agent is", arguments: agents.indices)
  func agent(number: Int) throws {
    let (name, arguments, environment, url) = Self.agents[number]
    #expect(try Self.configuration(arguments, environment).agentURL == url, "\(name)")
  }

  @Test("Service and tags")
  func tags() throws {
    let variables = [
      "DD_SERVICE": "delivery", "DD_ENV": "production", "DD_VERSION": "7", "DD_TAGS": "team:web, layer:a:b,flag",
      "OTEL_SERVICE_NAME": "other",
    ]
    let configuration = try Self.configuration([], variables)
    #expect(configuration.presentation.services == ServiceNames(common: "delivery"))
    #expect(
      configuration.tags == [
        DatadogTag("env", "production"), DatadogTag("version", "7"), DatadogTag("team", "web"), DatadogTag("layer", "a:b"),
        DatadogTag("flag", ""),
      ])
    let spaced = try Self.configuration([], ["DD_TAGS": "team:web layer:x"])
    #expect(spaced.tags == [DatadogTag("team", "web"), DatadogTag("layer", "x")])
    #expect(try Self.configuration([], ["OTEL_SERVICE_NAME": "other"]).presentation.services.common == "other")
  }

  @Test(
    "Mistakes name the place",
    arguments: [
      (["DD_TRACE_AGENT_URL": "unix:///var/run/datadog/apm.socket"], "DD_TRACE_AGENT_URL"),
      (["DD_TRACE_AGENT_PORT": "0"], "DD_TRACE_AGENT_PORT"), (["DD_TRACE_AGENT_PORT": "apm"], "65535"),
      (["DD_AGENT_HOST": "http://agent"], "DD_AGENT_HOST"), (["DD_TAGS": ":web"], "DD_TAGS"),
    ])
  func mistake(environment: [String: String], says: String) {
    #expect {
      try Self.configuration([], environment)
    } throws: { error in
      "\(error)".contains(says)
    }
  }
}
