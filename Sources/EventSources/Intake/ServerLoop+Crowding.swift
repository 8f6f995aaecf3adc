import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is done when connections or memory run short: whoever is of least use gives way.
extension ServerLoop {
  // MARK: Connections

  /// Makes room for a connection where there are too many.
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

  /// A connection is closed, or about to be.
  func leave(_ link: ConnectionLink) {
    if link.isShed { return }
    link.listener.connectionCount -= 1
    guard let address = countedAddress(of: link), let count = connectionsByAddress[address] else { return }
    connectionsByAddress[address] = count > 1 ? count - 1 : nil
  }

  /// The address that a connection counts for; nil where many senders may stand behind it.
  private func countedAddress(of link: ConnectionLink) -> SenderAddress? {
    guard let address = link.address, limits.countsLoopback || !address.isLoopback, !isTrustedProxy(address) else { return nil }
    return address.network
  }

  private func isTrustedProxy(_ address: SenderAddress) -> Bool {
    limits.trustedProxies.contains { $0.contains(address) }
  }

  /// True when so many connections are busy that what is left is kept for health.
  func isOverfull(_ listener: ListenerDaemon) -> Bool {
    listener.connectionCount > limits.connections + limits.reservedConnections / 2 && limits.reservedConnections > 0
  }

  private func shed(_ link: ConnectionLink) {
    leave(link)
    link.isShed = true
    // What waits to be accepted need not wait for another event.
    link.listener.isDue = true
    shutdown(link.socket, Int32(SHUT_RDWR))
  }

  /// Those that never sent a request first, then those that have nothing to say at the moment, then slow senders, then slow
  /// receivers; of the same kind the oldest. Nil when all of them are of use.
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

  /// How long a receiver is left in peace however crowded it is.
  private static let patience = Duration.seconds(5)

  // MARK: Bodies

  /// Takes the memory of a body that arrives away from it, for another one.
  ///
  /// Larger ones give way to smaller ones, so that those who send little are served however many send much; and all give way
  /// to senders that have proved themselves, who give way to nobody else.
  ///
  /// - Returns: false when no memory was gained.
  func makeRoom(for exchange: Exchange, bytes: Int) -> Bool {
    let own = (exchange.body?.charged ?? 0) + bytes
    var found: (exchange: Exchange, charged: Int)?
    for link in links {
      guard let other = link.exchange, other !== exchange, link.phase == .receiving, let charged = other.body?.charged,
        charged > 0
      else { continue }
      if other.isProved, !exchange.isProved { continue }
      guard charged > own || exchange.isProved && !other.isProved else { continue }
      if let found, (found.exchange.isProved ? 0 : 1, found.charged) >= (other.isProved ? 0 : 1, charged) { continue }
      found = (other, charged)
    }
    guard let found else {
      observer.limited(.bodyMemory)
      return false
    }
    observer.limited(.bodyMemory)
    found.exchange.refuse(unavailable("too many large bodies are on their way"))
    return true
  }

  // MARK: Proofs

  /// True when the sender has shown lately that it is one of the source.
  func isProved(_ exchange: Exchange, to source: any EventSource) -> Bool {
    guard let address = address(of: exchange) else { return false }
    return proved.contains(.init(address: address, source: source.name), at: now)
  }

  /// True when this connection has shown so.
  func hasProof(_ link: ConnectionLink, to source: any EventSource) -> Bool {
    link.proof?.source == source.name
  }

  /// A delivery was believed.
  func noteProof(of exchange: Exchange, to source: any EventSource) {
    if let proof = exchange.link.proof, proof.source == source.name, proof.until > now { return }
    exchange.link.proof = (source.name, now + .seconds(60))
    if let address = address(of: exchange) { proved.add(.init(address: address, source: source.name), at: now) }
  }

  /// Who sent a request, as far as proxies that are trusted tell.
  private func address(of exchange: Exchange) -> SenderAddress? {
    guard let address = exchange.link.address else { return nil }
    let forwarded = { exchange.headers.fields.last { $0.name.lowercased() == "x-forwarded-for" }?.value }
    guard isTrustedProxy(address), let text = forwarded() else { return address.network }
    return address.sender(forwardedFor: text, trusting: limits.trustedProxies).network
  }

  // MARK: Answers

  /// Memory for an answer, if need be that of the slowest receiver; nil where there is none.
  func share(of body: [UInt8]) -> AnswerBudget.Share? {
    if let share = answers.take(body) { return share }
    // Closing gives memory back in the turns to come.
    let slowest = links.filter { !$0.isShed && $0.phase == .answering && $0.since.duration(to: now) > Self.patience }
      .min { $0.since < $1.since }
    if let slowest { shed(slowest) }
    return nil
  }

  /// How long the receiver of an answer may take.
  func answerDeadline(of link: ConnectionLink) -> Duration {
    let bytes = link.exchange?.answerShare?.bytes ?? 0
    return min(limits.answer, .seconds(30 + bytes / (32 << 10)))
  }
}

/// Bytes of answers that are not read yet. Belongs to the server's thread.
///
/// Answers with the same bytes, which a handler gave out to several receivers, count once.
final class AnswerBudget {
  struct Share: Hashable {
    fileprivate let start: UnsafeRawPointer
    let bytes: Int
  }

  private var left: Int
  private var receivers: [Share: Int] = [:]

  /// Shorter ones fit what the system keeps for a connection, and are not counted.
  static let smallAnswer = 16 << 10

  init(_ bytes: Int) {
    left = bytes
  }

  /// One answer may always be, however long.
  func take(_ body: [UInt8]) -> Share? {
    // The answer keeps the bytes alive, and with them their place, which tells whether they are the same.
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
