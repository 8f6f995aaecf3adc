import Catalog
package import ValueStreamCore

/// Sends deliveries to a vsd as their vendor would.
package struct DeliverySender: Sendable {
  private let receiver: String
  /// The secrets by the path of the endpoint.
  private let secrets: [String: Secret]
  private let importSecret: Secret?
  private let client: IntakeClient
  private let authenticator: any MessageAuthenticator

  /// - Parameters:
  ///   - receiver: The address of vsd, without a trailing slash.
  ///   - secrets: The secrets of webhooks, by the path of the endpoint.
  ///   - importSecret: Signs deliveries as imported ones; nil to send them as webhooks.
  package init(
    receiver: String, secrets: [String: Secret], importSecret: Secret? = nil, transport: any HTTPTransport,
    authenticator: any MessageAuthenticator
  ) {
    self.receiver = receiver
    self.secrets = secrets
    self.importSecret = importSecret
    self.authenticator = authenticator
    client = IntakeClient(transport: transport, patience: .seconds(300))
  }

  /// Sends a delivery and waits for the response. A 503 is retried for up to 5 minutes, after the time that it asks for.
  ///
  /// - Throws: ``SendError`` for any response but 200, and if there is no answer.
  package func send(_ delivery: HistoryDelivery) async throws {
    var headers = delivery.headers
    var path = delivery.path
    if let importSecret {
      path = mark(delivery, with: importSecret, &headers)
    } else if let secret = secrets[delivery.path] {
      sign(delivery, with: secret, &headers)
    }
    let request = HTTPTransportRequest(
      method: "POST", url: receiver + path, headers: headers, body: delivery.body, timeoutSeconds: 30)
    let place = WebAddress.withoutSecrets(request.url)
    do {
      try await client.post(request)
    } catch IntakeClient.Failure.noAnswer(let error) {
      throw SendError(code: .unreachable, description: "cannot send to \(place): \(error)")
    } catch IntakeClient.Failure.refused(let response) {
      throw Self.rejection(place, delivery, response, isImported: importSecret != nil)
    }
  }

  /// Adds the header by which the endpoint knows its sender.
  private func sign(_ delivery: HistoryDelivery, with secret: Secret, _ headers: inout HTTPHeaders) {
    let factory = SourceCatalog.factory(at: delivery.path)
    guard let field = factory?.signature(of: delivery.body, secret: secret, using: authenticator) else { return }
    headers[field.name] = field.value
  }

  /// Marks a delivery as imported, unless it has a mark.
  ///
  /// - Returns: The path to send it to.
  private func mark(_ delivery: HistoryDelivery, with secret: Secret, _ headers: inout HTTPHeaders) -> String {
    if headers[ImportMark.header] == nil {
      let hash = Hex.text(of: Array(authenticator.digest(.sha256, of: delivery.body).prefix(8)))
      let kind = PercentEncoding.encode(delivery.kind.isEmpty ? "event" : delivery.kind)
      headers[ImportMark.header] = "import:\(kind):\(hash):\(delivery.time.seconds) \(delivery.time.rfc3339)"
    }
    headers[ImportSignature.header] = ImportSignature.text(
      of: delivery.body, headers: headers, typeHeader: SourceCatalog.factory(at: delivery.path)?.typeHeader, key: secret,
      using: authenticator)
    return ImportSignature.routePrefix + delivery.path.dropFirst()
  }

  private static func rejection(_ place: String, _ delivery: HistoryDelivery, _ response: HTTPResponse, isImported: Bool)
    -> SendError
  {
    let name = isImported ? "IMPORT" : delivery.path.dropFirst().uppercased()
    let hint = response.status == 401 ? "; VS_\(name)_SECRET must be the secret that vsd was started with" : ""
    return SendError(
      code: .rejected,
      description:
        "\(place) answered \(response.status) to a delivery of type \(delivery.kind): \(ProblemDetails.reason(of: response))\(hint)"
    )
  }
}

extension DeliverySender {
  /// Sends deliveries, several at a time.
  ///
  /// - Throws: ``SendError`` for the first that vsd does not take.
  package func send(_ deliveries: [HistoryDelivery], atOnce connections: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, delivery) in deliveries.enumerated() {
        if index >= connections { try await group.next() }
        group.addTask { try await send(delivery) }
      }
      try await group.waitForAll()
    }
  }
}

extension HistoryDelivery {
  /// What the delivery is, for summaries: its type, or the name of the source.
  package var kind: String { SourceCatalog.factory(at: path)?.kind(of: headers) ?? String(path.dropFirst()) }
}
