/// Absolute addresses, as payloads and settings hold them.
package enum WebAddress {
  /// The host, without user and port, in lower case; nil when the text is no absolute address.
  package static func host(_ address: String) -> String? {
    guard var host = authority(address)?.utf8 else { return nil }
    if let at = host.lastIndex(of: UInt8(ascii: "@")) { host = host[host.index(after: at)...] }
    host = host.prefix { $0 != UInt8(ascii: ":") }
    return host.isEmpty ? nil : String(Substring(host)).lowercased()
  }

  /// The host with its port, where that is not the usual one of its scheme: two servers on one machine are two.
  package static func hostAndPort(_ address: String) -> String? {
    guard let host = host(address), let authority = authority(address) else { return nil }
    let digits =
      authority.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last.map(Substring.init) ?? ""
    guard authority.hasSuffix(":\(digits)"), let port = Int(digits), port != (address.hasPrefix("https:") ? 443 : 80) else {
      return host
    }
    return "\(host):\(port)"
  }

  /// The path, without the slash before it; nil when the address has none.
  package static func path(_ address: String) -> String? {
    guard let authority = authority(address), let slash = address[authority.endIndex...].first, slash == "/" else { return nil }
    let path = address[authority.endIndex...].dropFirst().prefix { $0 != "?" && $0 != "#" }
    return path.isEmpty ? nil : String(path)
  }

  /// Host, with its port where one stands there, in lower case, and all that follows the slash behind it; nil when the text is no
  /// absolute address.
  package static func split(_ address: String) -> (host: String, rest: String)? {
    guard let authority = authority(address) else { return nil }
    let host = authority.split(separator: "@").last.map { $0.lowercased() } ?? ""
    let rest = address[authority.endIndex...]
    return host.isEmpty ? nil : (host, String(rest.first == "/" ? rest.dropFirst() : rest))
  }

  /// The address without user and password, which may be a key; another text as it is.
  package static func withoutUser(_ address: String) -> String {
    guard let authority = authority(address), let at = authority.lastIndex(of: "@") else { return address }
    return String(address[..<authority.startIndex] + address[address.index(after: at)...])
  }

  /// The address for messages: without user and password, and without its query, which may be keys as well.
  package static func withoutSecrets(_ address: String) -> String {
    withoutUser(String(address.prefix { $0 != "?" && $0 != "#" }))
  }

  /// The address that a user set, as it was written.
  ///
  /// - Parameter example: what the error shows.
  /// - Throws: for all but an absolute address of HTTP.
  package static func setting(_ text: String, example: String) throws(SettingError) -> String {
    let scheme = text.prefix { $0 != ":" }.lowercased()
    guard scheme == "http" || scheme == "https", host(text) != nil, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      // Without a scheme nothing tells what of it is a password.
      throw SettingError(expected: "an address such as \(example)", isTextHidden: text.contains { "@?".contains($0) })
    }
    return text
  }

  /// The address of a server that a user set, without slashes at its end: paths are put behind it.
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
