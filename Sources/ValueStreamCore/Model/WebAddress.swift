/// Parses absolute URLs from payloads and settings.
package enum WebAddress {
  /// The host in lower case, without user and port; nil if the text is not an absolute URL.
  package static func host(_ address: String) -> String? {
    guard var host = authority(address)?.utf8 else { return nil }
    if let at = host.lastIndex(of: UInt8(ascii: "@")) { host = host[host.index(after: at)...] }
    host = host.prefix { $0 != UInt8(ascii: ":") }
    return host.isEmpty ? nil : String(Substring(host)).lowercased()
  }

  /// The host, with its port if that is not the default of the scheme. Two servers on one machine thus stay distinct.
  package static func hostAndPort(_ address: String) -> String? {
    guard let host = host(address), let authority = authority(address) else { return nil }
    let digits =
      authority.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last.map(Substring.init) ?? ""
    guard authority.hasSuffix(":\(digits)"), let port = Int(digits), port != (address.hasPrefix("https:") ? 443 : 80) else {
      return host
    }
    return "\(host):\(port)"
  }

  /// The origin as browsers send it: scheme, host, and port if that is not the default of the scheme, in lower case.
  ///
  /// - Returns: Nil if the text is not an absolute URL.
  package static func origin(_ address: String) -> String? {
    guard let host = split(address)?.host else { return nil }
    let scheme = address.prefix { $0 != ":" }.lowercased()
    let ownPort = scheme == "https" ? ":443" : ":80"
    return "\(scheme)://\(host.hasSuffix(ownPort) ? String(host.dropLast(ownPort.utf8.count)) : host)"
  }

  /// The path without its leading slash; nil if there is none.
  package static func path(_ address: String) -> String? {
    guard let authority = authority(address), let slash = address[authority.endIndex...].first, slash == "/" else { return nil }
    let path = address[authority.endIndex...].dropFirst().prefix { $0 != "?" && $0 != "#" }
    return path.isEmpty ? nil : String(path)
  }

  /// Splits a URL into the host in lower case, with its port if present, and everything after the slash.
  ///
  /// - Returns: Nil if the text is not an absolute URL.
  package static func split(_ address: String) -> (host: String, rest: String)? {
    guard let authority = authority(address) else { return nil }
    let host = authority.split(separator: "@").last.map { $0.lowercased() } ?? ""
    let rest = address[authority.endIndex...]
    return host.isEmpty ? nil : (host, String(rest.first == "/" ? rest.dropFirst() : rest))
  }

  /// The URL without user and password, which may be a secret. Other texts stay as they are.
  package static func withoutUser(_ address: String) -> String {
    guard let authority = authority(address), let at = authority.lastIndex(of: "@") else { return address }
    return String(address[..<authority.startIndex] + address[address.index(after: at)...])
  }

  /// The URL for messages: without user, password, query and fragment, which may hold secrets.
  package static func withoutSecrets(_ address: String) -> String {
    withoutUser(String(address.prefix { $0 != "?" && $0 != "#" }))
  }

  /// Checks a URL from a setting and returns it unchanged.
  ///
  /// - Parameter example: The example in the error message.
  /// - Throws: Unless the text is an absolute HTTP or HTTPS URL.
  package static func setting(_ text: String, example: String) throws(SettingError) -> String {
    let scheme = text.prefix { $0 != ":" }.lowercased()
    guard scheme == "http" || scheme == "https", host(text) != nil, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      // Without a scheme, nothing shows which part is a password.
      throw SettingError(expected: "an address such as \(example)", isTextHidden: text.contains { "@?".contains($0) })
    }
    return text
  }

  /// Checks the URL of a server from a setting and removes trailing slashes, so that paths can be appended.
  ///
  /// - Parameter example: The example in the error message.
  /// - Throws: Unless the text is an absolute HTTP or HTTPS URL.
  package static func server(_ text: String, example: String) throws(SettingError) -> String {
    let address = try setting(text, example: example)
    return String(address.prefix(address.count - address.reversed().prefix { $0 == "/" }.count))
  }

  private static func authority(_ address: String) -> Substring? {
    let bytes = address.utf8
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else { return nil }
    return Substring(bytes[bytes.index(colon, offsetBy: 3)...].prefix { !authorityEnds.contains($0) })
  }

  private static let authorityEnds = Array("/?#".utf8)
}
