package import ValueStreamCore

/// Accepts deliveries that an importer made from a vendor's records, at `/api/v1/import/<source>`.
///
/// Their bodies have the shape of the source's webhooks, and the source reads them. The importer signs mark, type and body with a
/// secret of its own, so a sender of webhooks can neither mark a delivery nor change a mark.
package struct ImportSource: EventSource {
  /// The path below which each source has its route.
  package static let prefix = "/api/v1/import/"
  package static let signatureHeader = "ValueStream-Import-Signature"
  private static let signaturePrefix = "sha256="

  private let source: any EventSource
  private let typeHeader: String?
  private let secrets: [Secret]

  /// - Parameters:
  ///   - typeHeader: the header in which the vendor names the type of a delivery; nil if there is none.
  ///   - secrets: the secrets of importers. At least one.
  package init(_ source: any EventSource, typeHeader: String?, secrets: [Secret]) {
    self.source = source
    self.typeHeader = typeHeader
    self.secrets = secrets
  }

  package var name: String { source.name }
  package var route: String { Self.prefix + source.name }
  package var keptHeaders: [String] { source.keptHeaders + [ImportMark.header] }
  package var acceptsUnsigned: Bool { false }

  /// Returns the value of ``signatureHeader`` for a delivery.
  ///
  /// - Parameters:
  ///   - headers: those of the delivery, with the mark.
  ///   - typeHeader: the header in which the vendor names the type of a delivery; nil if there is none.
  package static func signature(
    of body: [UInt8], headers: HTTPHeaders, typeHeader: String?, key: Secret, using authenticator: any MessageAuthenticator
  ) -> String {
    let type = typeHeader.flatMap { headers[$0] } ?? ""
    let signed = Array("\(headers[ImportMark.header] ?? "")\n\(type)\n".utf8) + body
    return signaturePrefix + Hex.text(of: authenticator.authenticationCode(.sha256, of: signed, key: key.bytes))
  }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    guard let mark = delivery.headers[ImportMark.header] else { throw AuthenticationError(.missing, header: ImportMark.header) }
    guard let given = delivery.headers[Self.signatureHeader] else {
      throw AuthenticationError(.missing, header: Self.signatureHeader)
    }
    guard ImportMark(mark) != nil else { throw AuthenticationError(.malformed, header: ImportMark.header) }
    guard given.hasPrefix(Self.signaturePrefix), given.utf8.count == Self.signaturePrefix.utf8.count + 64 else {
      throw AuthenticationError(.malformed, header: Self.signatureHeader)
    }
    let bytes = Array(given.lowercased().utf8)
    // Compares all of them, so that the time taken does not tell which one fits.
    let isKnown = secrets.reduce(false) { isKnown, secret in
      let expected = Self.signature(
        of: delivery.body, headers: delivery.headers, typeHeader: typeHeader, key: secret, using: authenticator)
      return authenticator.areEqual(Array(expected.utf8), bytes) || isKnown
    }
    guard isKnown else { throw AuthenticationError(.mismatch, header: Self.signatureHeader) }
  }

  package func deliveryID(of delivery: Delivery) -> String? { delivery.importMark?.id }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    try source.events(in: delivery.asMapped)
  }
}
