import Export
import Jaeger
import OTLP
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Settings of Jaeger")
struct JaegerSettingsTests {
  static func configuration(
    _ arguments: [String] = [], _ environment: [String: String] = [:]
  ) throws(SettingsError) -> (configuration: OTLPConfiguration, notice: String?) {
    let settings = try Settings(
      declared: JaegerSettings.declarations + ExportSettings.declarations, arguments: arguments, environment: environment)
    return try JaegerSettings.configuration(in: settings, environment: environment, attributes: .both, phases: .events)
  }

  @Test("Nothing set")
  func defaults() throws {
    let (configuration, notice) = try Self.configuration()
    #expect(configuration.url == "http://localhost:4318/v1/traces")
    #expect(configuration.headers == [:])
    #expect(configuration.presentation.services == ServiceNames())
    #expect(configuration.resourceAttributes.isEmpty)
    #expect(notice == nil)
  }

  @Test(
    "Where Jaeger is, and whether that is told in the words of its old client",
    arguments: [
      ("http://jaeger:4318", "http://jaeger:4318/v1/traces", false), ("https://j/base/", "https://j/base/v1/traces", false),
      ("http://jaeger:14268/api/traces", "http://jaeger:4318/v1/traces", true),
      ("https://user@jaeger:14268", "https://user@jaeger:4318/v1/traces", true),
      ("http://jaeger/api/traces?format=jaeger.thrift", "http://jaeger:4318/v1/traces", true),
      ("http://[::1]/api/traces", "http://[::1]:4318/v1/traces", true),
      ("jaeger", "http://jaeger:4318/v1/traces", true), ("jaeger:6831", "http://jaeger:4318/v1/traces", true),
      ("[::1]:6831", "http://[::1]:4318/v1/traces", true),
    ])
  func address(text: String, url: String, isOutdated: Bool) throws {
    let address = try JaegerAddress(setting: text)
    #expect(address.url == url)
    #expect(address.isOutdated == isOutdated)
  }

  @Test("The old client's variables give host, service, tags and authentication, and are told to be outdated")
  func oldClient() throws {
    let variables = [
      "JAEGER_AGENT_HOST": "tracing", "JAEGER_SERVICE_NAME": "delivery", "JAEGER_USER": "u", "JAEGER_PASSWORD": "p:w",
      "JAEGER_TAGS": "team = web, region=${REGION:eu}, zone=${ZONE:a}, empty=${NOTHING}", "ZONE": "b",
    ]
    let (configuration, notice) = try Self.configuration([], variables)
    #expect(configuration.url == "http://tracing:4318/v1/traces")
    #expect(configuration.presentation.services == ServiceNames(common: "delivery"))
    #expect(
      configuration.resourceAttributes == [
        Attribute("team", "web"), Attribute("region", "eu"), Attribute("zone", "b"), Attribute("empty", ""),
      ])
    // printf 'u:p:w' | base64
    #expect(configuration.headers == ["Authorization": "Basic dTpwOnc="])
    #expect(notice?.contains("JAEGER_AGENT_HOST") == true)
    #expect(notice?.contains("VS_JAEGER_ENDPOINT") == true)
    let collector = variables.merging(["JAEGER_ENDPOINT": "http://collector:14268/api/traces"]) { $1 }
    #expect(try Self.configuration([], collector).configuration.url == "http://collector:4318/v1/traces")
    let ours = variables.merging(["VS_JAEGER_ENDPOINT": "http://ours:4318"]) { $1 }
    #expect(try Self.configuration([], ours).configuration.url == "http://ours:4318/v1/traces")
    #expect(try Self.configuration([], ours).notice == nil)
  }

  @Test("The names of services: the stronger place counts, and in the same place Jaeger's own")
  func services() throws {
    let own = ["JAEGER_SERVICE_NAME": "own", "OTEL_SERVICE_NAME": "common"]
    #expect(try Self.configuration([], own).configuration.presentation.services.common == "own")
    let flag = try Self.configuration(["--service-names=github=code"], own).configuration
    #expect(flag.presentation.services == ServiceNames(ofSource: ["github": "code"]))
  }

  @Test(
    "Mistakes name the place, and no secret",
    arguments: [
      SettingMistake(["--jaeger-endpoint=ftp://h"], [:], says: ["--jaeger-endpoint", "ftp://h", "http://localhost:4318"]),
      SettingMistake([], ["JAEGER_AGENT_HOST": "a b"], says: ["JAEGER_AGENT_HOST", "a b"]),
      SettingMistake([], ["JAEGER_AGENT_HOST": "a/b"], says: ["JAEGER_AGENT_HOST", "a/b"]),
      SettingMistake([], ["JAEGER_TAGS": "team"], says: ["JAEGER_TAGS", "team=web"]),
      SettingMistake([], ["JAEGER_USER": "a:b", "JAEGER_PASSWORD": "hunter2"], says: ["JAEGER_USER", "colon"]),
      SettingMistake(["--jaeger-password=x"], [:], says: ["unknown flag --jaeger-password"]),
    ])
  func mistake(_ mistake: SettingMistake) {
    mistake.check { _ = try Self.configuration($0, $1) }
  }
}
