import Export
package import ValueStreamCore

/// The OTLP address of Jaeger, also read from the settings of its old client.
package struct JaegerAddress: Sendable, Hashable {
  /// The complete URL.
  package var url: String
  /// True if the setting names an agent, or a collector's Thrift port. Only its host is used then.
  package var isOutdated = false

  package static let standard = JaegerAddress(url: "http://localhost:4318/v1/traces")

  package init(url: String) {
    self.url = url
  }

  /// Reads `http://jaeger:4318`, or the old formats `http://jaeger:14268/api/traces` (`JAEGER_ENDPOINT`) and `jaeger`
  /// (`JAEGER_AGENT_HOST`).
  ///
  /// - Throws: ``SettingError`` if the text is not an address.
  package init(setting text: String) throws(SettingError) {
    let example = "http://localhost:4318"
    guard text.contains("://") else {
      let host = Self.host(of: text[...])
      let address = try WebAddress.setting("http://\(host):4318", example: example)
      guard !host.isEmpty, !host.contains("/") else { throw SettingError(expected: "an address such as \(example)") }
      url = BackendAddress.appending("/v1/traces", to: address)
      isOutdated = true
      return
    }
    let address = try WebAddress.setting(text, example: example)
    let scheme = address.prefix { $0 != ":" }
    let afterScheme = address.dropFirst(scheme.count + 3)
    let authority = afterScheme.prefix { $0 != "/" && $0 != "?" }
    let path = afterScheme.dropFirst(authority.count).prefix { $0 != "?" }
    isOutdated = authority.hasSuffix(":14268") || path == "/api/traces"
    if isOutdated {
      url = "\(scheme)://\(Self.host(of: authority)):4318/v1/traces"
    } else {
      url = BackendAddress.appending("/v1/traces", to: address)
    }
  }

  /// Removes the port, which is the Thrift port. Keeps IPv6 addresses in brackets intact.
  private static func host(of authority: Substring) -> Substring {
    guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else { return authority }
    return authority[..<colon]
  }
}
