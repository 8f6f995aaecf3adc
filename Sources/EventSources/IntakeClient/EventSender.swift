package import CustomHTTP
import FoundationEssentials
package import ValueStreamCore

/// Sends custom events to a vsd.
package struct EventSender: Sendable {
  private let receiver: String
  private let secret: Secret?
  private let transport: any HTTPTransport
  private let patience: Duration
  private let authenticator: any MessageAuthenticator

  /// - Parameters:
  ///   - receiver: The address of the route for custom events.
  ///   - secret: Signs events; nil to send them unsigned.
  ///   - patience: How long to retry while vsd is overloaded or does not answer.
  package init(
    receiver: String, secret: Secret?, patience: Duration, transport: any HTTPTransport, authenticator: any MessageAuthenticator
  ) {
    self.receiver = receiver
    self.secret = secret
    self.patience = patience
    self.transport = transport
    self.authenticator = authenticator
  }

  /// Sends an event and waits until vsd has recorded it.
  ///
  /// - Parameter isRepeated: False to try only once when vsd is overloaded or does not answer.
  /// - Throws: ``SendError`` if the event is not recorded.
  package func send(_ event: CustomEvent, isRepeated: Bool = true) async throws {
    let client = IntakeClient(transport: transport, patience: isRepeated ? patience : .zero, isPatientWithSilence: true)
    let body = event.json
    // Every retry carries the same key, so the event counts once.
    var headers: HTTPHeaders = ["Content-Type": "application/json", "Idempotency-Key": UUID().uuidString.lowercased()]
    if let secret, let field = CustomHTTPFactory().signature(of: body, secret: secret, using: authenticator) {
      headers[field.name] = field.value
    }
    let place = WebAddress.withoutSecrets(receiver)
    let request = HTTPTransportRequest(method: "POST", url: receiver, headers: headers, body: body, timeoutSeconds: 5)
    do {
      try await client.post(request)
    } catch IntakeClient.Failure.noAnswer(let error) {
      throw SendError(code: .unreachable, description: "cannot send to \(place): \(error)")
    } catch IntakeClient.Failure.refused(let response) {
      let hint = response.status == 401 ? "; VS_CUSTOM_HTTP_EVENT_SOURCE_SECRET must be the secret that vsd was started with" : ""
      throw SendError(
        code: .rejected, description: "\(place) answered \(response.status): \(ProblemDetails.reason(of: response))\(hint)")
    }
  }
}
