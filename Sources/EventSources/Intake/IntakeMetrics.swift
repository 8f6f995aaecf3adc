package import ValueStreamCore

/// Counts deliveries, commits and limits at intake, and logs events that an operator should look at.
package struct IntakeMetrics: IntakeObserver {
  private let deliveries: MetricFamily
  private let commitSeconds: MetricFamily
  private let commitSize: MetricFamily
  private let answers: MetricFamily
  private let limits: MetricFamily
  private let unread: MetricFamily
  private let unreadLines: LogThrottle
  private let logger: Logger
  private let unauthenticatedLines: LogThrottle
  private let unreadableLines: LogThrottle
  private let commitLines: LogThrottle

  /// Registers the metrics.
  ///
  /// - Parameters:
  ///   - deliveries: A counter with the labels source and result. This type counts only deliveries that never reach
  ///     projection. The projector counts those in the log.
  ///   - sources: the names of all sources; their series start at 0.
  package init(
    registry: MetricRegistry, deliveries: MetricFamily, sources: [String], logger: Logger, clock: any WallClock = SystemClock()
  ) {
    unauthenticatedLines = LogThrottle(clock: clock)
    unreadableLines = LogThrottle(clock: clock)
    commitLines = LogThrottle(clock: clock)
    unreadLines = LogThrottle(clock: clock)
    self.deliveries = deliveries
    self.logger = logger
    commitSeconds = registry.family(
      .histogram(bounds: [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]),
      "valuestream_log_commit_duration_seconds", help: "Time to make a group of deliveries durable.")
    commitSize = registry.family(
      .histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]), "valuestream_log_commit_deliveries",
      help: "Deliveries per commit of the log.")
    answers = registry.family(
      .counter, "valuestream_http_requests_total", help: "Answered HTTP requests by kind of route and status.",
      labels: ["route", "status"])
    limits = registry.family(
      .counter, "valuestream_http_limited_total", help: "Requests refused and connections closed at a limit of the server.",
      labels: ["limit"])
    for limit in IntakeLimit.allCases { limits.touch(labels: [limit.rawValue]) }
    unread = registry.family(
      .counter, "valuestream_payload_values_unread_total",
      help: "Values in deliveries that no type can hold (numbers beyond 64 bits, lone surrogates), read as null or U+FFFD.",
      labels: ["source"])
    for source in sources { unread.touch(labels: [source]) }
  }

  /// Registers the counter of deliveries of a daemon beside others, of which one counts those in the log for all.
  ///
  /// - Parameter sources: The names of all sources; their series start at 0.
  package static func deliveries(in registry: MetricRegistry, _ sources: [String]) -> MetricFamily {
    let family = registry.family(
      .counter, "valuestream_deliveries_total", help: "Deliveries by source and result.", labels: ["source", "result"])
    for source in sources {
      for result in [DeliveryResult.duplicate, .unauthenticated, .refused] { family.touch(labels: [source, result.rawValue]) }
    }
    return family
  }

  package func delivery(_ result: DeliveryResult, from source: String) {
    switch result {
    case .recorded, .ignored, .unreadable: break
    case .duplicate, .unauthenticated, .refused: deliveries.add(labels: [source, result.rawValue])
    }
  }

  package func unauthenticated(_ error: AuthenticationError, from source: String) {
    guard let heldBack = unauthenticatedLines.pass("\(source) \(error.code.rawValue)") else { return }
    logger.log(.warn, "delivery refused: signature or token \(error.code.rawValue)") { line in
      line.member("source", source)
      line.member("status", 401)
      line.member("header", error.header)
      line.member("similarBefore", heldBack)
    }
  }

  package func unreadable(_ error: PayloadError, from source: String) {
    guard let heldBack = unreadableLines.pass(source) else { return }
    logger.log(.warn, "delivery recorded, but not understood: \(error.reason)") { line in
      line.member("source", source)
      line.member("path", error.path)
      line.member("similarBefore", heldBack)
    }
  }

  package func limited(_ limit: IntakeLimit) {
    limits.add(labels: [limit.rawValue])
  }

  package func unreadValues(_ count: Int, paths: [String], from source: String) {
    unread.add(Double(count), labels: [source])
    guard let heldBack = unreadLines.pass(source) else { return }
    logger.log(.warn, "values of a delivery are beyond every type, and were left out") { line in
      line.member("source", source)
      line.member("values", count)
      line.name("paths")
      line.array(paths) { $0.value($1) }
      line.member("similarBefore", heldBack)
    }
  }

  package func committed(deliveries: Int, seconds: Double) {
    commitSeconds.observe(seconds)
    commitSize.observe(Double(deliveries))
  }

  package func commitFailed(_ error: any Error, deliveries: Int) {
    guard let heldBack = commitLines.pass() else { return }
    logger.log(.error, "the log cannot take deliveries, answered 503: \(error)") { line in
      line.member("deliveries", deliveries)
      line.member("similarBefore", heldBack)
    }
  }

  package func answered(_ status: Int, on route: RouteClass) {
    answers.add(labels: [route.rawValue, String(status)])
  }
}
