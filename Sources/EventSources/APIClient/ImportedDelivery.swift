package import ValueStreamCore

/// A delivery that an importer makes from a vendor's records, in the shape that the vendor's webhooks have.
package struct ImportedDelivery: Sendable, Hashable {
  /// The name of the source that reads it, such as `github`.
  package var source: String
  /// The headers of a webhook, without a signature, and the mark.
  package var headers: HTTPHeaders
  package var body: [UInt8]
  package var mark: ImportMark

  /// Creates a delivery.
  ///
  /// - Parameters:
  ///   - type: the header in which the vendor names the type of a delivery, if it does.
  ///   - id: the kind, the id and the version of what the delivery says, as in ``ImportMark/id``.
  ///   - time: when the content was current.
  /// - Returns: nil if the id cannot stand in a mark.
  package init?(
    source: String, type: HTTPHeaders.Field? = nil, id: (kind: String, id: String, version: String), time: Timestamp,
    body: [UInt8]
  ) {
    guard let mark = ImportMark(id: "import:\(id.kind):\(id.id):\(id.version)", time: time) else { return nil }
    self.source = source
    self.mark = mark
    self.body = body
    headers = ["Content-Type": "application/json"]
    if let type { headers.fields.append(type) }
    headers[ImportMark.header] = mark.description
  }
}
