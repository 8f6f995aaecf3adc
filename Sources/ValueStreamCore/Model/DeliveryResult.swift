/// The outcome of a delivery, used as the `result` label of the delivery metrics.
public enum DeliveryResult: String, Sendable, Hashable, CaseIterable {
  /// In the log; its events change the projection.
  case recorded
  /// The log already has this delivery.
  case duplicate
  /// In the log; the source reads no events from it.
  case ignored
  /// In the log, with the reason why the source cannot read it.
  case unreadable
  /// The signature is missing or wrong. Not in the log.
  case unauthenticated
  /// Answered with status 503 because the log could not take it. Not in the log; the sender should retry.
  case refused
}
