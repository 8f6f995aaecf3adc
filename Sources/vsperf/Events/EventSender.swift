import CurlTransport
import FoundationEssentials
import Intake
import ReportClient
import ValueStreamCore

/// Sends custom events to a vsd.
struct EventSender: Sendable {
  private let receiver: String
  private let secret: Secret?
  private let transport: any HTTPTransport
  private let patience: Duration
  private let authenticator: SystemMessageAuthenticator

  init(_ settings: Settings, transport: any HTTPTransport = CurlTransport()) throws {
    receiver = try settings.value(of: EventSettings.receiver)
    secret = try settings.value(of: EventSettings.secret)
    self.transport = transport
    patience = try settings.value(of: EventSettings.wait)
    authenticator = try SystemMessageAuthenticator()
  }

  /// Sends an event and waits until vsd has recorded it.
  ///
  /// - Parameter isRepeated: False to try only once when vsd is overloaded or does not answer.
  /// - Throws: ``CommandError`` if the event is not recorded.
  func send(_ event: CustomEvent, isRepeated: Bool = true) async throws {
    let client = IntakeClient(transport: transport, patience: isRepeated ? patience : .zero, isPatientWithSilence: true)
    let body = event.json
    // Every retry carries the same key, so the event counts once.
    var headers: HTTPHeaders = ["Content-Type": "application/json", "Idempotency-Key": UUID().uuidString.lowercased()]
    if let secret {
      headers["X-VS-Signature"] = Hex.text(of: authenticator.authenticationCode(.sha256, of: body, key: secret.bytes))
    }
    let place = WebAddress.withoutSecrets(receiver)
    let request = HTTPTransportRequest(method: "POST", url: receiver, headers: headers, body: body, timeoutSeconds: 5)
    do {
      try await client.post(request)
    } catch IntakeClient.Failure.noAnswer(let error) {
      throw CommandError("cannot send to \(place): \(error)", ExitCode.unavailable)
    } catch IntakeClient.Failure.refused(let response) {
      let hint =
        response.status == 401 ? "; VS_CUSTOM_HTTP_EVENT_SOURCE_SECRET must be the secret that vsd was started with" : ""
      throw CommandError(
        "\(place) answered \(response.status): \(Problem.reason(of: response))\(hint)", ExitCode.unavailable)
    }
  }
}
