import Export
import OTLP
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Settings of OTLP")
struct OTLPSettingsTests {
  static func configuration(
    _ arguments: [String] = [], _ environment: [String: String] = [:]
  ) throws(SettingsError) -> OTLPConfiguration {
    let settings = try Settings(
      declared: OTLPSettings.declarations + ExportSettings.declarations, arguments: arguments, environment: environment)
    return try OTLPSettings.configuration(in: settings, attributes: .both, phases: .events)
  }

  @Test("Nothing set")
  func defaults() throws {
    let configuration = try Self.configuration()
    #expect(configuration.url == "http://localhost:4318/v1/traces")
    #expect(configuration.headers == [:])
    #expect(configuration.timeoutSeconds == 10)
    #expect(configuration.isCompressed)
    #expect(configuration.presentation.services == ServiceNames())
    #expect(configuration.format == .protobuf)
    #expect(configuration.resourceAttributes.isEmpty)
  }

  static let urls: [(String, arguments: [String], environment: [String: String], url: String)] = [
    ("the base", ["--otlp-endpoint=https://h:1/base/"], [:], "https://h:1/base/v1/traces"),
    ("the whole", ["--otlp-traces-endpoint=https://h/as-is/"], [:], "https://h/as-is/"),
    ("OpenTelemetry's base", [], ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"], "http://h/v1/traces"),
    (
      "OpenTelemetry's whole", [],
      ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/x"], "http://t/x"
    ),
    (
      "ours beats OpenTelemetry's", [], ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://theirs", "VS_OTLP_ENDPOINT": "http://ours"],
      "http://ours/v1/traces"
    ),
    (
      "our base beats OpenTelemetry's whole", [],
      ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://theirs/x", "VS_OTLP_ENDPOINT": "http://ours"], "http://ours/v1/traces"
    ),
    (
      "a flag beats a variable", ["--otlp-endpoint=http://flag"], ["VS_OTLP_TRACES_ENDPOINT": "http://variable/x"],
      "http://flag/v1/traces"
    ),
    ("set to nothing", [], ["OTEL_EXPORTER_OTLP_ENDPOINT": "", "VS_OTLP_ENDPOINT": ""], "http://localhost:4318/v1/traces"),
  ]

  @Test("Where spans go", arguments: urls.indices)
  func destination(number: Int) throws {
    let (name, arguments, environment, url) = Self.urls[number]
    #expect(try Self.configuration(arguments, environment).url == url, "\(name)")
  }

  @Test(
    "Time-outs with a unit, and milliseconds without",
    arguments: [("2s", 2.0), ("1500", 1.5), ("250ms", 0.25), ("1m", 60)])
  func timeouts(text: String, seconds: Double) throws {
    #expect(try Self.configuration(["--otlp-timeout", text]).timeoutSeconds == seconds)
    #expect(try Self.configuration([], ["OTEL_EXPORTER_OTLP_TIMEOUT": text]).timeoutSeconds == seconds)
  }

  @Test("The form of requests")
  func format() throws {
    #expect(try Self.configuration(["--otlp-protocol=http/json"]).format == .json)
    let variables = ["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"]
    #expect(try Self.configuration([], variables).format == .json, "the variable for traces beats the one for all")
  }

  @Test("Headers are taken apart and decoded")
  func headers() throws {
    let text = "api-key=a%2Cb%20c, X-Two = Basic abc== ,,x_three="
    let expected: HTTPHeaders = ["api-key": "a,b c", "X-Two": "Basic abc==", "x_three": ""]
    #expect(try Self.configuration([], ["VS_OTLP_HEADERS": text]).headers == expected)
    let all = ["OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2"]
    #expect(try Self.configuration([], all).headers == ["b": "2"])
  }

  @Test("Service and resource")
  func resource() throws {
    let attributes = "service.name=theirs,team=web%2Fshop,deployment.environment.name=production"
    let one = try Self.configuration([], ["OTEL_RESOURCE_ATTRIBUTES": attributes])
    #expect(one.presentation.services.common == "theirs")
    #expect(
      one.resourceAttributes == [Attribute("team", "web/shop"), Attribute("deployment.environment.name", "production")])
    let two = try Self.configuration([], ["OTEL_RESOURCE_ATTRIBUTES": attributes, "OTEL_SERVICE_NAME": "named"])
    #expect(two.presentation.services.common == "named")
    let three = try Self.configuration(["--service-names=github=code"], ["OTEL_RESOURCE_ATTRIBUTES": attributes])
    #expect(three.presentation.services == ServiceNames(common: "theirs", ofSource: ["github": "code"]))
  }

  @Test(
    "Mistakes name the place and what is known, and no secret",
    arguments: [
      SettingMistake(["--otlp-endpoint=localhost:4318"], [:], says: ["flag --otlp-endpoint", "localhost:4318"]),
      SettingMistake([], ["OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://h"], says: ["OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://h"]),
      SettingMistake([], ["VS_OTLP_TRACES_ENDPOINT": "http://"], says: ["VS_OTLP_TRACES_ENDPOINT"]),
      SettingMistake(["--otlp-endpoint=http://a b"], [:], says: ["--otlp-endpoint"]),
      SettingMistake(["--otlp-timeout=0"], [:], says: ["--otlp-timeout", "milliseconds"]),
      SettingMistake([], ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "soon"], says: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon"]),
      SettingMistake([], ["OTEL_EXPORTER_OTLP_COMPRESSION": "brotli"], says: ["OTEL_EXPORTER_OTLP_COMPRESSION", "gzip, none"]),
      SettingMistake(
        [], ["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"],
        says: ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf, http/json; gRPC"]),
      SettingMistake(["--otlp-protocol=json"], [:], says: ["--otlp-protocol", "http/json"]),
      SettingMistake([], ["OTEL_RESOURCE_ATTRIBUTES": "team"], says: ["OTEL_RESOURCE_ATTRIBUTES", "team"]),
      SettingMistake([], ["OTEL_RESOURCE_ATTRIBUTES": "team=%zz"], says: ["OTEL_RESOURCE_ATTRIBUTES", "%zz"]),
      SettingMistake(["--otlp-resource-attributes==x"], [:], says: ["--otlp-resource-attributes"]),
      SettingMistake([], ["VS_OTLP_HEADERS": "hunter2"], says: ["VS_OTLP_HEADERS", "headers"]),
      SettingMistake([], ["VS_OTLP_HEADERS": ""], says: ["VS_OTLP_HEADERS", "headers"]),
      SettingMistake(
        [], ["OTEL_EXPORTER_OTLP_HEADERS": "a=hunter2%0D%0AX-B:1"], says: ["OTEL_EXPORTER_OTLP_HEADERS", "control"]),
      SettingMistake([], ["OTEL_EXPORTER_OTLP_HEADERS": "a b=hunter2"], says: ["OTEL_EXPORTER_OTLP_HEADERS"]),
      SettingMistake([], ["OTEL_EXPORTER_OTLP_HEADERS": "a=hunter2%"], says: ["OTEL_EXPORTER_OTLP_HEADERS"]),
      SettingMistake(["--otlp-headers=a=b"], [:], says: ["unknown flag --otlp-headers"]),
    ])
  func mistake(_ mistake: SettingMistake) {
    mistake.check { _ = try Self.configuration($0, $1) }
  }
}
