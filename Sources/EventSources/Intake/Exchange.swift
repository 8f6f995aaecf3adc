import CMicrohttpd
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A request and its answer. Belongs to the server's thread.
final class Exchange {
  /// What is to be done once the request is there.
  enum Work {
    case intake(any EventSource)
    case handler(any HTTPHandler, runsInline: Bool)
  }

  enum Answer {
    /// One of the frequent answers to deliveries.
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
  /// True when the sender has proved to be one of its source: by these headers, or lately.
  var isProved = false
  var body: RequestBody?
  /// What of the memory for answers it holds.
  var answerShare: AnswerBudget.Share?
  /// Bytes that came after the answer was clear.
  var drained = 0
  /// Set when nothing is left to be decided: queued as soon as the request is complete.
  var answer: Answer?
  /// The answer if the delivery is recorded.
  var answerWhenRecorded: DeliveryAnswer?
  /// What that answer tells beside it; nil where all of the delivery was read.
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

  /// Gives up the body for an answer that no longer depends on it.
  func refuse(_ response: HTTPResponse) {
    answer = .response(response)
    body?.discard()
    body = nil
  }
}

/// A connection, for the deadlines of its requests. Belongs to the server's thread.
final class ConnectionLink {
  enum Phase {
    /// No request, or one whose headers are not complete.
    case idle
    /// A request's body arrives.
    case receiving
    /// A request is being worked on; nobody is to blame but us.
    case working
    /// An answer goes out.
    case answering
  }

  let socket: Int32
  let address: SenderAddress?
  /// The request that is being dealt with.
  var exchange: Exchange?
  /// Tells which of two is older although one turn brought both.
  let number: UInt64
  /// True once it was chosen to be closed.
  var isShed = false
  /// Until when a source need not be noted again as one that the sender has proved itself to.
  var proof: (source: String, until: ContinuousClock.Instant)?
  unowned let listener: ListenerDaemon
  /// Position in the server's list.
  var index = 0
  private(set) var phase = Phase.idle
  private(set) var since: ContinuousClock.Instant
  /// True once a request was answered.
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

  /// True when the sender has closed its side and nothing is left to be read.
  var isAbandoned: Bool {
    var byte: UInt8 = 0
    return recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
  }
}

/// Requests that wait for another thread, by token.
struct WaitingRoom {
  private var slots: [(exchange: Exchange?, generation: UInt)] = []
  private var free: [Int] = []

  mutating func add(_ exchange: Exchange) -> CompletionInbox.Token {
    if let slot = free.popLast() {
      slots[slot].exchange = exchange
      return CompletionInbox.Token(slot: slot, generation: slots[slot].generation)
    }
    slots.append((exchange, 0))
    return CompletionInbox.Token(slot: slots.count - 1, generation: 0)
  }

  /// Nil when the request does not wait any more.
  mutating func remove(_ token: CompletionInbox.Token) -> Exchange? {
    guard slots[token.slot].generation == token.generation, let exchange = slots[token.slot].exchange else { return nil }
    slots[token.slot] = (nil, token.generation &+ 1)
    free.append(token.slot)
    return exchange
  }

  var tokens: [CompletionInbox.Token] {
    slots.indices.compactMap { slot in
      slots[slot].exchange.map { _ in CompletionInbox.Token(slot: slot, generation: slots[slot].generation) }
    }
  }
}
