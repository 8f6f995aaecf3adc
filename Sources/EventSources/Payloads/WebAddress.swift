/// Parts of absolute addresses, as payloads hold them.
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
    guard let authority = authority(address), authority.endIndex < address.endIndex else { return nil }
    let path = address[address.index(after: authority.endIndex)...].prefix { $0 != "?" && $0 != "#" }
    return path.isEmpty ? nil : String(path)
  }

  /// Host, with its port where one stands there, in lower case, and all that follows the slash behind it; nil when the text is no
  /// absolute address.
  package static func split(_ address: String) -> (host: String, rest: String)? {
    guard let authority = authority(address) else { return nil }
    let host = authority.split(separator: "@").last.map { $0.lowercased() } ?? ""
    return host.isEmpty ? nil : (host, String(address[authority.endIndex...].dropFirst()))
  }

  /// The address without user and password, which may be a key; another text as it is.
  package static func withoutUser(_ address: String) -> String {
    guard let authority = authority(address), let at = authority.lastIndex(of: "@") else { return address }
    return String(address[..<authority.startIndex] + address[address.index(after: at)...])
  }

  private static func authority(_ address: String) -> Substring? {
    let bytes = address.utf8
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) else { return nil }
    return Substring(bytes[bytes.index(colon, offsetBy: 3)...].prefix { $0 != UInt8(ascii: "/") })
  }
}
