/// The signature by which vsd knows an importer, and the route that takes its deliveries.
package enum ImportSignature {
  /// The path below which each source has its route for imports.
  package static let routePrefix = "/api/v1/import/"
  package static let header = "ValueStream-Import-Signature"
  /// What precedes the hexadecimal digits.
  package static let prefix = "sha256="

  /// Returns the value of ``header`` for a delivery.
  ///
  /// - Parameters:
  ///   - headers: those of the delivery, with the mark.
  ///   - typeHeader: the header in which the vendor names the type of a delivery; nil if there is none.
  package static func text(
    of body: [UInt8], headers: HTTPHeaders, typeHeader: String?, key: Secret, using authenticator: any MessageAuthenticator
  ) -> String {
    let type = typeHeader.flatMap { headers[$0] } ?? ""
    let signed = Array("\(headers[ImportMark.header] ?? "")\n\(type)\n".utf8) + body
    return prefix + Hex.text(of: authenticator.authenticationCode(.sha256, of: signed, key: key.bytes))
  }
}
