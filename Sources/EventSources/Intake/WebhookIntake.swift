import ValueStreamCore

/// What is done with a delivery before it goes to the log: believe it, understand it, reduce it to what is kept.
struct WebhookIntake: Sendable {
  enum Decision: Sendable {
    /// To be logged; then the answer is this one.
    case pending(PendingDelivery, answer: DeliveryAnswer)
    /// Not believed, not kept.
    case unauthenticated(AuthenticationError)
  }

  let authenticator: any MessageAuthenticator
  let clock: any WallClock

  func decide(on body: [UInt8], headers: HTTPHeaders, for source: any EventSource) -> Decision {
    var delivery = Delivery(source: source.name, received: clock.now(), headers: headers, body: body)
    do throws(AuthenticationError) {
      try source.authenticate(delivery, using: authenticator)
    } catch {
      return .unauthenticated(error)
    }
    // From here on only what is logged, so that reading it again gives the same id and events.
    delivery.headers = delivery.headers.keeping(source.keptHeaders)
    delivery.id = source.deliveryID(of: delivery)
    let fingerprint = delivery.id.map { DeliveryFingerprint(of: delivery, id: $0) }
    var logged = LoggedDelivery(delivery)
    do throws(PayloadError) {
      if delivery.body.isEmpty { throw PayloadError(.malformed, reason: "the request has no body") }
      let interpretation = try source.events(in: delivery)
      let pending = PendingDelivery(logged: logged, interpretation: interpretation, fingerprint: fingerprint)
      if case .ignored = interpretation { return .pending(pending, answer: .ignored) }
      return .pending(pending, answer: .success)
    } catch {
      logged.unreadable = error
      let pending = PendingDelivery(logged: logged, interpretation: nil, fingerprint: fingerprint)
      return .pending(pending, answer: .unreadable(error, status: source.unreadableStatus ?? error.status))
    }
  }
}

/// What a delivery is answered once it is on disk.
enum DeliveryAnswer: Sendable {
  case success
  case ignored
  case unreadable(PayloadError, status: Int)

  var result: DeliveryResult {
    switch self {
    case .success: .recorded
    case .ignored: .ignored
    case .unreadable: .unreadable
    }
  }
}

extension PayloadError {
  var status: Int {
    switch code {
    case .malformed: 400
    case .unsupportedMediaType: 415
    case .missingIdentity: 422
    }
  }
}
