import Intake
import Simulator
import ValueStreamCore

/// Signed GitHub deliveries of a generated history of four teams: mostly jobs and runs, with changes, pushes, issues and deploys.
struct HistoryDeliveries {
  private let deliveries: [HistoryDelivery]
  private let authenticator: SystemMessageAuthenticator

  init() throws {
    let until = Timestamp(seconds: 1_767_225_600)
    deliveries = Array(HistoryGenerator(HistoryConfiguration(seed: 1, scale: 4, until: until)))
    authenticator = try SystemMessageAuthenticator()
  }

  var count: Int { deliveries.count }

  func delivery(_ number: Int, received: Timestamp) -> Delivery {
    let sent = deliveries[number]
    let code = authenticator.authenticationCode(.sha256, of: sent.body, key: Array(IssueDeliveries.secret.utf8))
    var headers = sent.headers
    headers.fields.append(HTTPHeaders.Field(name: "X-Hub-Signature-256", value: "sha256=" + Hex.text(of: code)))
    return Delivery(source: "github", received: received, headers: headers, body: sent.body)
  }
}
