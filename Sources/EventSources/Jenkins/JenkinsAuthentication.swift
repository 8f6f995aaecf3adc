import FoundationEssentials
import ValueStreamCore

/// A shared token. Jenkins' plugins sign nothing; what they can do is send a name and password in the address they post to.
///
/// Taken as the password of `Authorization: Basic` (the name does not matter), as `Authorization: Bearer`, or as `X-VS-Token`.
struct JenkinsAuthentication: Sendable {
  let tokens: [Secret]

  func authenticate(_ delivery: Delivery, using authenticator: any MessageAuthenticator) throws(AuthenticationError) {
    if tokens.isEmpty { return }
    let given = [delivery.headers[JenkinsHeader.token], delivery.headers[JenkinsHeader.authorization].flatMap(Self.token)]
      .compactMap { $0 }.filter { !$0.isEmpty }
    guard !given.isEmpty else { throw AuthenticationError(.missing, header: JenkinsHeader.authorization) }
    var isValid = false
    for candidate in given {
      // Hashes of the same length, so that the time taken does not tell the secret's.
      let hash = authenticator.digest(.sha256, of: Array(candidate.utf8))
      for token in tokens {
        isValid = authenticator.areEqual(authenticator.digest(.sha256, of: token.bytes), hash) || isValid
      }
    }
    if !isValid { throw AuthenticationError(.mismatch, header: JenkinsHeader.authorization) }
  }

  private static func token(ofAuthorization value: String) -> String? {
    let parts = value.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    switch parts[0].lowercased() {
    case "bearer": return String(parts[1])
    case "basic":
      guard let decoded = Data(base64Encoded: String(parts[1])), let colon = decoded.firstIndex(of: UInt8(ascii: ":")) else {
        return nil
      }
      return String(decoding: decoded[decoded.index(after: colon)...], as: UTF8.self)
    default: return nil
    }
  }
}

enum JenkinsHeader {
  static let authorization = "Authorization"
  static let token = "X-VS-Token"
  /// Sent by the Generic Event plugin.
  static let eventType = "X-Event-Type"
}
