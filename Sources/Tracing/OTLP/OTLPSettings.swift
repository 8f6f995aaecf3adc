package import Export
package import ValueStreamCore

/// Settings of the OTLP exporter. OpenTelemetry's environment variables apply where those of vsd are not set.
///
/// Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter and .../configuration/sdk-environment-variables.
package enum OTLPSettings {
  private static func variables(_ name: String) -> [String] {
    ["OTEL_EXPORTER_OTLP_TRACES_\(name)", "OTEL_EXPORTER_OTLP_\(name)"]
  }

  package static let endpoint = Setting<String>(
    "otlp-endpoint", otherVariables: ["OTEL_EXPORTER_OTLP_ENDPOINT"], placeholder: "URL", default: "http://localhost:4318",
    defaultText: "http://localhost:4318", help: "Address of the OTLP/HTTP collector or backend. vsd appends /v1/traces.",
    parse: url)

  package static let tracesEndpoint = Setting<String?>(
    "otlp-traces-endpoint", otherVariables: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"], placeholder: "URL", default: nil,
    defaultText: nil, help: "Complete URL for traces, used as it is. An --otlp-endpoint that is set with higher precedence wins."
  ) { text throws(SettingError) in try url(text) }

  package static let headers = Setting<HTTPHeaders>(
    "otlp-headers", otherVariables: variables("HEADERS"), placeholder: "HEADERS", default: [:], defaultText: nil,
    isSecret: true, help: "Headers to send, such as API keys: name=value,name2=value2, percent-encoded.",
    parse: { text throws(SettingError) in try OTLPPairs.headers(text) })

  package static let timeout = Setting<Duration>(
    "otlp-timeout", otherVariables: variables("TIMEOUT"), placeholder: "DURATION", default: .seconds(10), defaultText: "10s",
    help: "How long one request may take. A number without a unit is milliseconds."
  ) { text throws(SettingError) in
    let expected = SettingError(expected: "a duration above 0, such as 10s or 500ms, or a number of milliseconds")
    let duration = Int64(text).map(Duration.milliseconds) ?? (try? Duration(setting: text))
    guard let duration, duration > .zero else { throw expected }
    return duration
  }

  package enum Compression: String, CaseIterable, Sendable {
    case gzip, none
  }

  package static let compression = Setting<Compression>.choice(
    "otlp-compression", otherVariables: variables("COMPRESSION"), default: .gzip, help: "Compression of requests.")

  package static let certificate = Setting<String?>.optionalText(
    "otlp-certificate", otherVariables: variables("CERTIFICATE"), placeholder: "FILE",
    help: "PEM file with the certificate authorities to trust, in place of the system's.")

  package static let clientCertificate = Setting<String?>.optionalText(
    "otlp-client-certificate", otherVariables: variables("CLIENT_CERTIFICATE"), placeholder: "FILE",
    help: "PEM file with the client certificate to present.")

  package static let clientKey = Setting<String?>.optionalText(
    "otlp-client-key", otherVariables: variables("CLIENT_KEY"), placeholder: "FILE",
    help: "PEM file with the key of the client certificate.")

  package static let resourceAttributes = Setting<[Attribute]>(
    "otlp-resource-attributes", otherVariables: ["OTEL_RESOURCE_ATTRIBUTES"], placeholder: "ATTRIBUTES", default: [],
    defaultText: nil, help: "Resource attributes: name=value,name2=value2, percent-encoded."
  ) { text throws(SettingError) in try OTLPPairs.attributes(text) }

  package static let transferProtocol = Setting<OTLPFormat>(
    "otlp-protocol", otherVariables: variables("PROTOCOL"), placeholder: "http/protobuf|http/json", default: .protobuf,
    defaultText: "http/protobuf", help: "Encoding of requests: protocol buffers or JSON, both over HTTP. gRPC is not supported."
  ) { text throws(SettingError) in
    guard let format = OTLPFormat(rawValue: text) else {
      let words = OTLPFormat.allCases.map(\.rawValue).joined(separator: ", ")
      // gRPC backends listen on another port, so using HTTP instead would not reach them.
      throw SettingError(expected: "one of \(words)" + (text == "grpc" ? "; gRPC, with its port 4317, is not spoken" : ""))
    }
    return format
  }

  package static let declarations = [
    endpoint.declaration, tracesEndpoint.declaration, headers.declaration, timeout.declaration, compression.declaration,
    certificate.declaration, clientCertificate.declaration, clientKey.declaration,
    resourceAttributes.declaration, transferProtocol.declaration,
  ]

  /// Reads the configuration of the exporter.
  ///
  /// A `service.name` among the resource attributes becomes the common service name, unless `--service-names` sets one.
  ///
  /// - Throws: ``SettingsError`` with a one-line message for the user.
  package static func configuration(
    in settings: Settings, attributes: AttributeSelection, phases: PhaseStyle
  ) throws(SettingsError) -> OTLPConfiguration {
    var resource = try settings.value(of: resourceAttributes)
    let named = resource.last { $0.name == "service.name" }
    resource.removeAll { $0.name == "service.name" }
    var services = try ServiceNames(in: settings)
    if services.common == nil, case .string(let name) = named?.value, !name.isEmpty { services.common = name }
    var configuration = OTLPConfiguration(
      url: try url(in: settings),
      presentation: SpanPresentation.Options(attributes: attributes, phases: phases, services: services))
    configuration.format = try settings.value(of: transferProtocol)
    configuration.headers = try settings.value(of: headers)
    configuration.timeoutSeconds = try settings.value(of: timeout).inSeconds
    configuration.isCompressed = try settings.value(of: compression) == .gzip
    configuration.resourceAttributes = resource
    return configuration
  }

  /// Returns the files for TLS.
  ///
  /// - Throws: ``SettingsError`` if a file cannot be read.
  package static func files(in settings: Settings, readFile: (String) -> [UInt8]?) throws(SettingsError) -> TLSFiles {
    func path(_ setting: Setting<String?>) throws(SettingsError) -> String? {
      guard let path = try settings.value(of: setting) else { return nil }
      if readFile(path) == nil { throw SettingsError("\(settings.origin(of: setting)): \(UnreadableFile(path))") }
      return path
    }
    var files = TLSFiles()
    files.authorities = try path(certificate)
    files.clientCertificate = try path(clientCertificate)
    files.clientKey = try path(clientKey)
    return files
  }

  /// Returns the URL for traces, unless the base URL is set with higher precedence. A flag has precedence over any
  /// variable.
  private static func url(in settings: Settings) throws(SettingsError) -> String {
    let base = try settings.value(of: endpoint)
    if let traces = try settings.value(of: tracesEndpoint), !settings.isGiven(endpoint, strongerThan: tracesEndpoint) {
      return traces
    }
    return BackendAddress.appending("/v1/traces", to: base)
  }

  @Sendable private static func url(_ text: String) throws(SettingError) -> String {
    try WebAddress.setting(text, example: "http://localhost:4318")
  }
}

/// Parses lists of the form `name=value,name2=value2`, percent-encoded, as in OpenTelemetry's variables.
enum OTLPPairs {
  static func headers(_ text: String) throws(SettingError) -> HTTPHeaders {
    let expected = SettingError(
      expected: "a list of headers such as api-key=abc,x-tenant=shop, percent-encoded and without control characters")
    var headers = HTTPHeaders()
    let pairs = try pairs(in: text, expected)
    // An empty list comes from a deployment variable that was not filled in. Report it instead of sending no headers.
    if pairs.isEmpty { throw expected }
    for (name, value) in pairs {
      guard name.utf8.allSatisfy({ isToken($0) }), BackendAddress.isHeaderValue(value) else { throw expected }
      headers.fields.append(HTTPHeaders.Field(name: name, value: value))
    }
    return headers
  }

  static func attributes(_ text: String) throws(SettingError) -> [Attribute] {
    let expected = SettingError(expected: "a list of attributes such as team=web,deployment.environment.name=production")
    return try pairs(in: text, expected).map { Attribute($0.name, .string($0.value)) }
  }

  private static func pairs(in text: String, _ expected: SettingError) throws(SettingError) -> [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    for part in text.split(separator: ",") where !part.trimmed.isEmpty {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, let name = PercentEncoding.decode(halves[0].trimmed[...]), !name.isEmpty,
        let value = PercentEncoding.decode(halves[1].trimmed[...])
      else { throw expected }
      pairs.append((name, value))
    }
    return pairs
  }

  /// True for a byte that is allowed in header names (RFC 9110, section 5.6.2).
  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
