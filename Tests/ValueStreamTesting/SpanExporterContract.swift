import Export
import Testing
package import ValueStreamCore

/// Checks what every exporter that sends over HTTP must do, with the runner that daemons use.
package struct SpanExporterContract: Sendable {
  /// Makes an exporter that sends to this URL and waits at most this long for an answer.
  package var makeExporter: @Sendable (_ url: String, _ timeoutSeconds: Double) throws -> any SpanExporter
  /// Returns the ids of the spans in a request.
  package var spanIDs: @Sendable (LoopbackReceiver.Request) throws -> [SpanID]
  /// Returns the response of a backend that rejected some spans of a request; nil if the format has no partial success.
  package var partialSuccess: (@Sendable (_ rejected: Int, _ message: String) -> HTTPResponse)?

  package init(
    makeExporter: @escaping @Sendable (_ url: String, _ timeoutSeconds: Double) throws -> any SpanExporter,
    spanIDs: @escaping @Sendable (LoopbackReceiver.Request) throws -> [SpanID],
    partialSuccess: (@Sendable (_ rejected: Int, _ message: String) -> HTTPResponse)? = nil
  ) {
    self.makeExporter = makeExporter
    self.spanIDs = spanIDs
    self.partialSuccess = partialSuccess
  }

  /// A requirement, used as an argument of a test.
  package struct Check: Sendable, CustomStringConvertible {
    package var description: String
    package var run: @Sendable (SpanExporterContract) async throws -> Void

    fileprivate init(_ name: String, _ run: @escaping @Sendable (SpanExporterContract) async throws -> Void) {
      description = name
      self.run = run
    }
  }

  /// The requirements for every format.
  ///
  /// Formats with partial success must also pass ``checkPartialSuccess()``.
  package static let checks: [Check] =
    [Check("everything arrives once") { try await $0.checkDelivery() }]
    + [Check("spans at the bounds of what there can be") { try await $0.checkBounds() }]
    + [400, 413, 415, 422, 501, 505].map { status in
      Check("\(status) refuses a span for good") { try await $0.checkRejection(status: status) }
    }
    + [400, 405, 413, 415, 501].map { status in
      Check("\(status) from something that is no receiver") { try await $0.checkRejectionOfEverything(status: status) }
    }
    + [408, 429, 500, 502, 503, 504, 401, 403, 404, 407, 302].map { status in
      Check("\(status) is asked again") { try await $0.checkRetry(status: status) }
    }
    + [
      Check("Retry-After") { try await $0.checkRetryAfter() },
      Check("an answer that comes slowly") { try await $0.checkSlowAnswer() },
      Check("answers that break off, and none") { try await $0.checkUncertainAnswers() },
      Check("a receiver that is away for a while") { try await $0.checkAbsence() },
      Check("a stop while a request hangs") { try await $0.checkStopWhileHanging() },
    ]

  private func runner(
    _ store: any SpanStore, to receiver: LoopbackReceiver, timeout: Double = 60, lines: KeptLog = KeptLog(),
    clock: any WallClock = SystemClock()
  ) throws -> ExportRunner {
    try ExportRunner(
      exporter: makeExporter(receiver.url, timeout), store: store, ledger: ExportLedger(store: store, strategy: .nested),
      gracePeriod: .zero, clock: clock, logger: lines.logger)
  }

  /// Runs until this many spans have been sent or rejected.
  private func run(_ runner: ExportRunner, until count: Int, then: () throws -> Void = {}) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await runner.run() }
      while runner.currentProgress.sent + runner.currentProgress.refused < count { try await Task.sleep(for: .milliseconds(2)) }
      runner.stop()
      try await group.waitForAll()
    }
    await runner.finish(ignoringGracePeriod: false)
  }

  private func ids(_ requests: some Sequence<LoopbackReceiver.Request>) throws -> [SpanID] { try requests.flatMap(spanIDs) }

  /// Extreme times, numbers and texts must be encoded so that they decode to the same spans.
  private func checkBounds() async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let exporter = try makeExporter(receiver.url, 60)
    let spans = try ExportSamples.bounds()
    // Send parts small enough for one request in any format.
    for start in stride(from: 0, to: spans.count, by: 8) {
      let part = Array(spans[start..<min(start + 8, spans.count)])
      #expect(try await exporter.export(part) == ExportReceipt(handled: part.count))
    }
    #expect(Set(try ids(receiver.requests)) == Set(spans.map(\.span.id)))
  }

  // MARK: Final answers

  private func checkDelivery() async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let runner = try runner(ExportSamples.store(finished: 1100), to: receiver)
    try await run(runner, until: 1100)
    let isRight = try ids(receiver.requests) == (0..<1100).map(ExportSamples.id)
    #expect(isRight, "each span once, in order")
    #expect(Set(receiver.requests.map(\.connection)) == [1], "one connection for all")
    #expect(runner.currentProgress.sent == 1100)
  }

  /// The backend rejects one span, and each request that contains it.
  private func checkRejection(status: Int) async throws {
    let culprit = ExportSamples.id(3)
    let receiver = try LoopbackReceiver { [spanIDs] _, request in
      (try? spanIDs(request).contains(culprit)) == false ? .status(200) : .status(status, [:], "not  this\none")
    }
    let lines = KeptLog()
    let runner = try runner(ExportSamples.store(finished: 9), to: receiver, lines: lines)
    try await run(runner, until: 9)
    #expect(runner.currentProgress.refused == 1)
    #expect(runner.currentProgress.sent == 8)
    let last = try #require(receiver.requests.last { (try? spanIDs($0)) == [culprit] })
    #expect(try spanIDs(last) == [culprit], "it stood alone in the end")
    #expect(lines.lines.count == 1)
    #expect(lines.lines.first?.contains("\(status) not this one") == true, "\(lines.lines)")
  }

  /// The server is not a backend and rejects every request. The exporter must not drop any span because of that.
  private func checkRejectionOfEverything(status: Int) async throws {
    let receiver = try LoopbackReceiver([.status(status, [:], "what is this?")])
    let lines = KeptLog()
    // The failure is logged once a minute, so this machine must not take as long.
    let runner = try runner(ExportSamples.store(finished: 9), to: receiver, lines: lines, clock: FakeClock())
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await runner.run() }
      // The runner halves the batch down to one span, then sends a request without spans. It repeats this after a pause.
      while try receiver.requests.filter({ try spanIDs($0).isEmpty }).count < 2 { try await Task.sleep(for: .milliseconds(2)) }
      runner.stop()
      try await group.waitForAll()
    }
    await runner.finish(ignoringGracePeriod: false)
    let progress = runner.currentProgress
    #expect(progress == ExportProgress(failingSince: progress.failingSince))
    #expect(progress.failingSince != nil)
    #expect(lines.lines.count == 1)
    #expect(
      lines.lines.first?.contains("\(status) what is this?; it refuses a request without spans, too") == true, "\(lines.lines)")
  }

  package func checkPartialSuccess() async throws {
    let partialSuccess = try #require(partialSuccess)
    let receiver = try LoopbackReceiver([.response(partialSuccess(2, "two are too old"))])
    let lines = KeptLog()
    let runner = try runner(ExportSamples.store(finished: 5), to: receiver, lines: lines)
    try await run(runner, until: 5)
    #expect(receiver.requests.count == 1, "what was refused does not come again")
    #expect(runner.currentProgress.sent == 3)
    #expect(runner.currentProgress.refused == 2)
    #expect(lines.lines.first?.contains("two are too old") == true, "\(lines.lines)")
    let warning = try LoopbackReceiver([.response(partialSuccess(0, "slow down"))])
    let other = try self.runner(ExportSamples.store(finished: 5), to: warning, lines: lines)
    try await run(other, until: 5)
    #expect(other.currentProgress.sent == 5)
    #expect(lines.lines.last?.contains("slow down") == true, "\(lines.lines)")
  }

  private func checkSlowAnswer() async throws {
    let receiver = try LoopbackReceiver([.slowly(HTTPResponse(status: 200, headers: ["X-Slow": "yes"]))])
    let runner = try runner(ExportSamples.store(finished: 3), to: receiver)
    try await run(runner, until: 3)
    #expect(receiver.requests.count == 1)
  }

  // MARK: Answers that call for a retry

  private func checkRetry(status: Int) async throws {
    let receiver = try LoopbackReceiver([.status(status, [:], "later"), .status(200)])
    let lines = KeptLog()
    let runner = try runner(ExportSamples.store(finished: 4), to: receiver, lines: lines)
    try await run(runner, until: 4)
    let expected = (0..<4).map(ExportSamples.id)
    #expect(try receiver.requests.map(spanIDs) == [expected, expected])
    #expect(runner.currentProgress.sent == 4)
    #expect(lines.lines.first?.contains("\(status) later") == true, "\(lines.lines)")
  }

  private func checkRetryAfter() async throws {
    let soon = Timestamp(seconds: SystemClock().now().seconds + 3600)
    for (value, expected) in [("7", 7.0...7.0), (Self.httpDate(soon), 1.0...3600.0), ("soon", nil), ("-1", nil)] {
      let receiver = try LoopbackReceiver([.status(503, ["Retry-After": value])])
      do throws(ExportError) {
        _ = try await makeExporter(unchecked: receiver.url).export(Self.samples())
        Issue.record("503 is no success")
      } catch {
        #expect(error.isRetryable)
        #expect(error.retryAfterSeconds.map { expected?.contains($0) == true } ?? (expected == nil), "\(value)")
      }
    }
  }

  /// If a connection ends early or the backend hangs, the exporter must send the spans again.
  private func checkUncertainAnswers() async throws {
    let half = HTTPResponse(status: 200, body: [UInt8](repeating: 32, count: 100))
    for answer in [LoopbackReceiver.Answer.close, .resetWithin(half), .hang] {
      let receiver = try LoopbackReceiver([answer, .status(200)])
      let runner = try runner(ExportSamples.store(finished: 2), to: receiver, timeout: 0.2)
      try await run(runner, until: 2)
      // The transport may itself retry at once if the connection closes without a byte, so there can be more than two
      // requests.
      #expect(receiver.requests.count >= 2)
      #expect(try receiver.requests.last.map(spanIDs) == (0..<2).map(ExportSamples.id))
      #expect(runner.currentProgress.sent == 2)
    }
  }

  private func checkAbsence() async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    receiver.goAway()
    let lines = KeptLog()
    let runner = try runner(ExportSamples.store(finished: 700), to: receiver, lines: lines)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await run(runner, until: 700) }
      while lines.lines.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
      try receiver.comeBack()
      try await group.waitForAll()
    }
    let isRight = try ids(receiver.requests) == (0..<700).map(ExportSamples.id)
    #expect(isRight, "everything it missed, each span once")
    #expect(lines.lines.count <= 3, "\(lines.lines)")
  }

  // MARK: Shutdown

  /// A request that hangs must not delay the shutdown. Its spans are sent after the next start.
  private func checkStopWhileHanging() async throws {
    let receiver = try LoopbackReceiver([.hang, .hang, .status(200)])
    let store = try ExportSamples.store(finished: 2)
    let first = try runner(store, to: receiver, timeout: 3600)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await first.run() }
      while receiver.requests.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
      first.stop()
      try await group.waitForAll()
    }
    await first.finish(ignoringGracePeriod: false, within: .milliseconds(100))
    #expect(first.currentProgress == ExportProgress())
    let next = try runner(store, to: receiver)
    try await run(next, until: 2)
    #expect(try receiver.requests.last.map(spanIDs) == (0..<2).map(ExportSamples.id))
  }

  private func makeExporter(unchecked url: String) throws(ExportError) -> any SpanExporter {
    do {
      return try makeExporter(url, 60)
    } catch {
      throw ExportError("\(error)", isRetryable: false)
    }
  }

  private static func samples() throws(ExportError) -> [TracedSpan] {
    do {
      return try ExportSamples.spans(1)
    } catch {
      throw ExportError("\(error)", isRetryable: false)
    }
  }

  private static func httpDate(_ time: Timestamp) -> String {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let text = time.rfc3339
    let parts = text.prefix { $0 != "T" }.split(separator: "-")
    return "Sun, \(parts[2]) \(months[(Int(parts[1]) ?? 1) - 1]) \(parts[0]) \(text.dropFirst(11).prefix(8)) GMT"
  }

  /// Checks that no request exceeds a size in bytes, except one with a single span that is larger by itself.
  ///
  /// - Parameters:
  ///   - bytes: the limit; 1 makes every span exceed it.
  ///   - makeExporter: makes an exporter whose requests have this limit.
  package func checkByteLimit(_ bytes: Int, makeExporter: (_ url: String) throws -> any SpanExporter) async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    var rest = try ExportSamples.spans(30, text: String(repeating: "t", count: 2000))[...]
    let exporter = try makeExporter(receiver.url)
    while !rest.isEmpty { rest = rest.dropFirst(try await exporter.export(Array(rest)).handled) }
    let sizes = receiver.requests.map(\.body.count)
    #expect(bytes == 1 ? sizes.count == 30 : sizes.allSatisfy { $0 <= bytes } && sizes.count < 30)
    #expect(try receiver.requests.flatMap(spanIDs) == (0..<30).map(ExportSamples.id))
  }
}
