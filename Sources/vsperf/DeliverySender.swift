import Intake
import ReportClient
import Simulator
import ValueStreamCore

/// Sends deliveries to a vsd as their vendor would, one at a time.
struct DeliverySender {
  private let receiver: String
  private let secret: Secret?
  private let client: IntakeClient
  private let authenticator: SystemMessageAuthenticator

  init(receiver: String, secret: Secret?, transport: any HTTPTransport) throws {
    self.receiver = receiver
    self.secret = secret
    client = IntakeClient(transport: transport, patience: .seconds(300))
    authenticator = try SystemMessageAuthenticator()
  }

  /// Sends a delivery and waits for the response. A 503 is retried for up to 5 minutes, after the time that it asks for.
  ///
  /// - Throws: ``CommandError`` for any response but 200, and if there is no answer.
  func send(_ delivery: HistoryDelivery) async throws {
    var headers = delivery.headers
    if let secret {
      let code = authenticator.authenticationCode(.sha256, of: delivery.body, key: secret.bytes)
      headers["X-Hub-Signature-256"] = "sha256=\(Hex.text(of: code))"
    }
    let request = HTTPTransportRequest(
      method: "POST", url: receiver + delivery.path, headers: headers, body: delivery.body, timeoutSeconds: 30)
    let place = WebAddress.withoutSecrets(request.url)
    do {
      try await client.post(request)
    } catch IntakeClient.Failure.noAnswer(let error) {
      throw CommandError("cannot send to \(place): \(error)", ExitCode.unavailable)
    } catch IntakeClient.Failure.refused(let response) {
      throw Self.rejection(place, delivery, response)
    }
  }

  private static func rejection(_ place: String, _ delivery: HistoryDelivery, _ response: HTTPResponse) -> CommandError {
    let hint =
      response.status == 401 ? "; VS_GITHUB_SECRET must be the secret that vsd was started with" : ""
    return CommandError(
      "\(place) answered \(response.status) to a delivery of type \(delivery.event): \(Problem.reason(of: response))\(hint)",
      ExitCode.unavailable)
  }
}
