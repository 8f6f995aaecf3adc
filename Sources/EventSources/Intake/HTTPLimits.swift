/// Limits on the resources that one sender, or all senders together, may use.
package struct HTTPLimits: Sendable, Hashable {
  /// The largest body in bytes, after decompression; beyond it the response is 413.
  package var bodyBytes = 25 << 20
  /// The bytes of all bodies in flight; beyond it the response is 503.
  package var totalBodyBytes = 128 << 20
  /// The bytes that one compressed byte may expand to, beyond the first ``freelyInflatedBytes``; more gets 413.
  package var inflationRatio = 100
  package var freelyInflatedBytes = 1 << 20
  /// The largest body in bytes, after decompression, that the server's thread handles itself. ``BodyWorkers`` handle
  /// larger ones.
  package var inlineBodyBytes = 64 << 10
  /// The number of threads for large bodies.
  ///
  /// ``waitingForBodyWorkers`` bodies may wait for a thread; beyond it the response is 503. Unauthenticated senders may
  /// use at most half of that, and half of ``totalBodyBytes``.
  package var bodyWorkers = 2
  package var waitingForBodyWorkers = 128
  /// The open connections of one listener. One more closes the least useful connection, silent ones first.
  package var connections = 1024
  /// Connections beyond ``connections`` for times when none can be closed, so that health checks are still answered.
  ///
  /// Once half of the reserve is used, all other requests get 503.
  package var reservedConnections = 64
  /// The open connections of one IPv4 address or one IPv6 /64 network; one more closes another connection of it.
  ///
  /// ``trustedProxies`` are exempt. So is loopback, where local proxies connect from, unless ``countsLoopback`` is true.
  package var connectionsPerAddress = 256
  package var countsLoopback = false
  /// Proxies in front of many senders. The server takes the sender's address from their `X-Forwarded-For` header.
  package var trustedProxies: [AddressRange] = []
  /// The time after which a connection without any traffic is closed, in whole seconds.
  package var idle: Duration = .seconds(75)
  /// The longest time for a sender to send one request.
  package var request: Duration = .seconds(60)
  /// The longest time for a client to read one response. Short responses get less: 30 seconds plus one for each 32 KiB.
  package var answer: Duration = .seconds(300)
  /// The bytes of all responses not yet read by clients; beyond it the response is 503. A body shared by several clients
  /// counts once.
  package var totalAnswerBytes = 128 << 20
  /// How long ``HTTPServer/stop()`` waits for requests in flight.
  package var drain: Duration = .seconds(10)
  /// The number of threads for pages, API and metrics.
  ///
  /// ``waitingForWorkers`` requests may wait for a thread; beyond it the response is 503.
  package var workers = 2
  package var waitingForWorkers = 128
  /// The value of `Retry-After` in a 503 response, in seconds.
  package var retryAfterSeconds = 2

  package init() {}
}
