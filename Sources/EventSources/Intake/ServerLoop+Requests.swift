import CMicrohttpd
import ValueStreamCore

/// Processes a request from its headers to its response.
extension ServerLoop {
  /// Starts a request whose headers have arrived. Sets the response at once if it does not depend on the body.
  func begin(
    _ connection: OpaquePointer, _ link: ConnectionLink, method: String, path: String
  ) -> RequestContext {
    link.enter(.receiving, at: now)
    let headers = connection.headers
    let (decision, routeClass) = link.listener.table.decide(
      method: method, path: path, headers: headers, isDirect: isDirect(link, headers))
    func context(_ work: RequestContext.Work?) -> RequestContext {
      let context = RequestContext(
        connection: connection, link: link, method: method, path: path, headers: headers, routeClass: routeClass, work: work)
      link.context = context
      return context
    }
    if isOverfull(link.listener), routeClass != .health {
      let refused = context(nil)
      observer.limited(.connections)
      refused.reject(unavailable("too many connections"))
      return refused
    }
    switch decision {
    case .reject(let response):
      let refused = context(nil)
      refused.reject(response)
      return refused
    case .confirm:
      let confirmed = context(nil)
      confirmed.answer = .response(HTTPResponse(status: 200))
      return confirmed
    case .intake(let source): return prepareDelivery(context(.intake(source)), for: source)
    case .handler(let handler, let execution): return prepareBody(of: context(.handler(handler, execution: execution)))
    }
  }

  /// Authenticates by the headers before a large body is read.
  private func prepareDelivery(_ context: RequestContext, for source: any EventSource) -> RequestContext {
    let length = context.headers["Content-Length"].flatMap { Int($0) }
    // A small body arrives together with its headers, so authenticating once is cheaper.
    if let length, length <= Self.smallBody, context.headers["Content-Encoding"] == nil {
      context.isProved = hasProof(context.link, to: source)
      return prepareBody(of: context)
    }
    if !source.acceptsUnsigned {
      switch intake.judge(context.headers, for: source) {
      case .proved: context.isProved = true
      case .open: context.isProved = isProved(context, to: source)
      case .refused(let error):
        rejectUnauthenticated(context, error, source)
        return context
      }
    }
    return prepareBody(of: context)
  }

  private static let smallBody = 16 << 10

  private func prepareBody(of context: RequestContext) -> RequestContext {
    let coding = context.headers["Content-Encoding"]?.lowercased() ?? "identity"
    guard ["identity", "gzip", "x-gzip", ""].contains(coding) else {
      let detail = "the content coding \(coding.prefix(40)) is not understood, gzip is"
      context.reject(.problem(415, detail, headers: ["Accept-Encoding": "gzip, identity"]))
      return context
    }
    do throws(RequestBody.Failure) {
      context.body = try RequestBody(
        limit: limits.bodyBytes, expected: context.headers["Content-Length"].flatMap { Int($0) },
        isCompressed: coding.hasSuffix("gzip"), isProved: context.isProved, budget: budget)
    } catch {
      context.reject(answer(to: error))
    }
    return context
  }

  /// True if the response must go out before the body arrives. The connection closes after it.
  ///
  /// That is so if the length of the body is ambiguous, if the sender waits for `100 Continue`, or if the body is too
  /// long to read and discard.
  func answersEarly(_ context: RequestContext) -> Bool {
    let lengths = context.headers.fields.count { $0.name.utf8.count == 14 && $0.name.lowercased() == "content-length" }
    if let coding = context.headers["Transfer-Encoding"] {
      if lengths > 0 || coding.lowercased() != "chunked" {
        context.reject(.problem(400, "Transfer-Encoding must be chunked, and without Content-Length"))
        return true
      }
    } else if lengths == 0 {
      return false
    } else if lengths > 1 {
      context.reject(.problem(400, "several Content-Length headers"))
      return true
    }
    guard context.answer != nil else { return false }
    if context.headers["Expect"] != nil { return true }
    return context.headers["Content-Length"].flatMap { Int($0) } ?? 0 > drainLimit
  }

  /// Takes a piece of the body. False closes the connection.
  func receive(_ piece: UnsafeBufferPointer<UInt8>, for context: RequestContext) -> Bool {
    if context.answer != nil {
      context.drained += piece.count
      return context.drained <= drainLimit
    }
    do throws(RequestBody.Failure) {
      do throws(RequestBody.Failure) {
        try context.body?.append(piece)
      } catch {
        guard case .noMemory = error else { throw error }
        while makeRoom(for: context, bytes: piece.count) {
          do throws(RequestBody.Failure) {
            try context.body?.append(piece)
            return true
          } catch {
            guard case .noMemory = error else { throw error }
          }
        }
        throw error
      }
    } catch {
      context.reject(answer(to: error))
    }
    return true
  }

  /// Processes a complete request: answers it, or suspends it until the response is ready.
  func work(on context: RequestContext) {
    if isClosing {
      // No request may be suspended now: libmicrohttpd aborts if it is stopped with a suspended connection.
      context.answer = .response(unavailable("the server stops"))
      return
    }
    switch context.work {
    case .intake(let source): decide(on: context, for: source)
    case .handler(let handler, let execution):
      var body = context.body?.bytes ?? []
      if context.body?.isCompressed == true {
        do throws(RequestBody.Failure) {
          body = try inflater.contents(of: body, limit: min(limits.bodyBytes, limits.freelyInflatedBytes))
        } catch {
          context.reject(answer(to: error))
          return
        }
      }
      let request = HTTPRequest(
        method: context.method, path: context.path, query: context.connection.queryItems, headers: context.headers,
        body: body)
      if execution == .inline {
        context.answer = .response(handler.respond(to: request))
      } else {
        delegate(request, to: handler, isSlow: execution == .slow, for: context)
      }
    case nil: context.answer = .response(.problem(500, "nothing was decided for this request"))
    }
  }

  private func decide(on context: RequestContext, for source: any EventSource) {
    var bytes = context.body?.bytes ?? []
    if bytes.count > limits.inlineBodyBytes { return delegate(context, for: source) }
    if context.body?.isCompressed == true {
      do throws(RequestBody.Failure) {
        bytes = try inflater.contents(of: bytes, limit: min(limits.inlineBodyBytes, limits.bodyBytes))
      } catch {
        if case .tooLarge = error, limits.bodyBytes > limits.inlineBodyBytes { return delegate(context, for: source) }
        context.reject(answer(to: error))
        return
      }
    }
    let decision = intake.decide(on: bytes, headers: context.headers, for: source)
    if let pending = note(decision, on: context, for: source) { batch.append(pending, token: suspend(context)) }
  }

  /// Passes a large body to a worker thread, and suspends the request.
  private func delegate(_ context: RequestContext, for source: any EventSource) {
    guard let body = context.body else { return }
    let token = suspend(context)
    let isTaken = bodyWorkers.submit(isProved: context.isProved, size: body.bytes.count) {
      [inbox, intake, limits, bytes = body.bytes, isCompressed = body.isCompressed, headers = context.headers] in
      let result = Result { () throws(RequestBody.Failure) in
        let inflated = isCompressed ? try Self.inflate(bytes, within: limits) : bytes
        return intake.decide(on: inflated, headers: headers, for: source)
      }
      inbox.post([.init(token: token, result: .read(result))])
    }
    if !isTaken {
      observer.limited(.bodyWorkers)
      complete(.init(token: token, result: .response(unavailable("more large deliveries wait than can be read"))))
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

  /// Reports the outcome to the observer, and returns the delivery to record. If it returns nil, the request has its
  /// response.
  private func note(
    _ decision: WebhookIntake.Decision, on context: RequestContext, for source: any EventSource
  ) -> PendingDelivery? {
    switch decision {
    case .unauthenticated(let error):
      rejectUnauthenticated(context, error, source)
      return nil
    case .pending(let pending, let answer, let unread):
      if !source.acceptsUnsigned { noteProof(of: context, to: source) }
      if case .unreadable(let error, _) = answer { observer.unreadable(error, from: source.name) }
      if let unread { observer.unreadValues(unread.count, paths: unread.paths, from: source.name) }
      context.answerWhenRecorded = answer
      context.unread = unread
      return pending
    }
  }

  private func rejectUnauthenticated(_ context: RequestContext, _ error: AuthenticationError, _ source: any EventSource) {
    observer.unauthenticated(error, from: source.name)
    observer.delivery(.unauthenticated, from: source.name)
    context.reject(unauthenticated)
  }

  private func delegate(_ request: HTTPRequest, to handler: any HTTPHandler, isSlow: Bool, for context: RequestContext) {
    let token = suspend(context)
    let isTaken = workers.submit(handler, request, isSlow: isSlow) { [inbox] response in
      inbox.post([.init(token: token, result: .response(response))])
    }
    if !isTaken {
      complete(.init(token: token, result: .response(unavailable("more requests for pages and API wait than can be answered"))))
    }
  }

  private func suspend(_ context: RequestContext) -> CompletionInbox.Token {
    context.link.enter(.working, at: now)
    MHD_suspend_connection(context.connection)
    return waiting.add(context)
  }

  /// Applies a result to a suspended request, and resumes it unless it must wait for the log.
  func complete(_ completion: CompletionInbox.Completion) {
    guard let context = waiting.remove(completion.token) else { return }
    switch completion.result {
    case .response(let response): context.answer = .response(response)
    case .recording(let outcome):
      let (answer, result) = answer(to: context, after: outcome)
      context.answer = answer
      if case .intake(let source) = context.work {
        observer.delivery(result, from: source.name)
        if source.route.hasPrefix(ImportSignature.routePrefix) { observer.imported(from: source.name) }
      }
    case .read(.failure(let failure)): context.reject(self.answer(to: failure))
    case .read(.success(let decision)):
      guard case .intake(let source) = context.work else { break }
      if let pending = note(decision, on: context, for: source) {
        // The request stays suspended until the log has the delivery.
        batch.append(pending, token: waiting.add(context))
        return
      }
    }
    context.link.listener.isDue = true
    MHD_resume_connection(context.connection)
  }

  private func answer(to context: RequestContext, after outcome: RecordingOutcome) -> (RequestContext.Answer, DeliveryResult) {
    switch (outcome, context.answerWhenRecorded) {
    case (.unavailable, _), (_, nil):
      (.response(unavailable("the delivery cannot be kept now, please send it again")), .refused)
    // A repeated unreadable delivery gets the same error again.
    case (_, .unreadable(let error, let status)?):
      (.response(unreadable(error, status: status, unread: context.unread)), outcome == .duplicate ? .duplicate : .unreadable)
    case (.duplicate, _?): (.delivery(.duplicate), .duplicate)
    case (.recorded, let answer?):
      (context.unread.map { .response(.delivery(answer.result, unread: $0)) } ?? .delivery(answer.result), answer.result)
    }
  }

  /// Queues the response of a request.
  func queueAnswer(of context: RequestContext) -> MHD_Result {
    guard var answer = context.answer else { return .NO }
    if case .response(let response) = answer, response.body.count > AnswerBudget.smallAnswer {
      context.answerShare = share(of: response.body)
      if context.answerShare == nil {
        observer.limited(.answerMemory)
        answer = .response(unavailable("more answers wait to be read than memory is kept for"))
      }
    }
    guard let status = writer.queue(answer, on: context.connection, closes: isStopping) else { return .NO }
    context.link.enter(.answering, at: now)
    observer.answered(status, on: context.routeClass)
    return .YES
  }

  /// Frees the resources of a request after its response is sent or the connection is lost.
  func end(_ context: RequestContext) {
    context.body?.discard()
    context.body = nil
    if let share = context.answerShare { answers.release(share) }
    context.answerShare = nil
    context.link.context = nil
    context.link.enter(.idle, at: now)
  }

  // MARK: Responses

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
    // A vendor that must not see an error status gets the reason as text.
    return .text("unreadable: \(error)\(unread.map { "\n\($0.explanation)" } ?? "")", status: status)
  }
}

extension OpaquePointer {
  /// The headers of an `MHD_Connection`, in order.
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

  /// The decoded query items of an `MHD_Connection`, in order.
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
