import PayloadReading
package import ValueStreamCore

/// Receives payloads of the Jenkins plugins Statistics Gatherer, Notification and Generic Event.
package struct JenkinsSource: EventSource {
  private let authentication: TokenCheck
  private let rules: JenkinsRules

  /// Creates the source.
  ///
  /// - Parameters:
  ///   - secrets: tokens that senders must show. Any of them is valid. If empty, every delivery is accepted.
  ///   - rules: the user's rules for distinctions that Jenkins does not make.
  package init(secrets: [Secret] = [], rules: JenkinsRules = JenkinsRules()) {
    authentication = TokenCheck(secrets: secrets, header: JenkinsHeader.token)
    self.rules = rules
  }

  package var name: String { "jenkins" }
  package var route: String { "/jenkins" }
  package var acceptsUnsigned: Bool { authentication.secrets.isEmpty }
  package var keptHeaders: [String] { ["Content-Type", JenkinsHeader.eventType, JenkinsHeader.referrer] }

  package func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    try authentication.authenticate(delivery, using: authenticator)
  }

  /// Returns the id of the event, the constant `content` for other payloads with a time, and nil for the rest.
  ///
  /// Only Generic Event sends an id, and the other plugins do not retry. A payload with a time that arrives twice
  /// reports the same occurrence, so with a constant id its content decides. A script's payload without a time may
  /// report another occurrence.
  package func deliveryID(of delivery: Delivery) -> String? {
    if delivery.headers[JenkinsHeader.eventType] != nil, let document = try? PayloadBody.document(of: delivery),
      let id = (try? PayloadObject(root: document))?.text("id")
    {
      return id
    }
    let hasTime = ["Time\"", "\"timestamp\"", "\"time\""].contains { Self.contains($0, in: delivery.body) }
    return hasTime ? "content" : nil
  }

  private static func contains(_ text: StaticString, in body: [UInt8]) -> Bool {
    text.withUTF8Buffer { pattern in
      guard body.count >= pattern.count, let first = pattern.first else { return false }
      for index in 0...(body.count - pattern.count) where body[index] == first {
        if body[index...].starts(with: pattern) { return true }
      }
      return false
    }
  }

  package func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let document = try PayloadBody.document(of: delivery)
    let payload = try JenkinsPayload(document)
    let sender = delivery.headers[JenkinsHeader.referrer].flatMap(WebAddress.host)
    return JenkinsMapping(received: delivery.received, rules: rules, sender: sender)
      .interpretation(of: payload, document: document.root)
  }
}

enum JenkinsHeader {
  static let token = "X-VS-Token"
  /// The Generic Event plugin sends this header.
  static let eventType = "X-Event-Type"
  /// The address of the Jenkins server. The Generic Event plugin sends this header.
  static let referrer = "Referrer"
}
