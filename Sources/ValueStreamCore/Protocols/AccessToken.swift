import FoundationEssentials

/// Access tokens that clients send in plain form rather than as a signature.
package enum AccessToken {
  /// Returns the token from the value of an `Authorization` header.
  ///
  /// This is the token of `Bearer <token>`, or the password of `Basic <base64 of user:password>`. Nil for any other
  /// value. The scheme matches in any letter case.
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
  /// True if a token equals one of the secrets. Runs in constant time.
  ///
  /// Compares SHA-256 hashes, which all have the same length, and always compares all of them. The time taken therefore
  /// reveals neither the matching secret nor the length of a secret.
  package func isToken(_ token: [UInt8], oneOf secrets: [Secret]) -> Bool {
    let given = digest(.sha256, of: token)
    return secrets.reduce(false) { areEqual(digest(.sha256, of: $1.bytes), given) || $0 }
  }
}
