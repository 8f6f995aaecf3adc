/// What one sender, or all of them together, may take.
package struct HTTPLimits: Sendable, Hashable {
  /// Bytes of one body after inflating: 413 past it.
  package var bodyBytes = 25 << 20
  /// Bytes of all bodies in flight: 503 past it.
  package var totalBodyBytes = 256 << 20
  /// Open connections of one listener. Past it nobody is accepted until one is closed; idle ones are closed for that.
  package var connections = 1024
  /// How long a connection may stay without a byte; whole seconds.
  package var idle: Duration = .seconds(75)
  /// How long a sender may take for one request.
  package var request: Duration = .seconds(60)
  /// How long a receiver may take for one answer.
  package var answer: Duration = .seconds(300)
  /// How long ``HTTPServer/stop()`` lets requests in flight go on.
  package var drain: Duration = .seconds(10)
  /// Threads for pages, API and metrics, and requests that wait for one of them: 503 past it.
  package var workers = 2
  package var waitingForWorkers = 128
  /// What `Retry-After` says with a 503.
  package var retryAfterSeconds = 2

  package init() {}
}
