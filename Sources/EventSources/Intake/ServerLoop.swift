import CMicrohttpd
import Synchronization
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The server's thread: waits for sockets and for other threads, collects the deliveries of a turn, hands them over together.
final class ServerLoop {
  /// What the loop shares with other threads.
  final class Shared: Sendable {
    let inbox: CompletionInbox
    let connectionCount = Atomic(0)
    let isStopping = Atomic(false)

    init() throws(IntakeError) {
      inbox = try CompletionInbox()
    }
  }

  /// Deliveries of one turn, and who waits for them.
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
  var waiting = WaitingRoom()
  private(set) var now = ContinuousClock.now
  private(set) var isStopping = false
  /// True for the last turn of all.
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
    // One body of the greatest size must fit.
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

  /// Bytes that are read and thrown away so that a refused sender gets to read the answer.
  var drainLimit: Int { max(limits.bodyBytes, 1 << 20) * 2 }

  // MARK: Turns

  /// Serves until told to stop, then lets requests in flight end.
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
    for completion in inbox.takeAll() { settle(completion) }
    // Connections without a request need a look from time to time, not at once.
    timeout = links.isEmpty && !isStopping ? -1 : sweepMilliseconds
    let isSweep = lastSweep.duration(to: now) >= .milliseconds(sweepMilliseconds)
    for (listener, entry) in zip(listeners, entries.dropFirst()) {
      guard entry.revents != 0 || listener.isDue || isSweep else { continue }
      let wait = listener.run()
      // It has read what its turns allow and is not done; no event tells that the rest is there already.
      if wait == 0 { listener.isDue = true }
      if wait >= 0 { timeout = timeout < 0 ? wait : min(timeout, wait) }
    }
    handOver()
    if isSweep { sweep() }
    if listeners.contains(where: \.isDue) { timeout = 0 }
  }

  /// Everything that a turn brought goes to the log together.
  private func handOver() {
    if batch.deliveries.isEmpty { return }
    let tokens = batch.tokens
    let taken = recorder.submit(batch.deliveries) { [inbox] outcomes in
      inbox.post(zip(tokens, outcomes).map { .init(token: $0, result: .recording($1)) })
    }
    batch = Batch()
    for token in tokens.dropFirst(taken) { settle(.init(token: token, result: .recording(.unavailable))) }
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

  /// Shuts connections that take too long. The library's own time-out counts from the last byte, however few there are.
  private func sweep() {
    lastSweep = now
    for link in links {
      let age = link.since.duration(to: now)
      // With a reserve the next connection makes room for itself.
      let isCrowded = limits.reservedConnections == 0 && link.listener.connectionCount >= limits.connections
      let isOver =
        switch link.phase {
        // A silent connection is closed by the library; one that is here longer sends headers in drops. Those that have
        // nothing to say make room for others.
        case .idle: age > limits.idle + limits.request || isCrowded && link.hasServed && age > .seconds(1)
        // The library waits for an edge, and misses the end of a connection that came together with its last bytes.
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

  /// Lets requests in flight be answered, within bounds. No suspended connection is left when it returns.
  private func drain() {
    isStopping = true
    let start = ContinuousClock.now
    for listener in listeners { listener.stopAccepting() }
    handOver()
    // One more turn, for what has arrived but was not read.
    timeout = 0
    turn()
    while !links.isEmpty, start.duration(to: now) < limits.drain {
      for link in links where link.phase == .idle {
        // Who has just connected is about to send something.
        if link.hasServed || start.duration(to: now) > min(.milliseconds(250), limits.drain / 2) {
          shutdown(link.socket, Int32(SHUT_RDWR))
        }
      }
      timeout = timeout < 0 ? 20 : min(timeout, 20)
      turn()
    }
    isClosing = true
    for token in waiting.tokens { settle(.init(token: token, result: .response(unavailable("the server stops")))) }
    for listener in listeners { _ = listener.run() }
  }
}
