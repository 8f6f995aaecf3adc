import PayloadReading
package import ValueStreamCore

/// Sends requests to a vendor's API. Waits as rate limits demand, and retries where that may help.
package struct APIClient: Sendable {
  package struct Options: Sendable {
    /// The time between the starts of two requests.
    package var spacing = Duration.zero
    /// The number of attempts for a request that gets no response or a server error.
    package var attempts = 8
    package var timeoutSeconds = 60.0

    package init() {}
  }

  /// A wait of a second or more, for a message to the user.
  package struct Wait: Sendable, Hashable {
    package var reason: String
    package var seconds: Double
  }

  private let transport: any HTTPTransport
  private let options: Options
  private let clock: any WallClock
  private let sleep: @Sendable (Duration) async throws -> Void
  private let report: @Sendable (Wait) -> Void
  private let pacer: RequestPacer
  private let serverClock: ServerClock

  /// The number of attempts while the server has never responded, because the address may be wrong.
  private static let firstAttempts = 3
  /// The number of rate limits in a row that a request waits for. The next one fails the request.
  private static let limitAttempts = 10
  /// The longest wait in seconds. No known rate limit lasts longer.
  private static let longestPauseSeconds = 3700.0

  /// Creates a client.
  ///
  /// - Parameters:
  ///   - sleep: waits for a duration; tests replace it.
  ///   - report: called before each wait of a second or more.
  ///   - reportClock: called once, with the seconds by which the server's clock is ahead, if the clocks differ by more than a minute.
  package init(
    transport: any HTTPTransport, options: Options = Options(), clock: any WallClock = SystemClock(),
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    report: @escaping @Sendable (Wait) -> Void = { _ in },
    reportClock: @escaping @Sendable (_ seconds: Double) -> Void = { _ in }
  ) {
    self.transport = transport
    self.options = options
    self.clock = clock
    self.sleep = sleep
    self.report = report
    pacer = RequestPacer(spacing: options.spacing, clock: clock)
    serverClock = ServerClock(report: reportClock)
  }

  /// Returns a time of this machine's clock by the clock of the server, once a response told that; until then, the same time.
  package func serverTime(_ time: Timestamp) -> Timestamp { time.advanced(bySeconds: serverClock.lead) }

  /// Sends a request, and retries until a response arrives or retrying no longer helps.
  ///
  /// - Parameters:
  ///   - request: makes the request for each attempt from the number of failed attempts, so that it can ask for a smaller
  ///     page.
  ///   - place: the name of the request in messages, in place of its URL. For URLs whose path holds a secret.
  ///   - isRepeatable: false to send a request only once that may have been carried out although no answer came.
  ///   - read: parses a response with a 2xx status.
  package func send<Value>(
    _ request: (_ failures: Int) -> HTTPTransportRequest, as place: String? = nil, isRepeatable: Bool = true,
    read: (HTTPResponse) throws(APIError) -> Value
  ) async throws(APIError) -> Value {
    var failures = 0
    var limits = 0
    while true {
      try await waitForTurn()
      var request = request(failures)
      request.timeoutSeconds = options.timeoutSeconds
      let error: APIError
      do throws(APIError) {
        return try read(try await answer(to: request, as: place ?? WebAddress.withoutSecrets(request.url)))
      } catch let failure {
        error = failure
      }
      switch error.code {
      case .limited where limits < Self.limitAttempts:
        // Source: GitHub's page on secondary rate limits. Wait a minute if no time is given, then longer each time.
        let seconds = error.retryAfterSeconds ?? 60 * Double(1 << min(limits, 5))
        limits += 1
        pause(seconds, error.description)
      case .unavailable
      where isRepeatable && failures + 1 < (pacer.hasAnswer ? options.attempts : min(options.attempts, Self.firstAttempts)):
        failures += 1
        let seconds = error.retryAfterSeconds ?? min(0.5 * Double(1 << min(failures - 1, 7)), 60)
        let pause = Self.bounded(seconds, error.description)
        if pause.seconds >= 1 { report(pause) }
        try await wait(.seconds(pause.seconds))
      case .unavailable where !pacer.hasAnswer: throw APIError(.unreachable, error.description)
      default: throw error
      }
    }
  }

  private func answer(to request: HTTPTransportRequest, as place: String) async throws(APIError) -> HTTPResponse {
    let response: HTTPResponse
    do throws(HTTPTransportError) {
      response = try await transport.send(request)
    } catch {
      if error.code == .cancelled { throw APIError(.cancelled, "cancelled") }
      throw APIError(error.isRetryable ? .unavailable : .refused, "cannot ask \(place): \(error)")
    }
    pacer.hasAnswer = true
    // The vendor's times are by its own clock, which may differ from the clock of this machine.
    if let date = response.headers.date { serverClock.note(date, now: clock.now()) }
    let now = response.headers.date ?? clock.now()
    let limit = RateLimit(response.headers, now: now)
    if let error = Self.error(response, limit, place, now) { throw error }
    // The limit is used up. Pause now, so that the next request does not run into it.
    if let seconds = limit.secondsUntilReset(now) { pause(seconds, "the rate limit of \(place) is used up") }
    return response
  }

  /// Returns the error that a response stands for; nil for a 2xx status.
  private static func error(_ response: HTTPResponse, _ limit: RateLimit, _ place: String, _ now: Timestamp) -> APIError? {
    let text = message(of: response)
    let told = "\(place) answered \(response.status)" + (text.isEmpty ? "" : ": \(text)")
    switch response.status {
    case 200..<300: return nil
    case 403 where limit.retryAfterSeconds != nil || limit.remaining == 0 || text.lowercased().contains("rate limit"), 429:
      return APIError(.limited, told, retryAfterSeconds: limit.retryAfterSeconds ?? limit.secondsUntilReset(now))
    case 401: return APIError(.unauthorized, "\(told); is the token right?")
    case 403: return APIError(.forbidden, told)
    case 404, 410: return APIError(.notFound, told)
    case 300..<400:
      let location = response.headers["Location"]
      let target = location.map { ", it is at \(WebAddress.withoutSecrets($0))" } ?? ""
      return APIError(.refused, "\(place) answered \(response.status): that has moved\(target)", location: location)
    case 408, 500...: return APIError(.unavailable, told, retryAfterSeconds: limit.retryAfterSeconds)
    default: return APIError(.refused, told)
    }
  }

  /// Returns the message of a JSON response, or a short plain text, as Trello answers. Empty for other responses, because
  /// an HTML error page is not a message.
  private static func message(of response: HTTPResponse) -> String {
    if let document = try? APIDocument(response) { return document.message.map { String($0.prefix(300)) } ?? "" }
    guard response.headers["Content-Type"]?.lowercased().hasPrefix("text/plain") == true, response.body.count <= 300 else {
      return ""
    }
    return String(decoding: response.body, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  // MARK: Waiting

  private func waitForTurn() async throws(APIError) {
    while let rest = pacer.turn() { try await wait(rest) }
  }

  private func pause(_ seconds: Double, _ reason: String) {
    let pause = Self.bounded(seconds, reason)
    if pacer.pause(seconds: pause.seconds), pause.seconds >= 1 { report(pause) }
  }

  /// Limits a wait to ``longestPauseSeconds``.
  private static func bounded(_ seconds: Double, _ reason: String) -> Wait {
    guard seconds > longestPauseSeconds else { return Wait(reason: reason, seconds: seconds) }
    let told = seconds < 1e6 ? "\(Int(saturating: seconds.rounded(.up))) s" : "more than eleven days"
    return Wait(reason: "\(reason) (it asks for \(told); it is asked again sooner)", seconds: longestPauseSeconds)
  }

  private func wait(_ duration: Duration) async throws(APIError) {
    do {
      try await sleep(duration)
    } catch {
      throw APIError(.cancelled, "cancelled")
    }
  }
}
