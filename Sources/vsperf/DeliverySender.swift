import Intake
import ReportClient
import Simulator
import ValueStreamCore

/// Sends deliveries to a vsd as their vendor would.
struct DeliverySender: Sendable {
  private let receiver: String
  /// The secrets by the path of the endpoint.
  private let secrets: [String: Secret]
  private let client: IntakeClient
  private let authenticator: SystemMessageAuthenticator

  init(receiver: String, secrets: [String: Secret], transport: any HTTPTransport) throws {
    self.receiver = receiver
    self.secrets = secrets
    client = IntakeClient(transport: transport, patience: .seconds(300))
    authenticator = try SystemMessageAuthenticator()
  }

  /// Sends a delivery and waits for the response. A 503 is retried for up to 5 minutes, after the time that it asks for.
  ///
  /// - Throws: ``CommandError`` for any response but 200, and if there is no answer.
  func send(_ delivery: HistoryDelivery) async throws {
    var headers = delivery.headers
    if let secret = secrets[delivery.path] { sign(delivery, with: secret, &headers) }
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

  /// Adds the header by which the endpoint knows its sender.
  private func sign(_ delivery: HistoryDelivery, with secret: Secret, _ headers: inout HTTPHeaders) {
    let text = String(decoding: secret.bytes, as: UTF8.self)
    func code() -> String { Hex.text(of: authenticator.authenticationCode(.sha256, of: delivery.body, key: secret.bytes)) }
    switch delivery.path {
    case "/gitlab": headers["X-Gitlab-Token"] = text
    case "/jira": headers["X-Hub-Signature"] = "sha256=\(code())"
    case "/jenkins": headers["Authorization"] = "Bearer \(text)"
    case "/customhttp": headers["X-VS-Signature"] = code()
    default: headers["X-Hub-Signature-256"] = "sha256=\(code())"
    }
  }

  private static func rejection(_ place: String, _ delivery: HistoryDelivery, _ response: HTTPResponse) -> CommandError {
    let hint =
      response.status == 401
      ? "; VS_\(delivery.path.dropFirst().uppercased())_SECRET must be the secret that vsd was started with" : ""
    return CommandError(
      "\(place) answered \(response.status) to a delivery of type \(delivery.event): \(Problem.reason(of: response))\(hint)",
      ExitCode.unavailable)
  }
}
