import ValueStreamCore

/// A repository, parsed from its Git address: `https://github.com/acme/site.git` or `git@github.com:acme/site.git`.
package struct GitRemote {
  package let host: String
  /// The repository with its owner or groups: `acme/site`.
  package let path: String

  /// Nil if the address has no host, for example if it is a folder.
  package init?(_ address: String) {
    if let host = WebAddress.host(address), let path = WebAddress.path(address) {
      self.host = host
      self.path = Self.withoutSuffix(path)
    } else if !address.contains("://"), let colon = address.firstIndex(of: ":") {
      // The short SSH form, `user@host:path`.
      let host = address[..<colon].split(separator: "@").last ?? ""
      guard !host.isEmpty, !host.contains("/") else { return nil }
      self.host = host.lowercased()
      path = Self.withoutSuffix(String(address[address.index(after: colon)...]))
    } else {
      return nil
    }
  }

  private static func withoutSuffix(_ path: String) -> String {
    var rest = path[...]
    while rest.first == "/" { rest.removeFirst() }
    while rest.last == "/" { rest.removeLast() }
    return String(rest.hasSuffix(".git") ? rest.dropLast(4) : rest)
  }
}
