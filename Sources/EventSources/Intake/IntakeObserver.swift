package import ValueStreamCore

/// Receives events at intake, for metrics and logs.
///
/// The server's and the log's threads call it for every request: implementations must be quick and must not block.
package protocol IntakeObserver: Sendable {
  /// Reports the result of a delivery when it is answered.
  func delivery(_ result: DeliveryResult, from source: String)

  /// Reports that an importer's delivery is answered. Follows ``delivery(_:from:)`` for the same delivery.
  func imported(from source: String)

  /// Reports a delivery that failed authentication. Precedes ``delivery(_:from:)`` for the same delivery.
  func unauthenticated(_ error: AuthenticationError, from source: String)

  /// Reports a delivery that is recorded although its payload could not be read.
  func unreadable(_ error: PayloadError, from source: String)

  /// Reports a commit of the log, after the sink has received its deliveries.
  func committed(deliveries: Int, seconds: Double)

  /// Reports that the log could not write deliveries. They are answered with 503.
  func commitFailed(_ error: any Error, deliveries: Int)

  /// Reports that a limit was reached, so a request was rejected or a connection closed.
  func limited(_ limit: IntakeLimit)

  /// Reports values of a recorded delivery that were left out because no type can hold them.
  func unreadValues(_ count: Int, paths: [String], from source: String)

  /// Reports the status of every queued response.
  func answered(_ status: Int, on route: RouteClass)
}

extension IntakeObserver {
  package func imported(from source: String) {}
  package func unauthenticated(_ error: AuthenticationError, from source: String) {}
  package func unreadable(_ error: PayloadError, from source: String) {}
  package func commitFailed(_ error: any Error, deliveries: Int) {}
  package func limited(_ limit: IntakeLimit) {}
  package func unreadValues(_ count: Int, paths: [String], from source: String) {}
  package func answered(_ status: Int, on route: RouteClass) {}
}

/// Ignores all events.
package struct NoObserver: IntakeObserver {
  package init() {}

  package func delivery(_ result: DeliveryResult, from source: String) {}
  package func committed(deliveries: Int, seconds: Double) {}
}

/// A limit of the server. The raw value is a metric label, so the set is bounded.
package enum IntakeLimit: String, Sendable, Hashable, CaseIterable {
  /// Bodies in flight use too much memory together: one of them is rejected.
  case bodyMemory = "body_memory"
  /// A compressed body expands too much.
  case inflation
  /// Too many large bodies wait to be parsed.
  case bodyWorkers = "body_workers"
  /// A listener has too many connections: one is closed, or a request is rejected.
  case connections
  /// An address has too many connections: one of them is closed.
  case addressConnections = "address_connections"
  /// Unread responses use too much memory together: one response is replaced by a 503.
  case answerMemory = "answer_memory"
  /// A client did not read its response in time: its connection is closed.
  case answerTime = "answer_time"
}

/// The purpose of a route. The raw value is a metric label, so the set is bounded.
package enum RouteClass: String, Sendable, Hashable, CaseIterable {
  case intake, api, pages, metrics, health, mock
  /// No route matches the path.
  case none
}
