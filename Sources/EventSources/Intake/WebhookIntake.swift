import PayloadReading
import Synchronization
import ValueStreamCore

/// Authenticates, parses and trims a delivery before it is logged.
struct WebhookIntake: Sendable {
  enum Decision: Sendable {
    /// The delivery is to be logged. The sender then gets this response.
    case pending(PendingDelivery, answer: DeliveryAnswer, unread: UnreadValues?)
    /// The delivery failed authentication and is not kept.
    case unauthenticated(AuthenticationError)
  }

  /// What the headers alone show about a sender.
  enum Judgement {
    /// The sender is authentic, whatever the body is.
    case proved
    /// The body decides.
    case open
    /// The sender is not authentic, whatever the body is.
    case refused(AuthenticationError)
  }

  let authenticator: any MessageAuthenticator
  let clock: any WallClock

  /// Checks the headers of a delivery before its body arrives.
  ///
  /// Authenticates with a random body that nobody has signed. A token is right or wrong whatever the body is. The
  /// presence and form of a signature do not depend on the body either.
  func judge(_ headers: HTTPHeaders, for source: any EventSource) -> Judgement {
    do throws(AuthenticationError) {
      try source.authenticate(
        Delivery(source: source.name, received: clock.now(), headers: headers, body: Self.unsignedBody),
        using: authenticator)
      return .proved
    } catch {
      switch error.code {
      case .missing, .malformed: return .refused(error)
      case .mismatch, .expired: return .open
      }
    }
  }

  private static let unsignedBody = (0..<32).map { _ in UInt8.random(in: .min ... .max) }

  /// Authenticates and parses a delivery, and trims its headers. Any thread may call this.
  ///
  /// A payload that cannot be parsed is still to be logged, with the reason.
  func decide(on body: [UInt8], headers: HTTPHeaders, for source: any EventSource) -> Decision {
    var delivery = Delivery(source: source.name, received: clock.now(), headers: headers, body: body)
    do throws(AuthenticationError) {
      try source.authenticate(delivery, using: authenticator)
    } catch {
      return .unauthenticated(error)
    }
    // From here on use only what is logged, so that a replay yields the same id and events.
    delivery.headers = delivery.headers.keeping(source.keptHeaders)
    delivery.id = source.deliveryID(of: delivery)
    let fingerprint = delivery.id.map { DeliveryFingerprint(of: delivery, id: $0) }
    var logged = LoggedDelivery(delivery)
    let unreadBefore = JSONDocument.unreadDocuments.load(ordering: .relaxed)
    // The count is shared by all threads, so a change may come from another delivery. ``UnreadValues`` checks.
    var unread: UnreadValues? {
      JSONDocument.unreadDocuments.load(ordering: .relaxed) == unreadBefore ? nil : UnreadValues(in: delivery)
    }
    do throws(PayloadError) {
      if delivery.body.isEmpty { throw PayloadError(.malformed, reason: "the request has no body") }
      let interpretation = try source.events(in: delivery)
      let pending = PendingDelivery(logged: logged, interpretation: interpretation, fingerprint: fingerprint)
      if case .ignored = interpretation { return .pending(pending, answer: .ignored, unread: unread) }
      return .pending(pending, answer: .success, unread: unread)
    } catch {
      logged.unreadable = error
      let pending = PendingDelivery(logged: logged, interpretation: nil, fingerprint: fingerprint)
      return .pending(pending, answer: .unreadable(error, status: source.unreadableStatus ?? error.status), unread: unread)
    }
  }
}

/// The response to a delivery once it is on disk.
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
