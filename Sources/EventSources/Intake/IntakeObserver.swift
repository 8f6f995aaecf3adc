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

  /// An answer was queued, whatever it is.
  func answered(_ status: Int, on route: RouteClass)
}

extension IntakeObserver {
  package func unauthenticated(_ error: AuthenticationError, from source: String) {}
  package func unreadable(_ error: PayloadError, from source: String) {}
  package func commitFailed(_ error: any Error, deliveries: Int) {}
  package func answered(_ status: Int, on route: RouteClass) {}
}

/// Hears nothing.
package struct NoObserver: IntakeObserver {
  package init() {}

  package func delivery(_ result: DeliveryResult, from source: String) {}
  package func committed(deliveries: Int, seconds: Double) {}
}

/// What a route is for: a bounded label.
package enum RouteClass: String, Sendable, Hashable, CaseIterable {
  case intake, api, pages, metrics, health, mock
  /// No route at all.
  case none
}
