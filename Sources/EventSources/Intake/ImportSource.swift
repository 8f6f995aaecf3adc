package import ValueStreamCore

/// Accepts deliveries that an importer made from a vendor's records, at `/api/v1/import/<source>`.
///
/// Their bodies have the shape of the source's webhooks, and the source reads them. The importer signs mark, type and body with a
/// secret of its own, so a sender of webhooks can neither mark a delivery nor change a mark.
package struct ImportSource: EventSource {
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
  package var route: String { ImportSignature.routePrefix + source.name }
  package var keptHeaders: [String] { source.keptHeaders + [ImportMark.header] }
  package var acceptsUnsigned: Bool { false }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    guard let mark = delivery.headers[ImportMark.header] else { throw AuthenticationError(.missing, header: ImportMark.header) }
    guard let given = delivery.headers[ImportSignature.header] else {
      throw AuthenticationError(.missing, header: ImportSignature.header)
    }
    guard ImportMark(mark) != nil else { throw AuthenticationError(.malformed, header: ImportMark.header) }
    guard given.hasPrefix(ImportSignature.prefix), given.utf8.count == ImportSignature.prefix.utf8.count + 64 else {
      throw AuthenticationError(.malformed, header: ImportSignature.header)
    }
    let bytes = Array(given.lowercased().utf8)
    // Compares all of them, so that the time taken does not tell which one fits.
    let isKnown = secrets.reduce(false) { isKnown, secret in
      let expected = ImportSignature.text(
        of: delivery.body, headers: delivery.headers, typeHeader: typeHeader, key: secret, using: authenticator)
      return authenticator.areEqual(Array(expected.utf8), bytes) || isKnown
    }
    guard isKnown else { throw AuthenticationError(.mismatch, header: ImportSignature.header) }
  }

  package func deliveryID(of delivery: Delivery) -> String? { delivery.importMark?.id }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    try source.events(in: delivery.asMapped)
  }
}
