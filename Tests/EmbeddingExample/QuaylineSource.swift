import FoundationEssentials
public import ValueStreamCore

/// Reads deployments from Quayline, an invented deployment service.
public struct QuaylineSource: EventSource {
  private let secrets: [Secret]

  /// - Parameter secrets: The secrets that Quayline may sign with. If empty, unsigned deliveries are accepted.
  public init(secrets: [Secret] = []) {
    self.secrets = secrets
  }

  public var name: String { "quayline" }
  public var route: String { "/quayline" }
  public var acceptsUnsigned: Bool { secrets.isEmpty }

  /// The headers that the log keeps: enough to read the delivery again, and no secrets.
  public var keptHeaders: [String] { ["Quayline-Event-Id"] }

  /// Checks `Quayline-Signature: <Base64>`, the HMAC-SHA256 of the body.
  public func authenticate(
    _ delivery: Delivery, using authenticator: any MessageAuthenticator
  ) throws(AuthenticationError) {
    if secrets.isEmpty { return }
    let header = "Quayline-Signature"
    guard let text = delivery.headers[header], !text.isEmpty else { throw AuthenticationError(.missing, header: header) }
    guard let signature = Data(base64Encoded: text) else { throw AuthenticationError(.malformed, header: header) }
    var isValid = false
    // Try every secret, so that the duration does not reveal which one matched.
    for secret in secrets {
      let expected = authenticator.authenticationCode(.sha256, of: delivery.body, key: secret.bytes)
      isValid = authenticator.areEqual(expected, Array(signature)) || isValid
    }
    if !isValid { throw AuthenticationError(.mismatch, header: header) }
  }

  /// Quayline retries an unanswered delivery with the same id.
  public func deliveryID(of delivery: Delivery) -> String? {
    delivery.headers["Quayline-Event-Id"]
  }

  public func events(in delivery: Delivery) throws(PayloadError) -> Interpretation {
    let payload = try QuaylinePayload(delivery.body)
    guard payload.event == "deployment" else { return .ignored(reason: "event \(payload.event) is not supported") }
    guard let deployment = payload.deployment else {
      throw PayloadError(.missingIdentity, path: "$.deployment", reason: "expected an object, found nothing")
    }
    return .events([event(of: deployment, in: payload.project, received: delivery.received)])
  }

  /// Reports everything that the payload shows, whichever step it is about, so the last delivery alone gives the whole span.
  private func event(
    of deployment: QuaylinePayload.Deployment, in project: QuaylinePayload.Project, received: Timestamp
  ) -> Event {
    let latest = deployment.finishedAt ?? deployment.startedAt ?? deployment.queuedAt
    var event = Event(
      key: SubjectKey(
        source: "quayline", host: "quayline.example", container: "\(project.id)", kind: "deployment", id: "\(deployment.id)"),
      time: .vendor(latest?.timestamp, orReceipt: received))
    event.operation = .deploy
    event.name = "\(project.name)@\(deployment.environment ?? "?") \(deployment.id)"
    event.project = project.name
    if let begin = deployment.queuedAt ?? deployment.startedAt { event.marks.append(.begin(.vendor(begin.timestamp))) }
    switch deployment.state {
    case .queued: event.state = .pending
    case .running: event.state = .running
    case .finished:
      event.state = .ended
      event.marks.append(.end(.vendor(deployment.finishedAt?.timestamp, orReceipt: received)))
      event.outcome = deployment.succeeded == true ? .success : .failure
    }
    if let started = deployment.startedAt?.timestamp {
      event.phases = [
        PhaseStatement(track: "run", name: "queue", start: deployment.queuedAt?.timestamp, end: started),
        PhaseStatement(track: "run", name: "run", start: started, end: deployment.finishedAt?.timestamp),
      ]
    }
    event.attributes.add("deployment.id", "\(deployment.id)")
    event.attributes.add("deployment.environment.name", deployment.environment)
    event.attributes.add("vcs.ref.head.revision", deployment.commit)
    // A note such as "vstrace-github-issue-site-36: blank page" makes the deployment part of that issue's trace. A note
    // without an id withdraws the reference of an earlier delivery.
    let issue = deployment.note.flatMap { ClassicID.find(in: $0) }
    event.follows = [FollowStatement(.explicitID, issue.map { [Reference(.classicID, $0)] } ?? [])]
    return event
  }
}
