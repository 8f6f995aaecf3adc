package import APIClient
package import ValueStreamCore

/// The webhooks of one place at a vendor, such as those of a repository.
///
/// Each error says which right the token lacks, if it is that.
package protocol HookService: Sendable {
  /// The name of the source in vsd, which is also the last part of its route: `github`.
  var source: String { get }

  /// The place, for messages: `the repository acme/site`.
  var place: String { get }

  /// The events that vsd reads, in the vendor's words. Empty if the vendor offers no choice.
  var events: [String] { get }

  /// Lists all webhooks of the place.
  func hooks() async throws(APIError) -> [Hook]

  /// Makes a webhook. Sends the request only once, because a second one could make a second webhook.
  func create(_ plan: HookPlan) async throws(APIError) -> Hook

  /// Changes a webhook to what the plan says. Sends the secret again, because no vendor shows it.
  func update(_ hook: Hook, to plan: HookPlan) async throws(APIError) -> Hook

  /// Asks the vendor to send something to the receiver.
  func ping(_ hook: Hook) async throws(APIError) -> HookPing

  /// The past deliveries of the webhooks. Nil if the vendor neither shows them nor sends them again.
  var history: (any HookHistory)? { get }

  /// True if the place has one webhook at most, so that another address takes it from its receiver.
  var hasOneWebhook: Bool { get }

  /// True if each webhook watches a single board or the like, so that a place needs several with the same address.
  var hasWebhookPerScope: Bool { get }

  /// What no request can change, such as the events of a GitHub App, and where a person can.
  var manualRemedy: String? { get }
}

extension HookService {
  package var manualRemedy: String? { nil }
  package var hasWebhookPerScope: Bool { false }
  package var hasOneWebhook: Bool { false }
}

/// What became of a ping.
package enum HookPing: Sendable, Hashable {
  case sent
  /// The vendor reports the answer of the receiver at once.
  case answered(HookAnswer)
  /// The vendor has no ping, or sends none here.
  case unavailable(String)
}

/// Past deliveries of webhooks, which the vendor can send again.
package protocol HookHistory: Sendable {
  /// How long after a delivery the vendor sends it again, in seconds.
  var reachSeconds: Double { get }

  /// The most deliveries to ask for in one run of vsd, so that a vendor who sends few of them a minute holds up no other.
  var redeliveriesPerRun: Int { get }

  /// Returns a page of deliveries, newest first.
  ///
  /// - Parameter cursor: ``HookDeliveryPage/next`` of the previous page; nil for the first.
  func page(of hook: Hook, after cursor: String?) async throws(APIError) -> HookDeliveryPage

  /// Asks the vendor to send a delivery again. Asking twice does no harm, because the delivery keeps its id.
  ///
  /// - Returns: the answer of the receiver; nil if the vendor does not report it at once.
  func redeliver(_ delivery: HookDelivery, of hook: Hook) async throws(APIError) -> HookAnswer?

  /// True if vsd reads the event of a delivery.
  func isRead(_ delivery: HookDelivery) -> Bool
}

extension HookHistory {
  package var redeliveriesPerRun: Int { 200 }
}

/// A delivery of a webhook: one attempt to send an event.
package struct HookDelivery: Sendable, Hashable {
  package var id: String
  /// The id of the event, which all attempts to send it share.
  package var event: String
  package var time: Timestamp?
  /// The type of the event, in the vendor's words.
  package var type: String
  package var answer: HookAnswer
  /// False for the first attempt, if the vendor tells.
  package var isRepeated: Bool

  package init(id: String, event: String, time: Timestamp?, type: String, answer: HookAnswer, isRepeated: Bool = true) {
    self.isRepeated = isRepeated
    self.id = id
    self.event = event
    self.time = time
    self.type = type
    self.answer = answer
  }
}

package struct HookDeliveryPage: Sendable, Hashable {
  package var deliveries: [HookDelivery]
  /// The cursor of the next page; nil after the last page.
  package var next: String?
  /// The time by the clock of the vendor; nil if it does not tell.
  package var serverTime: Timestamp?

  package init(_ deliveries: [HookDelivery], next: String?, serverTime: Timestamp?) {
    self.deliveries = deliveries
    self.next = next
    self.serverTime = serverTime
  }
}
