import FoundationEssentials
package import ValueStreamCore

/// The header `Authorization` of those who have a user and a token.
package enum BasicAuthorization {
  /// With a user Basic (RFC 7617), else Bearer.
  package static func header(user: String?, token: Secret) -> String {
    let token = String(decoding: token.bytes, as: UTF8.self)
    guard let user else { return "Bearer \(token)" }
    return "Basic \(Data("\(user):\(token)".utf8).base64EncodedString())"
  }
}
