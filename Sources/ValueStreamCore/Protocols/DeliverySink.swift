/// A delivery that is in the log, with what intake already computed from it.
public struct RecordedDelivery: Sendable {
  public var position: LogPosition
  public var logged: LoggedDelivery
  /// The parsed events. Nil if the delivery could not be parsed.
  public var interpretation: Interpretation?
  /// Identifies repetitions of this delivery. Nil if equal content does not mean a repetition.
  public var fingerprint: DeliveryFingerprint?

  public init(
    position: LogPosition, logged: LoggedDelivery, interpretation: Interpretation?, fingerprint: DeliveryFingerprint?
  ) {
    self.position = position
    self.logged = logged
    self.interpretation = interpretation
    self.fingerprint = fingerprint
  }
}

/// Receives deliveries once they are durable, in the order of their positions.
public protocol DeliverySink: Sendable {
  /// Receives a group of deliveries right after the log commits them and before their senders get a response.
  ///
  /// The log's writer thread makes this call, so return quickly. A sink that falls behind reads the log instead. A sink
  /// whose results must be visible before the sender gets its response, such as the mock tracer's, projects here.
  func recorded(_ deliveries: [RecordedDelivery])
}
