import FoundationEssentials

/// Tokens that a sender or a reader shows as they are.
package enum AccessToken {
  /// The token of `Bearer <token>`, or the password of `Basic <base64 of user:password>`: of the value of an `Authorization`
  /// header. Nil for anything else.
  package static func token(inAuthorization value: String) -> [UInt8]? {
    let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2 else { return nil }
    switch parts[0].lowercased() {
    case "bearer": return Array(parts[1].utf8)
    case "basic":
      guard let decoded = Data(base64Encoded: String(parts[1])), let colon = decoded.firstIndex(of: UInt8(ascii: ":")) else {
        return nil
      }
      return Array(decoded[(colon + 1)...])
    default: return nil
    }
  }
}

extension MessageAuthenticator {
  /// True when a token is one of the secrets. The time taken tells neither which one nor how long they are: hashes, which are
  /// equally long, are compared, and always all of them.
  package func isToken(_ token: [UInt8], oneOf secrets: [Secret]) -> Bool {
    let given = digest(.sha256, of: token)
    return secrets.reduce(false) { areEqual(digest(.sha256, of: $1.bytes), given) || $0 }
  }
}
