package import ValueStreamCore

/// Hears what happens at intake, for metrics and logs.
///
/// Called on the server's and the log's threads for every request: must be quick, and must not wait.
package protocol IntakeObserver: Sendable {
  /// A delivery was answered.
  func delivery(_ result: DeliveryResult, from source: String)

  /// A delivery was not believed. Comes before its ``delivery(_:from:)``.
  func unauthenticated(_ error: AuthenticationError, from source: String)

  /// A delivery was recorded, and could not be read.
  func unreadable(_ error: PayloadError, from source: String)

  /// A commit of the log is done and its sink knows of it.
  func committed(deliveries: Int, seconds: Double)

  /// The log could not take these; they are answered 503.
  func commitFailed(_ error: any Error, deliveries: Int)

  /// A limit was reached, and somebody was refused or closed for it.
  func limited(_ limit: IntakeLimit)

  /// Values of a recorded delivery were left out, because no type holds them.
  func unreadValues(_ count: Int, paths: [String], from source: String)

  /// An answer was queued, whatever it is.
  func answered(_ status: Int, on route: RouteClass)
}

extension IntakeObserver {
  package func unauthenticated(_ error: AuthenticationError, from source: String) {}
  package func unreadable(_ error: PayloadError, from source: String) {}
  package func commitFailed(_ error: any Error, deliveries: Int) {}
  package func limited(_ limit: IntakeLimit) {}
  package func unreadValues(_ count: Int, paths: [String], from source: String) {}
  package func answered(_ status: Int, on route: RouteClass) {}
}

/// Hears nothing.
package struct NoObserver: IntakeObserver {
  package init() {}

  package func delivery(_ result: DeliveryResult, from source: String) {}
  package func committed(deliveries: Int, seconds: Double) {}
}

/// A limit of the server: a bounded label.
package enum IntakeLimit: String, Sendable, Hashable, CaseIterable {
  /// Bodies that are on their way take too much memory together: one of them is refused.
  case bodyMemory = "body_memory"
  /// A compressed body inflates to too much.
  case inflation
  /// Too many large bodies wait to be read.
  case bodyWorkers = "body_workers"
  /// A listener has too many connections: one is closed, or refused.
  case connections
  /// An address has too many connections: one of them is closed.
  case addressConnections = "address_connections"
  /// Answers that are not read take too much memory together: one is refused.
  case answerMemory = "answer_memory"
  /// An answer is not read in time: its connection is closed.
  case answerTime = "answer_time"
}

/// What a route is for: a bounded label.
package enum RouteClass: String, Sendable, Hashable, CaseIterable {
  case intake, api, pages, metrics, health, mock
  /// No route at all.
  case none
}
