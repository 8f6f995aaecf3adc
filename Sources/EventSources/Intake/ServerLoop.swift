import CMicrohttpd
import Synchronization
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The event loop on the server's thread.
///
/// Each turn waits for sockets and for results of other threads, serves the listeners, and passes the deliveries of the
/// turn to the recorder together.
final class ServerLoop {
  /// The state that the loop shares with other threads.
  final class Shared: Sendable {
    let inbox: CompletionInbox
    let connectionCount = Atomic(0)
    let isStopping = Atomic(false)

    init() throws(IntakeError) {
      inbox = try CompletionInbox()
    }
  }

  /// The deliveries of one turn, and the tokens of the requests that wait for them.
  struct Batch {
    private(set) var deliveries: [PendingDelivery] = []
    private(set) var tokens: [CompletionInbox.Token] = []

    mutating func append(_ delivery: PendingDelivery, token: CompletionInbox.Token) {
      deliveries.append(delivery)
      tokens.append(token)
    }
  }

  let limits: HTTPLimits
  let intake: WebhookIntake
  let observer: any IntakeObserver
  let workers: WorkerPool
  let bodyWorkers: BodyWorkers
  let budget: MemoryBudget
  let answers: AnswerBudget
  let inflater: Inflater
  var proved = ProvedSenders()
  let writer = AnswerWriter()
  let unauthenticated = HTTPResponse.problem(401, "the signature or token of the delivery is missing or wrong")
  var batch = Batch()
  var waiting = SuspendedRequests()
  private(set) var now = ContinuousClock.now
  private(set) var isStopping = false
  /// True during the last turn, in which no request may be suspended.
  private(set) var isClosing = false

  private let recorder: DeliveryRecorder
  private let shared: Shared
  private var listeners: [ListenerDaemon] = []
  private(set) var links: [ConnectionLink] = []
  private var openedCount: UInt64 = 0
  var connectionsByAddress: [SenderAddress: Int] = [:]
  private var lastSweep = ContinuousClock.now

  init(
    sockets: [(socket: ListeningSocket, table: RouteTable)], limits: HTTPLimits, intake: WebhookIntake,
    recorder: DeliveryRecorder, observer: any IntakeObserver, shared: Shared
  ) throws(IntakeError) {
    self.limits = limits
    self.intake = intake
    self.recorder = recorder
    self.observer = observer
    self.shared = shared
    // A single body of the largest allowed size must always fit.
    budget = MemoryBudget(
      max(limits.totalBodyBytes, limits.bodyBytes), unproved: max(limits.totalBodyBytes / 2, limits.bodyBytes))
    answers = AnswerBudget(limits.totalAnswerBytes)
    guard let inflater = Inflater() else { throw IntakeError("no memory for inflating") }
    self.inflater = inflater
    workers = try WorkerPool(workers: limits.workers, limit: limits.waitingForWorkers)
    do throws(IntakeError) {
      bodyWorkers = try BodyWorkers(threads: limits.bodyWorkers, limit: limits.waitingForBodyWorkers)
    } catch {
      workers.stop()
      throw error
    }
    do throws(IntakeError) {
      for (socket, table) in sockets {
        listeners.append(try ListenerDaemon(socket, table: table, loop: self, limits: limits))
      }
    } catch {
      for listener in listeners { listener.stop() }
      workers.stop()
      bodyWorkers.stop()
      throw error
    }
  }

  var inbox: CompletionInbox { shared.inbox }

  /// The bytes of a rejected body that are read and discarded, so that the sender gets to read the response.
  var drainLimit: Int { max(limits.bodyBytes, 1 << 20) * 2 }

  // MARK: Turns

  /// Serves until it is stopped, then lets requests in flight finish.
  func run() {
    while !shared.isStopping.load(ordering: .acquiring) { turn() }
    drain()
    for listener in listeners { listener.stop() }
    workers.stop()
    bodyWorkers.stop()
  }

  private var timeout: Int32 = 0

  private func turn() {
    var entries = [pollfd(fd: inbox.signal.descriptor, events: Int16(POLLIN), revents: 0)]
    for listener in listeners { entries.append(pollfd(fd: listener.epollDescriptor, events: Int16(POLLIN), revents: 0)) }
    poll(&entries, nfds_t(entries.count), timeout)
    now = .now
    if entries[0].revents != 0 { inbox.signal.wait() }
    for completion in inbox.takeAll() { complete(completion) }
    // Idle connections need a check from time to time, not at once.
    timeout = links.isEmpty && !isStopping ? -1 : sweepMilliseconds
    let isSweep = lastSweep.duration(to: now) >= .milliseconds(sweepMilliseconds)
    for (listener, entry) in zip(listeners, entries.dropFirst()) {
      guard entry.revents != 0 || listener.isDue || isSweep else { continue }
      let wait = listener.run()
      // The listener has used up its turns and has work left. No event signals data that has arrived already.
      if wait == 0 { listener.isDue = true }
      if wait >= 0 { timeout = timeout < 0 ? wait : min(timeout, wait) }
    }
    handOver()
    if isSweep { sweep() }
    if listeners.contains(where: \.isDue) { timeout = 0 }
  }

  /// Passes all deliveries of the turn to the recorder. Those that it does not accept are answered with 503.
  private func handOver() {
    if batch.deliveries.isEmpty { return }
    let tokens = batch.tokens
    let taken = recorder.submit(batch.deliveries) { [inbox] outcomes in
      inbox.post(zip(tokens, outcomes).map { .init(token: $0, result: .recording($1)) })
    }
    batch = Batch()
    for token in tokens.dropFirst(taken) { complete(.init(token: token, result: .recording(.unavailable))) }
  }

  // MARK: Connections

  func open(socket: Int32, address: SenderAddress?, of listener: ListenerDaemon) -> ConnectionLink {
    openedCount += 1
    let link = ConnectionLink(socket: socket, address: address, number: openedCount, listener: listener, now: now)
    link.index = links.count
    links.append(link)
    admit(link)
    shared.connectionCount.store(links.count, ordering: .relaxed)
    return link
  }

  func close(_ link: ConnectionLink) {
    leave(link)
    let last = links.removeLast()
    if last !== link {
      links[link.index] = last
      last.index = link.index
    }
    shared.connectionCount.store(links.count, ordering: .relaxed)
  }

  // MARK: Deadlines

  private var sweepMilliseconds: Int32 {
    Int32(clamping: max(10, min(1000, limits.request.nanoseconds / 4_000_000)))
  }

  /// Closes connections past their deadline. The time-out of libmicrohttpd restarts with every byte, so a slow sender
  /// evades it.
  private func sweep() {
    lastSweep = now
    for link in links {
      let age = link.since.duration(to: now)
      // With a reserve, the next connection makes room for itself.
      let isCrowded = limits.reservedConnections == 0 && link.listener.connectionCount >= limits.connections
      let isOver =
        switch link.phase {
        // The library closes silent connections, so one that is older sends its headers byte by byte. Without a reserve,
        // connections that wait for their next request make room for others.
        case .idle: age > limits.idle + limits.request || isCrowded && link.hasServed && age > .seconds(1)
        // The library uses edge-triggered events. It misses a close that arrives together with the last bytes.
        case .receiving: age > limits.request || link.isAbandoned
        case .working: false
        case .answering: age > answerDeadline(of: link)
        }
      if isOver {
        if link.phase == .answering, !link.isShed { observer.limited(.answerTime) }
        shutdown(link.socket, Int32(SHUT_RDWR))
      }
    }
  }

  // MARK: Stopping

  /// Lets requests in flight finish, for at most ``HTTPLimits/drain``. No connection is suspended when it returns.
  private func drain() {
    isStopping = true
    let start = ContinuousClock.now
    for listener in listeners { listener.stopAccepting() }
    handOver()
    // One more turn for data that has arrived but is not read yet.
    timeout = 0
    turn()
    while !links.isEmpty, start.duration(to: now) < limits.drain {
      for link in links where link.phase == .idle {
        // A new connection is probably about to send a request, so it gets a little more time.
        if link.hasServed || start.duration(to: now) > min(.milliseconds(250), limits.drain / 2) {
          shutdown(link.socket, Int32(SHUT_RDWR))
        }
      }
      timeout = timeout < 0 ? 20 : min(timeout, 20)
      turn()
    }
    isClosing = true
    for token in waiting.tokens { complete(.init(token: token, result: .response(unavailable("the server stops")))) }
    for listener in listeners { _ = listener.run() }
  }
}
