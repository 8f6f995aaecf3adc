package import ValueStreamCore

/// The state of a daemon, its sources and its exporters, for the pages Connect and System.
package struct DaemonStatus: Sendable {
  /// A source of deliveries.
  package struct Source: Sendable {
    package var name: String
    /// The path that takes its deliveries, such as `/github`.
    package var route: String
    package var hasSecret: Bool
    /// The environment variable for the secret. Nil if unknown.
    package var secretVariable: String?
    /// How to connect the source. Nil if unknown.
    package var guide: SourceGuide?
    /// The last deliveries that were refused since the daemon started, newest first, by reason.
    package var refusals: [Refusal]
    /// The last delivery that was acknowledged since the daemon started. Nil if there was none.
    package var last: (time: Timestamp, result: DeliveryResult)?

    package init(
      name: String, route: String, hasSecret: Bool, secretVariable: String? = nil, guide: SourceGuide? = nil,
      refusals: [Refusal] = [],
      last: (time: Timestamp, result: DeliveryResult)? = nil
    ) {
      self.name = name
      self.route = route
      self.hasSecret = hasSecret
      self.secretVariable = secretVariable
      self.guide = guide
      self.refusals = refusals
      self.last = last
    }
  }

  /// Deliveries that were refused for one reason.
  package struct Refusal: Sendable, Hashable {
    package var reason: String
    package var count: Int
    /// When the last one came.
    package var time: Timestamp

    package init(reason: String, count: Int, time: Timestamp) {
      self.reason = reason
      self.count = count
      self.time = time
    }
  }

  /// An exporter of finished spans.
  package struct Exporter: Sendable {
    package var name: String
    package var pending: Int
    package var sent: Int64
    package var refused: Int64
    package var dropped: Int64
    /// Since when the backend has accepted nothing. Nil while it accepts spans.
    package var failingSince: Timestamp?
    /// When the oldest pending span ended. Nil if none is pending.
    package var oldestPending: Timestamp?

    package init(
      name: String, pending: Int, sent: Int64, refused: Int64, dropped: Int64, failingSince: Timestamp? = nil,
      oldestPending: Timestamp? = nil
    ) {
      self.name = name
      self.pending = pending
      self.sent = sent
      self.refused = refused
      self.dropped = dropped
      self.failingSince = failingSince
      self.oldestPending = oldestPending
    }
  }

  /// When the daemon started.
  package var start: Timestamp
  /// The address at which others reach the daemon, such as `https://vsd.example.org`. Nil if it is not set.
  package var publicURL: String?
  package var sources: [Source] = []
  package var exporters: [Exporter] = []
  /// Why the daemon takes no deliveries. Nil if it does.
  package var obstacle: String?
  package var warnings: [String] = []
  /// Deliveries that wait to be written to the log.
  package var waitingDeliveries = 0
  /// Deliveries that are written but not projected yet.
  package var unprojectedDeliveries: UInt64 = 0
  /// How long recorded deliveries have waited while none was projected, in seconds.
  package var stallSeconds = 0.0
  /// Where deliveries and spans are kept: a directory, a database, or memory.
  package var store = ""
  /// Who projects deliveries and exports spans, if several daemons share the store. Nil otherwise.
  package var leader: String?
  package var logBytes: Int64 = 0
  package var spanBytes: Int64 = 0
  /// How long deliveries and spans are kept, in words.
  package var retention: [(name: String, text: String)] = []
  package var openSpans = 0
  package var finishedSpans = 0
  package var setAsideDeliveries = 0
  package var damagedRecords = 0
  /// Settings worth knowing, in words.
  package var settings: [(name: String, text: String)] = []

  package init(start: Timestamp) {
    self.start = start
  }
}
