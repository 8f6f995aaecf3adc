import PayloadReading
package import ValueStreamCore

/// Events from scripts: anything that can POST a few lines of JSON.
package struct CustomHTTPSource: EventSource {
  package static let secretSetting = SecretSetting("customhttp-secret", of: "custom HTTP events")

  private let secrets: [Secret]

  /// - Parameter secrets: what senders sign with; any of them is accepted. None accepts unsigned deliveries.
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

  /// Without the header a script that says the same thing twice means it.
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
