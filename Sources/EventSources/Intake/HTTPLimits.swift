/// What one sender, or all of them together, may take.
package struct HTTPLimits: Sendable, Hashable {
  /// Bytes of one body after inflating: 413 past it.
  package var bodyBytes = 25 << 20
  /// Bytes of all bodies in flight: 503 past it.
  package var totalBodyBytes = 128 << 20
  /// Bytes that one byte of a compressed body may inflate to, beyond the first ``freelyInflatedBytes``: 413 past it.
  package var inflationRatio = 100
  package var freelyInflatedBytes = 1 << 20
  /// Bodies up to here, after inflating, are dealt with at once; larger ones by threads of their own.
  package var inlineBodyBytes = 64 << 10
  /// Threads for large bodies, and bodies that wait for one of them: 503 past it. Half of them, and half of
  /// ``totalBodyBytes``, is all for senders that have proved nothing.
  package var bodyWorkers = 2
  package var waitingForBodyWorkers = 128
  /// Open connections of one listener. For one past it the least useful is closed: silent ones first.
  package var connections = 1024
  /// Connections beyond that where none can be closed: so that health is answered even then. When only half of them are
  /// left, everything else gets 503.
  package var reservedConnections = 64
  /// Open connections of one address, or one network of IPv6: for one past it another of the same address is closed.
  /// ``trustedProxies`` may have as many as there are, and so may loopback, where proxies of this machine are.
  package var connectionsPerAddress = 256
  package var countsLoopback = false
  /// Proxies that many senders stand behind. What they say in `X-Forwarded-For` is believed.
  package var trustedProxies: [AddressRange] = []
  /// How long a connection may stay without a byte; whole seconds.
  package var idle: Duration = .seconds(75)
  /// How long a sender may take for one request.
  package var request: Duration = .seconds(60)
  /// How long a receiver may take for one answer; less where the answer is short: 30 seconds, and one more for each 32 KiB.
  package var answer: Duration = .seconds(300)
  /// Bytes of all answers that are not read yet: 503 past it. What several receivers get of the same counts once.
  package var totalAnswerBytes = 128 << 20
  /// How long ``HTTPServer/stop()`` lets requests in flight go on.
  package var drain: Duration = .seconds(10)
  /// Threads for pages, API and metrics, and requests that wait for one of them: 503 past it.
  package var workers = 2
  package var waitingForWorkers = 128
  /// What `Retry-After` says with a 503.
  package var retryAfterSeconds = 2

  package init() {}
}
