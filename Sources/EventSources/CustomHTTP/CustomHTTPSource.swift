import PayloadReading
package import ValueStreamCore

/// Receives custom events from scripts and from anything else that can POST a few lines of JSON.
package struct CustomHTTPSource: EventSource {
  private let secrets: [Secret]

  /// Creates the source.
  ///
  /// - Parameter secrets: the secrets with which senders sign. A signature with any of them is valid. If empty,
  ///   unsigned deliveries are accepted.
  package init(secrets: [Secret] = []) {
    self.secrets = secrets
  }

  package var name: String { "customhttp" }
  package var route: String { "/customhttp" }
  package var acceptsUnsigned: Bool { secrets.isEmpty }

  package var keptHeaders: [String] { ["Content-Type", CustomHTTPHeader.idempotencyKey] }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try CustomHTTPSignature.check.authenticate(delivery, secrets: secrets, using: authenticator)
  }

  /// Returns the idempotency key; nil without the header.
  ///
  /// A script that sends an event twice without the header means two events.
  package func deliveryID(of delivery: Delivery) -> String? {
    delivery.headers[CustomHTTPHeader.idempotencyKey].flatMap { $0.isEmpty ? nil : $0 }
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let payload = try CustomHTTPPayload(try PayloadBody.document(of: delivery))
    return .events(payload.events.map { CustomHTTPMapping(payload: $0, received: delivery.received).event() })
  }
}

enum CustomHTTPHeader {
  static let idempotencyKey = "Idempotency-Key"
}
