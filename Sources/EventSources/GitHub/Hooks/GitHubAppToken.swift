package import APIClient
import CCrypto
import FoundationEssentials
package import ValueStreamCore

/// Makes the tokens with which a GitHub App signs in: JSON Web Tokens, signed with the App's key by RS256.
///
/// Source: GitHub Docs, "Generating a JSON Web Token (JWT) for a GitHub App".
package struct GitHubAppToken: Sendable {
  private let app: String
  private let key: [UInt8]
  private let clock: any WallClock

  /// How long a token is valid, in seconds. GitHub allows ten minutes, by its own clock.
  private static let validSeconds: Int64 = 480

  /// Creates tokens for an App.
  ///
  /// - Parameters:
  ///   - app: the id of the App, or its client id.
  ///   - key: the content of the key file, in PEM.
  /// - Throws: ``SettingsError`` if the key cannot be read.
  package init(app: String, key: [UInt8], clock: any WallClock = SystemClock()) throws(SettingsError) {
    self.app = app
    self.key = key
    self.clock = clock
    guard Self.signature(of: Array("x".utf8), key: key) != nil else {
      throw SettingsError("the key of the GitHub App is no RSA key in PEM; download one in the settings of the App")
    }
  }

  /// Returns a token that is valid now.
  package func text() throws(APIError) -> String {
    let now = clock.now().seconds
    var claims = JSONWriter()
    claims.object { json in
      // A minute back, because clocks differ.
      json.member("iat", now - 60)
      json.member("exp", now + Self.validSeconds)
      json.member("iss", app)
    }
    let signed = "\(Self.encoded(Array(#"{"alg":"RS256","typ":"JWT"}"#.utf8))).\(Self.encoded(claims.bytes))"
    guard let signature = Self.signature(of: Array(signed.utf8), key: key) else {
      throw APIError(.refused, "the key of the GitHub App signs nothing")
    }
    return "\(signed).\(Self.encoded(signature))"
  }

  private static func encoded(_ bytes: [UInt8]) -> String {
    var text = ""
    for character in Data(bytes).base64EncodedString() {
      switch character {
      case "+": text += "-"
      case "/": text += "_"
      case "=": break
      default: text.append(character)
      }
    }
    return text
  }

  /// Returns the RSA signature with SHA-256; nil if the key is none, or not of RSA.
  private static func signature(of bytes: [UInt8], key: [UInt8]) -> [UInt8]? {
    guard !key.isEmpty, let file = key.withUnsafeBytes({ BIO_new_mem_buf($0.baseAddress, Int32(clamping: $0.count)) }) else {
      return nil
    }
    defer { BIO_free(file) }
    // An empty password, so that a key with one is refused rather than asked for on the terminal.
    var none: CChar = 0
    guard let key = PEM_read_bio_PrivateKey(file, nil, nil, &none) else { return nil }
    defer { EVP_PKEY_free(key) }
    guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, let context = EVP_MD_CTX_new() else { return nil }
    defer { EVP_MD_CTX_free(context) }
    var count = 0
    guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
      EVP_DigestSign(context, nil, &count, bytes, bytes.count) == 1
    else { return nil }
    var signature = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1 else { return nil }
    return Array(signature.prefix(count))
  }
}
