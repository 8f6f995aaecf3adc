import CMicrohttpd
import ValueStreamCore

/// A request from its headers to its answer.
extension ServerLoop {
  /// The headers of a request are there.
  func begin(
    _ connection: OpaquePointer, _ link: ConnectionLink, method: String, path: String
  ) -> Exchange {
    link.enter(.receiving, at: now)
    let headers = connection.headers
    let (decision, routeClass) = link.listener.table.decide(method: method, path: path, headers: headers)
    func exchange(_ work: Exchange.Work?) -> Exchange {
      let exchange = Exchange(
        connection: connection, link: link, method: method, path: path, headers: headers, routeClass: routeClass, work: work)
      link.exchange = exchange
      return exchange
    }
    if isOverfull(link.listener), routeClass != .health {
      let refused = exchange(nil)
      observer.limited(.connections)
      refused.refuse(unavailable("too many connections"))
      return refused
    }
    switch decision {
    case .refuse(let response):
      let refused = exchange(nil)
      refused.refuse(response)
      return refused
    case .confirm:
      let confirmed = exchange(nil)
      confirmed.answer = .response(HTTPResponse(status: 200))
      return confirmed
    case .intake(let source): return prepareDelivery(exchange(.intake(source)), for: source)
    case .handler(let handler, let runsInline): return prepareBody(of: exchange(.handler(handler, runsInline: runsInline)))
    }
  }

  /// Looks at what the headers tell before a large body is read.
  private func prepareDelivery(_ exchange: Exchange, for source: any EventSource) -> Exchange {
    let length = exchange.headers["Content-Length"].flatMap { Int($0) }
    // A small body is there as soon as its headers are: it is cheaper to look once.
    if let length, length <= Self.smallBody, exchange.headers["Content-Encoding"] == nil {
      exchange.isProved = hasProof(exchange.link, to: source)
      return prepareBody(of: exchange)
    }
    if !source.acceptsUnsigned {
      switch intake.judge(exchange.headers, for: source) {
      case .proved: exchange.isProved = true
      case .open: exchange.isProved = isProved(exchange, to: source)
      case .refused(let error):
        refuseUnauthenticated(exchange, error, source)
        return exchange
      }
    }
    return prepareBody(of: exchange)
  }

  private static let smallBody = 16 << 10

  private func prepareBody(of exchange: Exchange) -> Exchange {
    let coding = exchange.headers["Content-Encoding"]?.lowercased() ?? "identity"
    guard ["identity", "gzip", "x-gzip", ""].contains(coding) else {
      let detail = "the content coding \(coding.prefix(40)) is not understood, gzip is"
      exchange.refuse(.problem(415, detail, headers: ["Accept-Encoding": "gzip, identity"]))
      return exchange
    }
    do throws(RequestBody.Failure) {
      exchange.body = try RequestBody(
        limit: limits.bodyBytes, expected: exchange.headers["Content-Length"].flatMap { Int($0) },
        isCompressed: coding.hasSuffix("gzip"), isProved: exchange.isProved, budget: budget)
    } catch {
      exchange.refuse(answer(to: error))
    }
    return exchange
  }

  /// True when an answer must not wait for the body: nobody knows where it ends, the sender waits for permission to send
  /// it, or it is too long to be thrown away. The connection is closed then.
  func answersEarly(_ exchange: Exchange) -> Bool {
    let lengths = exchange.headers.fields.count { $0.name.utf8.count == 14 && $0.name.lowercased() == "content-length" }
    if let coding = exchange.headers["Transfer-Encoding"] {
      if lengths > 0 || coding.lowercased() != "chunked" {
        exchange.refuse(.problem(400, "Transfer-Encoding must be chunked, and without Content-Length"))
        return true
      }
    } else if lengths == 0 {
      return false
    } else if lengths > 1 {
      exchange.refuse(.problem(400, "several Content-Length headers"))
      return true
    }
    guard exchange.answer != nil else { return false }
    if exchange.headers["Expect"] != nil { return true }
    return exchange.headers["Content-Length"].flatMap { Int($0) } ?? 0 > drainLimit
  }

  /// A piece of the body is there. False closes the connection.
  func receive(_ piece: UnsafeBufferPointer<UInt8>, for exchange: Exchange) -> Bool {
    if exchange.answer != nil {
      exchange.drained += piece.count
      return exchange.drained <= drainLimit
    }
    do throws(RequestBody.Failure) {
      do throws(RequestBody.Failure) {
        try exchange.body?.append(piece)
      } catch {
        guard case .noMemory = error else { throw error }
        while makeRoom(for: exchange, bytes: piece.count) {
          do throws(RequestBody.Failure) {
            try exchange.body?.append(piece)
            return true
          } catch {
            guard case .noMemory = error else { throw error }
          }
        }
        throw error
      }
    } catch {
      exchange.refuse(answer(to: error))
    }
    return true
  }

  /// A request is complete: answers it, or lets it wait for the answer.
  func work(on exchange: Exchange) {
    if isClosing {
      // Nothing may be suspended any more: the library aborts when it is stopped with a suspended connection.
      exchange.answer = .response(unavailable("the server stops"))
      return
    }
    switch exchange.work {
    case .intake(let source): decide(on: exchange, for: source)
    case .handler(let handler, let runsInline):
      var body = exchange.body?.bytes ?? []
      if exchange.body?.isCompressed == true {
        do throws(RequestBody.Failure) {
          body = try inflater.contents(of: body, limit: min(limits.bodyBytes, limits.freelyInflatedBytes))
        } catch {
          exchange.refuse(answer(to: error))
          return
        }
      }
      let request = HTTPRequest(
        method: exchange.method, path: exchange.path, query: exchange.connection.queryItems, headers: exchange.headers,
        body: body)
      if runsInline {
        exchange.answer = .response(handler.respond(to: request))
      } else {
        delegate(request, to: handler, for: exchange)
      }
    case nil: exchange.answer = .response(.problem(500, "nothing was decided for this request"))
    }
  }

  private func decide(on exchange: Exchange, for source: any EventSource) {
    var bytes = exchange.body?.bytes ?? []
    if bytes.count > limits.inlineBodyBytes { return delegate(exchange, for: source) }
    if exchange.body?.isCompressed == true {
      do throws(RequestBody.Failure) {
        bytes = try inflater.contents(of: bytes, limit: min(limits.inlineBodyBytes, limits.bodyBytes))
      } catch {
        if case .tooLarge = error, limits.bodyBytes > limits.inlineBodyBytes { return delegate(exchange, for: source) }
        exchange.refuse(answer(to: error))
        return
      }
    }
    let decision = intake.decide(on: bytes, headers: exchange.headers, for: source)
    if let pending = note(decision, on: exchange, for: source) { batch.append(pending, token: suspend(exchange)) }
  }

  /// Hands a large body to a thread that may take long over it.
  private func delegate(_ exchange: Exchange, for source: any EventSource) {
    guard let body = exchange.body else { return }
    let token = suspend(exchange)
    let isTaken = bodyWorkers.submit(isProved: exchange.isProved, size: body.bytes.count) {
      [inbox, intake, limits, bytes = body.bytes, isCompressed = body.isCompressed, headers = exchange.headers] in
      let result = Result { () throws(RequestBody.Failure) in
        let inflated = isCompressed ? try Self.inflate(bytes, within: limits) : bytes
        return intake.decide(on: inflated, headers: headers, for: source)
      }
      inbox.post([.init(token: token, result: .read(result))])
    }
    if !isTaken {
      observer.limited(.bodyWorkers)
      settle(.init(token: token, result: .response(unavailable("more large deliveries wait than can be read"))))
    }
  }

  private static func inflate(_ bytes: [UInt8], within limits: HTTPLimits) throws(RequestBody.Failure) -> [UInt8] {
    guard let inflater = Inflater() else { throw .noMemory }
    let (dense, overflow) = bytes.count.multipliedReportingOverflow(by: limits.inflationRatio)
    let limit = overflow ? limits.bodyBytes : min(limits.bodyBytes, max(limits.freelyInflatedBytes, dense))
    do throws(RequestBody.Failure) {
      return try inflater.contents(of: bytes, limit: limit)
    } catch {
      if case .tooLarge = error, limit < limits.bodyBytes { throw .tooDense }
      throw error
    }
  }

  /// Counts what was found out, and says what is to be recorded. Without that the request has its answer.
  private func note(
    _ decision: WebhookIntake.Decision, on exchange: Exchange, for source: any EventSource
  ) -> PendingDelivery? {
    switch decision {
    case .unauthenticated(let error):
      refuseUnauthenticated(exchange, error, source)
      return nil
    case .pending(let pending, let answer, let unread):
      if !source.acceptsUnsigned { noteProof(of: exchange, to: source) }
      if case .unreadable(let error, _) = answer { observer.unreadable(error, from: source.name) }
      if let unread { observer.unreadValues(unread.count, paths: unread.paths, from: source.name) }
      exchange.answerWhenRecorded = answer
      exchange.unread = unread
      return pending
    }
  }

  private func refuseUnauthenticated(_ exchange: Exchange, _ error: AuthenticationError, _ source: any EventSource) {
    observer.unauthenticated(error, from: source.name)
    observer.delivery(.unauthenticated, from: source.name)
    exchange.refuse(unauthenticated)
  }

  private func delegate(_ request: HTTPRequest, to handler: any HTTPHandler, for exchange: Exchange) {
    let token = suspend(exchange)
    let isTaken = workers.submit(handler, request) { [inbox] response in
      inbox.post([.init(token: token, result: .response(response))])
    }
    if !isTaken {
      settle(.init(token: token, result: .response(unavailable("more requests for pages and API wait than can be answered"))))
    }
  }

  private func suspend(_ exchange: Exchange) -> CompletionInbox.Token {
    exchange.link.enter(.working, at: now)
    MHD_suspend_connection(exchange.connection)
    return waiting.add(exchange)
  }

  /// A waiting request has its answer.
  func settle(_ completion: CompletionInbox.Completion) {
    guard let exchange = waiting.remove(completion.token) else { return }
    switch completion.result {
    case .response(let response): exchange.answer = .response(response)
    case .recording(let outcome):
      let (answer, result) = answer(to: exchange, after: outcome)
      exchange.answer = answer
      if case .intake(let source) = exchange.work { observer.delivery(result, from: source.name) }
    case .read(.failure(let failure)): exchange.refuse(self.answer(to: failure))
    case .read(.success(let decision)):
      guard case .intake(let source) = exchange.work else { break }
      if let pending = note(decision, on: exchange, for: source) {
        // Waits on, for the log now.
        batch.append(pending, token: waiting.add(exchange))
        return
      }
    }
    exchange.link.listener.isDue = true
    MHD_resume_connection(exchange.connection)
  }

  private func answer(to exchange: Exchange, after outcome: RecordingOutcome) -> (Exchange.Answer, DeliveryResult) {
    switch (outcome, exchange.answerWhenRecorded) {
    case (.unavailable, _), (_, nil):
      (.response(unavailable("the delivery cannot be kept now, please send it again")), .refused)
    // Who sends something unreadable again is told again.
    case (_, .unreadable(let error, let status)?):
      (.response(unreadable(error, status: status, unread: exchange.unread)), outcome == .duplicate ? .duplicate : .unreadable)
    case (.duplicate, _?): (.delivery(.duplicate), .duplicate)
    case (.recorded, let answer?):
      (exchange.unread.map { .response(.delivery(answer.result, unread: $0)) } ?? .delivery(answer.result), answer.result)
    }
  }

  /// Queues the answer that was found.
  func queueAnswer(of exchange: Exchange) -> MHD_Result {
    guard var answer = exchange.answer else { return .NO }
    if case .response(let response) = answer, response.body.count > AnswerBudget.smallAnswer {
      exchange.answerShare = share(of: response.body)
      if exchange.answerShare == nil {
        observer.limited(.answerMemory)
        answer = .response(unavailable("more answers wait to be read than memory is kept for"))
      }
    }
    guard let status = writer.queue(answer, on: exchange.connection, closes: isStopping) else { return .NO }
    exchange.link.enter(.answering, at: now)
    observer.answered(status, on: exchange.routeClass)
    return .YES
  }

  /// The answer is sent, or the connection was lost.
  func end(_ exchange: Exchange) {
    exchange.body?.discard()
    exchange.body = nil
    if let share = exchange.answerShare { answers.release(share) }
    exchange.answerShare = nil
    exchange.link.exchange = nil
    exchange.link.enter(.idle, at: now)
  }

  // MARK: Answers

  private func answer(to failure: RequestBody.Failure) -> HTTPResponse {
    if case .tooDense = failure { observer.limited(.inflation) }
    return problem(of: failure)
  }

  private func problem(of failure: RequestBody.Failure) -> HTTPResponse {
    switch failure {
    case .tooLarge: .problem(413, "a body may have \(limits.bodyBytes) bytes after inflating")
    case .tooDense:
      .problem(
        413, "a compressed body may inflate to \(limits.inflationRatio) times its size beyond \(limits.freelyInflatedBytes) bytes"
      )
    case .noMemory: unavailable("too many large bodies are on their way")
    case .malformed: .problem(400, "the body is not the gzip that Content-Encoding announces")
    }
  }

  func unavailable(_ detail: String) -> HTTPResponse {
    .unavailable(detail, retryAfterSeconds: limits.retryAfterSeconds)
  }

  private func unreadable(_ error: PayloadError, status: Int, unread: UnreadValues?) -> HTTPResponse {
    if status >= 400 { return .problem(status, error.reason, path: error.path, unread: unread) }
    // A vendor that must not see an error gets the reason in plain words.
    return .text("unreadable: \(error)\(unread.map { "\n\($0.explanation)" } ?? "")", status: status)
  }
}

extension OpaquePointer {
  /// Of an `MHD_Connection`, in order.
  fileprivate var headers: HTTPHeaders {
    var fields: [HTTPHeaders.Field] = []
    fields.reserveCapacity(16)
    withUnsafeMutablePointer(to: &fields) { fields in
      vs_mhd_each_header(
        self,
        { context, _, name, nameSize, value, valueSize in
          guard let fields = context?.assumingMemoryBound(to: [HTTPHeaders.Field].self), let name else { return .YES }
          fields.pointee.append(HTTPHeaders.Field(name: text(name, nameSize), value: text(value, valueSize)))
          return .YES
        }, fields)
    }
    return HTTPHeaders(fields)
  }

  /// Of an `MHD_Connection`, decoded, in order.
  fileprivate var queryItems: [(name: String, value: String)] {
    var items: [(name: String, value: String)] = []
    withUnsafeMutablePointer(to: &items) { items in
      vs_mhd_each_query_item(
        self,
        { context, _, name, nameSize, value, valueSize in
          guard let items = context?.assumingMemoryBound(to: [(name: String, value: String)].self), let name else {
            return .YES
          }
          items.pointee.append((text(name, nameSize), text(value, valueSize)))
          return .YES
        }, items)
    }
    return items
  }
}

private func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
  let characters = UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
  return characters.withMemoryRebound(to: UInt8.self) { String(decoding: $0, as: UTF8.self) }
}
