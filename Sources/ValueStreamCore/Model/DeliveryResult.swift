/// What became of a delivery; the `result` label of the delivery metrics.
public enum DeliveryResult: String, Sendable, Hashable, CaseIterable {
  /// In the log, and its events count.
  case recorded
  /// The same delivery was recorded before.
  case duplicate
  /// In the log, and of no interest to delivery.
  case ignored
  /// In the log with the reason why it cannot be read.
  case unreadable
  /// Signature missing or wrong: not kept.
  case unauthenticated
  /// Answered 503 because the log could not take it: not kept, to be sent again.
  case refused
}
