/// What the metrics have counted of the ends of a subject.
public struct Measurement: Sendable, Hashable {
  /// Since when the subject waits to be counted or compared with what was counted. Nil if it does not wait.
  public var awaitsSince: Timestamp?
  /// What was counted, as lines of text in a format of the counting code.
  ///
  /// If two subjects turn out to be one, the lines of both are concatenated.
  public var counted: [UInt8]

  public init(awaitsSince: Timestamp?, counted: [UInt8]) {
    self.awaitsSince = awaitsSince
    self.counted = counted
  }
}

/// A change to the ``Measurement`` of a subject.
public enum MeasurementChange: Sendable, Hashable {
  /// The subject waits to be counted from this time, unless it waits already.
  ///
  /// What was counted stays. `counted` applies only to a subject that has no measurement yet.
  case awaits(since: Timestamp, counted: [UInt8])
  /// These values were counted, and the subject no longer waits.
  case counted([UInt8])
}
