import Payloads
import Synchronization
package import ValueStreamCore

/// What is done with a delivery before it goes to the log: believe it, understand it, reduce it to what is kept.
struct WebhookIntake: Sendable {
  enum Decision: Sendable {
    /// To be logged; then the answer is this one.
    case pending(PendingDelivery, answer: DeliveryAnswer, unread: UnreadValues?)
    /// Not believed, not kept.
    case unauthenticated(AuthenticationError)
  }

  /// What headers tell of a sender.
  enum Judgement {
    /// That it is one of the source, whatever the body is.
    case proved
    /// That the body has to be seen.
    case open
    /// That no body makes it one.
    case refused(AuthenticationError)
  }

  let authenticator: any MessageAuthenticator
  let clock: any WallClock

  /// What headers tell before the body is there.
  ///
  /// Asks with a body that nobody has signed: a token is right or wrong without one, and whether a signature is there and has its
  /// form does not depend on it.
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
    let unreadBefore = JSONDocument.unreadDocuments.load(ordering: .relaxed)
    // Another thread may have read such a document, too.
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

extension UnreadValues {
  /// Nil where all of the delivery's document was read, or none of it.
  package init?(in delivery: Delivery) {
    guard let unread = try? PayloadBody.document(of: delivery).unread, unread.count > 0 else { return nil }
    self.init(count: unread.count, paths: unread.paths)
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
