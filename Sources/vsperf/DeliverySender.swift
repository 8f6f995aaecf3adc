import HistoryGenerator
import Intake
import ValueStreamCore

/// Sends deliveries to a vsd as their vendor would, each when the one before is answered.
struct DeliverySender {
  private let receiver: String
  private let secret: Secret?
  private let transport: any HTTPTransport
  private let authenticator: SystemMessageAuthenticator

  /// How long a receiver that says 503 is asked again.
  private static let patienceSeconds = 300.0

  init(receiver: String, secret: Secret?, transport: any HTTPTransport) throws {
    self.receiver = receiver
    self.secret = secret
    self.transport = transport
    authenticator = try SystemMessageAuthenticator()
  }

  /// - Throws: ``CommandError`` for any answer but 200; 503 is asked again after the time it names.
  func send(_ delivery: HistoryDelivery) async throws {
    var headers = delivery.headers
    if let secret {
      let code = authenticator.authenticationCode(.sha256, of: delivery.body, key: secret.bytes)
      headers["X-Hub-Signature-256"] = "sha256=\(Hex.text(of: code))"
    }
    let request = HTTPTransportRequest(
      method: "POST", url: receiver + delivery.path, headers: headers, body: delivery.body, timeoutSeconds: 30)
    var waited = 0.0
    while true {
      let response: HTTPResponse
      do throws(HTTPTransportError) {
        response = try await transport.send(request)
      } catch {
        throw CommandError("cannot send to \(request.url): \(error)", ExitCode.unavailable)
      }
      if response.status == 200 { return }
      guard response.status == 503, waited < Self.patienceSeconds else { throw Self.refusal(request.url, delivery, response) }
      let pause = min(max(response.headers["Retry-After"].flatMap(Double.init) ?? 1, 0.1), 60)
      waited += pause
      try await Task.sleep(for: .seconds(pause))
    }
  }

  private static func refusal(_ url: String, _ delivery: HistoryDelivery, _ response: HTTPResponse) -> CommandError {
    let hint =
      response.status == 401 ? "; VS_GITHUB_SECRET must be the secret that vsd was started with" : ""
    return CommandError(
      "\(url) answered \(response.status) to a delivery of type \(delivery.event): \(Problem.reason(of: response))\(hint)",
      ExitCode.unavailable)
  }
}
