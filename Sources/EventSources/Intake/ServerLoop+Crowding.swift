import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Frees connections and memory when they run short. The least useful ones go first.
extension ServerLoop {
  // MARK: Connections

  /// Counts a new connection, and closes another one if there are too many.
  func admit(_ link: ConnectionLink) {
    link.listener.connectionCount += 1
    if let address = countedAddress(of: link) {
      let count = connectionsByAddress[address, default: 0] + 1
      connectionsByAddress[address] = count
      if count > limits.connectionsPerAddress {
        observer.limited(.addressConnections)
        shed(leastUseful { $0 !== link && $0.address?.network == address } ?? link)
      }
    }
    if link.listener.connectionCount > limits.connections,
      let other = leastUseful({ $0 !== link && $0.listener === link.listener })
    {
      observer.limited(.connections)
      shed(other)
    }
  }

  /// Stops counting a connection that is closed or that the server is closing.
  func leave(_ link: ConnectionLink) {
    if link.isShed { return }
    link.listener.connectionCount -= 1
    guard let address = countedAddress(of: link), let count = connectionsByAddress[address] else { return }
    connectionsByAddress[address] = count > 1 ? count - 1 : nil
  }

  /// Returns the address that a connection counts towards; nil if many senders may share it.
  private func countedAddress(of link: ConnectionLink) -> SenderAddress? {
    guard let address = link.address, limits.countsLoopback || !address.isLoopback, !isTrustedProxy(address) else { return nil }
    return address.network
  }

  /// True if a request comes from this machine, and nothing says that a proxy has forwarded it.
  func isDirect(_ link: ConnectionLink, _ headers: HTTPHeaders) -> Bool {
    guard let address = link.address, address.isLoopback, !isTrustedProxy(address) else { return false }
    return Self.forwardingHeaders.allSatisfy { headers[$0] == nil }
  }

  private static let forwardingHeaders = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"]

  private func isTrustedProxy(_ address: SenderAddress) -> Bool {
    limits.trustedProxies.contains { $0.contains(address) }
  }

  /// True if so many connections are busy that the server answers only health checks.
  func isOverfull(_ listener: ListenerDaemon) -> Bool {
    listener.connectionCount > limits.connections + limits.reservedConnections / 2 && limits.reservedConnections > 0
  }

  private func shed(_ link: ConnectionLink) {
    leave(link)
    link.isShed = true
    // Run the listener soon, so that waiting connections are accepted without another event.
    link.listener.isDue = true
    shutdown(link.socket, Int32(SHUT_RDWR))
  }

  /// Returns the connection to close first; nil if all are useful.
  ///
  /// The order is: connections that never sent a request, idle ones, slow senders, slow readers. Within a kind, the
  /// oldest comes first.
  private func leastUseful(_ isCandidate: (ConnectionLink) -> Bool) -> ConnectionLink? {
    var found: (link: ConnectionLink, rank: Int)?
    for link in links where !link.isShed && isCandidate(link) {
      guard let rank = uselessness(of: link) else { continue }
      if let found, (found.rank, found.link.since, found.link.number) < (rank, link.since, link.number) { continue }
      found = (link, rank)
    }
    return found?.link
  }

  private func uselessness(of link: ConnectionLink) -> Int? {
    let age = link.since.duration(to: now)
    return switch link.phase {
    case .idle: link.hasServed ? (age > .seconds(1) ? 1 : nil) : 0
    case .receiving: age > .seconds(1) ? 2 : nil
    case .working: nil
    case .answering: age > Self.patience ? 3 : nil
    }
  }

  /// The time for which a client that reads a response is never closed to make room.
  private static let patience = Duration.seconds(5)

  // MARK: Bodies

  /// Rejects another request whose body is still arriving, to free its memory.
  ///
  /// Larger bodies give way to smaller ones, so that small senders are served however much others send. Bodies of
  /// unauthenticated senders give way to those of authenticated senders. Bodies of authenticated senders give way only to
  /// smaller ones of authenticated senders.
  ///
  /// - Parameter bytes: the bytes that `context` needs in addition.
  /// - Returns: false if no memory was freed.
  func makeRoom(for context: RequestContext, bytes: Int) -> Bool {
    let own = (context.body?.charged ?? 0) + bytes
    var found: (context: RequestContext, charged: Int)?
    for link in links {
      guard let other = link.context, other !== context, link.phase == .receiving, let charged = other.body?.charged,
        charged > 0
      else { continue }
      if other.isProved, !context.isProved { continue }
      guard charged > own || context.isProved && !other.isProved else { continue }
      if let found, (found.context.isProved ? 0 : 1, found.charged) >= (other.isProved ? 0 : 1, charged) { continue }
      found = (other, charged)
    }
    guard let found else {
      observer.limited(.bodyMemory)
      return false
    }
    observer.limited(.bodyMemory)
    found.context.reject(unavailable("too many large bodies are on their way"))
    return true
  }

  // MARK: Authenticated senders

  /// True if the sender recently authenticated to the source, from any connection.
  func isProved(_ context: RequestContext, to source: any EventSource) -> Bool {
    guard let address = address(of: context) else { return false }
    return proved.contains(.init(address: address, source: source.name), at: now)
  }

  /// True if this connection has authenticated to the source.
  func hasProof(_ link: ConnectionLink, to source: any EventSource) -> Bool {
    link.proof?.source == source.name
  }

  /// Remembers that a delivery was authentic.
  func noteProof(of context: RequestContext, to source: any EventSource) {
    if let proof = context.link.proof, proof.source == source.name, proof.until > now { return }
    context.link.proof = (source.name, now + .seconds(60))
    if let address = address(of: context) { proved.add(.init(address: address, source: source.name), at: now) }
  }

  /// Returns the sender's network address, taken from `X-Forwarded-For` if the peer is a trusted proxy.
  private func address(of context: RequestContext) -> SenderAddress? {
    guard let address = context.link.address else { return nil }
    let forwarded = { context.headers.fields.last { $0.name.lowercased() == "x-forwarded-for" }?.value }
    guard isTrustedProxy(address), let text = forwarded() else { return address.network }
    return address.sender(forwardedFor: text, trusting: limits.trustedProxies).network
  }

  // MARK: Responses

  /// Reserves memory for a response.
  ///
  /// If memory is short, closes the slowest reader and returns nil. The memory becomes free in one of the next turns.
  func share(of body: [UInt8]) -> AnswerBudget.Share? {
    if let share = answers.take(body) { return share }
    // Memory becomes free only once the connection is closed, in a later turn.
    let slowest = links.filter { !$0.isShed && $0.phase == .answering && $0.since.duration(to: now) > Self.patience }
      .min { $0.since < $1.since }
    if let slowest { shed(slowest) }
    return nil
  }

  /// Returns how long a client may take to read its response.
  func answerDeadline(of link: ConnectionLink) -> Duration {
    let bytes = link.context?.answerShare?.bytes ?? 0
    return min(limits.answer, .seconds(30 + bytes / (32 << 10)))
  }
}

/// The memory for responses that clients have not read yet. Use it only on the server's thread.
///
/// Responses that share the same bytes, because a handler returned one array to several clients, count once.
final class AnswerBudget {
  struct Share: Hashable {
    fileprivate let start: UnsafeRawPointer
    let bytes: Int
  }

  private var left: Int
  private var receivers: [Share: Int] = [:]

  /// Responses up to this size are not counted, because they fit into the socket buffer of the system.
  static let smallAnswer = 16 << 10

  init(_ bytes: Int) {
    left = bytes
  }

  /// Reserves memory for a body; nil if it is used up. A single response is always accepted, however large.
  func take(_ body: [UInt8]) -> Share? {
    // The response keeps the array alive at its address, so equal addresses mean the same bytes.
    guard let start = body.withUnsafeBytes({ $0.baseAddress }) else { return nil }
    let share = Share(start: start, bytes: body.count)
    if let count = receivers[share] {
      receivers[share] = count + 1
      return share
    }
    guard receivers.isEmpty || body.count <= left else { return nil }
    left -= body.count
    receivers[share] = 1
    return share
  }

  func release(_ share: Share) {
    guard let count = receivers[share] else { return }
    receivers[share] = count > 1 ? count - 1 : nil
    if count == 1 { left += share.bytes }
  }
}
