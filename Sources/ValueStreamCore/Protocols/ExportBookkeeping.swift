/// An entry of the outbox: an attempt whose end became known.
public struct OutboxEntry: Sendable, Hashable {
  public var key: SubjectKey
  public var attempt: Int
  /// When the entry was added, by this machine's clock. Exporters wait for the grace period after it.
  public var time: Timestamp

  public init(key: SubjectKey, attempt: Int, time: Timestamp) {
    self.key = key
    self.attempt = attempt
    self.time = time
  }
}

/// The progress of an exporter in the outbox, and its totals over the life of the store.
public struct ExportProgress: Sendable, Hashable {
  /// The sequence number of the last outbox entry that is done.
  public var sequence: UInt64
  /// The number of spans that the backend accepted.
  public var sent: Int64
  /// The number of spans that the backend rejected for good.
  public var refused: Int64
  /// The number of spans dropped because the backend accepted nothing for too long.
  public var dropped: Int64
  /// Since when the backend has accepted nothing. Nil while it accepts spans.
  public var failingSince: Timestamp?

  public init(
    sequence: UInt64 = 0, sent: Int64 = 0, refused: Int64 = 0, dropped: Int64 = 0, failingSince: Timestamp? = nil
  ) {
    self.sequence = sequence
    self.sent = sent
    self.refused = refused
    self.dropped = dropped
    self.failingSince = failingSince
  }
}

/// A record of spans that a backend rejected for good, kept so that people can inspect it.
public struct ExportRejection: Sendable, Hashable {
  public struct Attempt: Sendable, Hashable {
    public var key: SubjectKey
    public var number: Int

    public init(key: SubjectKey, number: Int) {
      self.key = key
      self.number = number
    }
  }

  /// The number of rejections that a store keeps, over all exporters.
  public static let keptCount = 1000
  /// The maximum number of attempts in one rejection.
  public static let attemptLimit = 100

  public var exporter: String
  public var time: Timestamp
  /// The number of rejected spans.
  public var count: Int
  /// The message of the backend.
  public var reason: String
  /// The attempts that were sent, in order. More than ``count`` if the backend does not say which ones it rejected.
  public var attempts: [Attempt]

  public init(exporter: String, time: Timestamp, count: Int, reason: String, attempts: [Attempt]) {
    self.exporter = exporter
    self.time = time
    self.count = count
    self.reason = reason
    self.attempts = Array(attempts.prefix(Self.attemptLimit))
  }
}
