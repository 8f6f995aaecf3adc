/// A delivery that stands in the log, and what intake already knows of it.
public struct RecordedDelivery: Sendable {
  public var position: LogPosition
  public var logged: LoggedDelivery
  /// What it means; nil when it could not be read.
  public var interpretation: Interpretation?
  /// Nil where content does not tell a repetition from another occurrence.
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

/// Takes deliveries that were made durable, in order of their positions.
public protocol DeliverySink: Sendable {
  /// Called on the log's writer thread after the commit and before the deliveries are answered, so it should not wait:
  /// the log can be read again, and a sink that is behind does so. A sink whose results must be visible with the answer
  /// (the mock tracer's) projects here.
  func recorded(_ deliveries: [RecordedDelivery])
}
