import CMicrohttpd
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The state of one request, from its headers to its response. Use it only on the server's thread.
final class RequestContext {
  /// What the server does once the request is complete.
  enum Work {
    case intake(any EventSource)
    case handler(any HTTPHandler, execution: Route.Execution)
  }

  enum Answer {
    /// A frequent response to a delivery, which ``AnswerWriter`` has prepared.
    case delivery(DeliveryResult)
    case response(HTTPResponse)
  }

  let connection: OpaquePointer
  let link: ConnectionLink
  let method: String
  let path: String
  let headers: HTTPHeaders
  let routeClass: RouteClass
  let work: Work?
  /// True if the sender is authenticated, by these headers or by a recent delivery.
  var isProved = false
  var body: RequestBody?
  /// The share of the memory for responses that this request holds.
  var answerShare: AnswerBudget.Share?
  /// The number of body bytes received after the response was decided. They are discarded.
  var drained = 0
  /// The decided response; it is queued once the request is complete.
  var answer: Answer?
  /// The response to send once the delivery is recorded.
  var answerWhenRecorded: DeliveryAnswer?
  /// Values that could not be read, reported with that response; nil if everything was read.
  var unread: UnreadValues?

  init(
    connection: OpaquePointer, link: ConnectionLink, method: String, path: String, headers: HTTPHeaders,
    routeClass: RouteClass, work: Work?
  ) {
    self.connection = connection
    self.link = link
    self.method = method
    self.path = path
    self.headers = headers
    self.routeClass = routeClass
    self.work = work
  }

  /// Sets a response that does not depend on the body, and discards the body.
  func reject(_ response: HTTPResponse) {
    answer = .response(response)
    body?.discard()
    body = nil
  }
}

/// A connection and the phase of its current request, for deadlines. Use it only on the server's thread.
final class ConnectionLink {
  /// The phases of a connection. They follow in this order, then start again; a request without a suspension skips
  /// ``working``.
  enum Phase {
    /// No request, or one whose headers are incomplete.
    case idle
    /// The body of a request arrives.
    case receiving
    /// The server works on a request. The sender is not to blame for the time, so no deadline applies.
    case working
    /// A response is being sent.
    case answering
  }

  let socket: Int32
  let address: SenderAddress?
  /// The current request.
  var context: RequestContext?
  /// Increases with each connection, to order connections that opened in the same turn.
  let number: UInt64
  /// True once the server has chosen to close the connection.
  var isShed = false
  /// The source to which this connection has authenticated, and until when the server need not note that again.
  var proof: (source: String, until: ContinuousClock.Instant)?
  unowned let listener: ListenerDaemon
  /// The position in the server's list of connections.
  var index = 0
  private(set) var phase = Phase.idle
  private(set) var since: ContinuousClock.Instant
  /// True once the connection has completed a request.
  private(set) var hasServed = false

  init(socket: Int32, address: SenderAddress?, number: UInt64, listener: ListenerDaemon, now: ContinuousClock.Instant) {
    self.socket = socket
    self.address = address
    self.number = number
    self.listener = listener
    since = now
  }

  func enter(_ phase: Phase, at now: ContinuousClock.Instant) {
    if phase == .idle { hasServed = true }
    self.phase = phase
    since = now
  }

  /// True if the sender has closed its side and no unread bytes are left.
  var isAbandoned: Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
  }
}

/// Requests suspended until another thread finishes work for them, by token.
struct SuspendedRequests {
  private var slots: [(context: RequestContext?, generation: UInt)] = []
  private var free: [Int] = []

  mutating func add(_ context: RequestContext) -> CompletionInbox.Token {
    if let slot = free.popLast() {
      slots[slot].context = context
      return CompletionInbox.Token(slot: slot, generation: slots[slot].generation)
    }
    slots.append((context, 0))
    return CompletionInbox.Token(slot: slots.count - 1, generation: 0)
  }

  /// Removes and returns a request; nil if it is no longer suspended.
  mutating func remove(_ token: CompletionInbox.Token) -> RequestContext? {
    guard slots[token.slot].generation == token.generation, let context = slots[token.slot].context else { return nil }
    slots[token.slot] = (nil, token.generation &+ 1)
    free.append(token.slot)
    return context
  }

  var tokens: [CompletionInbox.Token] {
    slots.indices.compactMap { slot in
      slots[slot].context.map { _ in CompletionInbox.Token(slot: slot, generation: slots[slot].generation) }
    }
  }
}
