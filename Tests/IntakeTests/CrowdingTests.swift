import Dispatch
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

/// A thread-safe list that keeps the order of additions.
private final class Keeper: Sendable {
  private let state = Mutex<[Int]>([])

  var values: [Int] { state.withLock(\.self) }

  func add(_ value: Int) {
    state.withLock { $0.append(value) }
  }
}

/// Checks how much one sender can take from others, by what the server rejects and closes.
@Suite("Crowds")
struct CrowdingTests {
  private static let secret = "s3cret"

  private static func signed(limits: HTTPLimits = HTTPLimits()) -> TestServer.Setup {
    TestServer.Setup(routes: [.webhook(FakeSource(secret: secret))] + Route.health { nil }, limits: limits)
  }

  private static func signature(of body: [UInt8]) throws -> String {
    let code = try SystemMessageAuthenticator().authenticationCode(.sha256, of: body, key: Array(secret.utf8))
    return "X-Hub-Signature-256: sha256=" + Hex.text(of: code)
  }

  private static func post(
    _ body: [UInt8], signature: String?, isCompressed: Bool = false, to client: RawClient
  ) throws -> RawClient.Response {
    let sent = isCompressed ? gzip(body) : body
    let headers = (isCompressed ? ["Content-Encoding: gzip"] : []) + [signature].compactMap { $0 }
    try client.request("POST", "/fake", headers: headers + ["Content-Length: \(sent.count)"])
    try client.send(sent)
    return try client.response()
  }

  // MARK: Bodies

  @Test("a large body without a signature is refused before any of it is kept")
  func unsignedIsNotKept() throws {
    var limits = HTTPLimits()
    limits.bodyBytes = 100_000
    limits.totalBodyBytes = 100_000
    try TestServer.run(Self.signed(limits: limits)) { server in
      // Together these bodies are 40 times the limit.
      let floods = try (0..<50).map { _ in try server.client() }
      for flood in floods {
        try flood.request("POST", "/fake", headers: ["Content-Length: 90000"])
        try flood.send(String(repeating: "x", count: 80_000))
      }
      waitUntil { server.observer.heard.unauthenticated.count == floods.count }
      #expect(Set(server.observer.heard.unauthenticated) == [.missing])
      let body = [UInt8](repeating: UInt8(ascii: "y"), count: 90_000)
      #expect(try Self.post(body, signature: try Self.signature(of: body), to: try server.client()).status == 200)
      #expect(server.observer.heard.limits.isEmpty)
      try floods[0].send(String(repeating: "x", count: 10_000))
      #expect(try floods[0].response().status == 401)
    }
  }

  @Test("large bodies that arrive slowly give way to smaller ones")
  func slowBodiesGiveWay() throws {
    var limits = HTTPLimits()
    limits.bodyBytes = 100_000
    limits.totalBodyBytes = 200_000
    try TestServer.run(Self.signed(limits: limits)) { server in
      let wrong = try Self.signature(of: [])
      let floods = try (0..<10).map { _ in try server.client() }
      for flood in floods {
        try flood.request("POST", "/fake", headers: [wrong, "Content-Length: 90000"])
        try flood.send(String(repeating: "x", count: 80_000))
      }
      for size in [10, 5000, 20_000] {
        let body = [UInt8](repeating: UInt8(ascii: "y"), count: size)
        let response = try Self.post(body, signature: try Self.signature(of: body), to: try server.client())
        #expect(response.status == 200, "\(size) bytes: \(response.body)")
      }
      #expect(server.observer.heard.limits.contains(.bodyMemory))
    }
  }

  @Test("a part of the memory is kept for senders that have proved themselves")
  func keptShare() throws {
    let budget = MemoryBudget(100, unproved: 40)
    #expect(!budget.take(41, isProved: false))
    #expect(budget.take(40, isProved: false))
    #expect(!budget.take(1, isProved: false))
    #expect(budget.take(60, isProved: true))
    #expect(!budget.take(1, isProved: true))
    budget.release(40, isProved: false)
    #expect(budget.take(40, isProved: true))
    budget.release(40, isProved: true)
    #expect(budget.take(40, isProved: false))
  }

  @Test("large deliveries are read by threads of their own, compressed or not, signed or not")
  func largeBodies() throws {
    try TestServer.run(Self.signed()) { server in
      let client = try server.client()
      for size in [1000, 64 << 10, (64 << 10) + 1, 3_000_000] {
        var random = SeededRandom(seed: UInt64(size))
        let body = (0..<size).map { _ in UInt8.random(in: 97...122, using: &random) }
        for isCompressed in [false, true] {
          let right = try Self.signature(of: body)
          #expect(try Self.post(body, signature: right, isCompressed: isCompressed, to: client).body == "success")
          #expect(server.log.entries.last?.delivery.body == body)
          let wrong = try Self.signature(of: [])
          #expect(try Self.post(body, signature: wrong, isCompressed: isCompressed, to: client).status == 401)
        }
      }
    }
  }

  @Test("a body that inflates a thousandfold is refused, one of repetitive text is not")
  func inflationRatio() throws {
    try TestServer.run { server in
      let client = try server.client()
      func status(of body: [UInt8]) throws -> Int {
        try Self.post(body, signature: nil, isCompressed: true, to: client).status
      }
      #expect(try status(of: [UInt8](repeating: 120, count: 5_000_000)) == 413)
      #expect(server.observer.heard.limits == [.inflation])
      #expect(try status(of: [UInt8](repeating: 120, count: 1 << 20)) == 200)
      let text = (0..<200_000).map { "event \($0 % 977) of \($0 * 7 % 100_003), " }.joined()
      #expect(try status(of: Array(text.utf8)) == 200)
    }
  }

  @Test("more large bodies than can wait are refused with the time to come again")
  func bodyWorkersBusy() throws {
    let workers = try BodyWorkers(threads: 2, limit: 4)
    defer { workers.stop() }
    let gate = Gate()
    gate.shut()
    let order = Keeper()
    #expect(workers.submit(isProved: false, size: 1) { gate.pass() })
    waitUntil { gate.waitingCount == 1 }
    // Of unauthenticated bodies, one is processed at a time, and they may use half of the places in the queue.
    #expect(workers.submit(isProved: false, size: 3) { order.add(3) })
    #expect(workers.submit(isProved: false, size: 2) { order.add(2) })
    #expect(!workers.submit(isProved: false, size: 1) {})
    #expect(workers.submit(isProved: true, size: 100) { order.add(100) })
    waitUntil { order.values == [100] }
    gate.open()
    waitUntil { order.values == [100, 2, 3] }
  }

  // MARK: Connections

  @Test("silent connections make room for those that have something to say")
  func silentConnections() throws {
    var limits = HTTPLimits()
    limits.connections = 10
    limits.reservedConnections = 2
    try TestServer.run(Self.signed(limits: limits)) { server in
      let talking = try server.client()
      try talking.request("GET", "/healthz")
      #expect(try talking.response().status == 200)
      let silent = try (0..<30).map { _ in try server.client() }
      let other = try server.client()
      try other.request("GET", "/healthz")
      #expect(try other.response().status == 200)
      try talking.request("GET", "/healthz")
      #expect(try talking.response().status == 200)
      #expect(try silent[0].isClosed())
      #expect(server.observer.heard.limits.count { $0 == .connections } >= 20)
    }
  }

  @Test("when every connection is busy health is answered, and others are told to come again")
  func reserve() throws {
    var limits = HTTPLimits()
    limits.connections = 2
    limits.reservedConnections = 4
    let setup = TestServer.Setup(routes: [.webhook(FakeSource())] + Route.health { nil }, limits: limits)
    try TestServer.run(setup) { server in
      server.log.shut()
      let busy = try (1...4).map { count in
        let client = try server.client()
        try client.request("POST", "/fake", body: "hello")
        waitUntil { server.recorder.waitingCount == count }
        return client
      }
      let health = try server.client()
      try health.request("GET", "/healthz")
      #expect(try health.response().status == 200)
      let refused = try server.client()
      try refused.request("POST", "/fake", body: "hello")
      #expect(try refused.response().status == 503)
      server.log.open()
      for client in busy { #expect(try client.response().status == 200) }
    }
  }

  @Test("an address that opens too many connections loses the oldest that says nothing")
  func connectionsPerAddress() throws {
    var limits = HTTPLimits()
    limits.connectionsPerAddress = 3
    limits.countsLoopback = true
    try TestServer.run(Self.signed(limits: limits)) { server in
      let clients = try (0..<5).map { _ in try server.client() }
      #expect(try clients[0].isClosed())
      #expect(try clients[1].isClosed())
      for client in clients.dropFirst(2) {
        try client.request("GET", "/healthz")
        #expect(try client.response().status == 200)
      }
      #expect(server.observer.heard.limits == [.addressConnections, .addressConnections])
    }
  }

  @Test(
    "behind trusted proxies the last address that is none of them is the sender's",
    arguments: [
      ("203.0.113.5", "203.0.113.5"), ("1.2.3.4, 203.0.113.5", "203.0.113.5"), ("203.0.113.5, 10.9.9.9", "203.0.113.5"),
      ("203.0.113.5,10.9.9.9 , 10.1.1.1", "203.0.113.5"), ("unknown", "10.0.0.1"), ("203.0.113.5, unknown", "10.0.0.1"),
      ("10.2.2.2", "10.0.0.1"), ("", "10.0.0.1"), ("2001:db8::7", "2001:db8::7"),
    ])
  func forwarded(text: String, sender: String) throws {
    let proxy = try #require(SenderAddress("10.0.0.1"))
    let trusted = [try #require(AddressRange("10.0.0.0/8"))]
    #expect(proxy.sender(forwardedFor: text, trusting: trusted) == SenderAddress(sender))
  }

  @Test("an address is known by its network, and ranges of addresses by their beginning")
  func addresses() throws {
    let a = try #require(SenderAddress("2001:db8:1:2::7"))
    let b = try #require(SenderAddress("2001:db8:1:2:ffff::9"))
    #expect(a != b && a.network == b.network)
    #expect(SenderAddress("192.0.2.7")?.network != SenderAddress("192.0.2.8")?.network)
    #expect(SenderAddress("::ffff:192.0.2.7") == SenderAddress("192.0.2.7"))
    #expect(SenderAddress("127.3.2.1")?.isLoopback == true)
    #expect(SenderAddress("::1")?.isLoopback == true)
    #expect(SenderAddress("128.0.0.1")?.isLoopback == false)
    #expect(SenderAddress("localhost") == nil)
    for (range, inside, outside) in [
      ("10.0.0.0/8", "10.255.1.2", "11.0.0.1"), ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
      ("2001:db8::/32", "2001:db8:ff::1", "2001:db9::"),
      ("2001:db8::/72", "2001:db8::ff:0:1", "2001:db8:0:0:100::1"),
      ("::/0", "192.0.2.1", ""), ("0.0.0.0/0", "192.0.2.1", "2001:db8::1"),
    ] {
      let range = try #require(AddressRange(range))
      #expect(range.contains(try #require(SenderAddress(inside))))
      if let outside = SenderAddress(outside) { #expect(!range.contains(outside)) }
    }
    for text in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "", "/8", "2001:db8::/129", "10.0.0.0/", "10.0.0.0/8/9"] {
      #expect(AddressRange(text) == nil, "\(text)")
    }
  }

  @Test("who has proved itself is remembered for an hour, by source, and not without bound")
  func provedSenders() throws {
    var proved = ProvedSenders()
    let now = ContinuousClock.now
    let sender = ProvedSenders.Sender(address: try #require(SenderAddress("192.0.2.7")), source: "a")
    proved.add(sender, at: now)
    #expect(proved.contains(sender, at: now + .seconds(3599)))
    #expect(!proved.contains(sender, at: now + .seconds(3601)))
    #expect(!proved.contains(.init(address: sender.address, source: "b"), at: now))
    for index in 0..<10_000 { proved.add(.init(address: SenderAddress(v4: UInt32(index)), source: "a"), at: now) }
    #expect(proved.contains(.init(address: SenderAddress(v4: 9999), source: "a"), at: now))
  }

  // MARK: Answers

  @Test("answers that nobody reads are bounded, and the same answer counts once")
  func unreadAnswers() throws {
    // The answer is larger than what the kernel buffers for each connection.
    let page = [UInt8](repeating: UInt8(ascii: "x"), count: 20 << 20)
    var limits = HTTPLimits()
    limits.totalAnswerBytes = 50 << 20
    let routes: [Route] = [
      .handler(.exact("/same"), access: .open, as: .pages, HandlerFunction { _ in HTTPResponse(status: 200, body: page) }),
      .handler(
        .exact("/other"), access: .open, as: .pages,
        HandlerFunction { _ in HTTPResponse(status: 200, body: [UInt8](repeating: 121, count: page.count)) }),
    ]
    try TestServer.run(.init(routes: routes, limits: limits)) { server in
      let same = try (0..<20).map { _ in try server.client() }
      for client in same { try client.request("GET", "/same") }
      waitUntil { server.observer.heard.answers[.pages]?.count == 20 }
      #expect(server.observer.heard.limits.isEmpty)
      let others = try (0..<3).map { _ in try server.client() }
      for client in others { try client.request("GET", "/other") }
      waitUntil { server.observer.heard.answers[.pages]?.count == 23 }
      #expect(server.observer.heard.answers[.pages]?.count { $0 == 503 } == 2)
      #expect(server.observer.heard.limits == [.answerMemory, .answerMemory])
      for client in same { #expect(try client.response().body.utf8.count == page.count) }
    }
  }

  @Test("slow answers leave a thread to the others, and all of them come")
  func slowAnswers() throws {
    let (isBusy, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let slow = HandlerFunction { _ in
      isBusy.signal()
      goOn.wait()
      return .text("slow\n")
    }
    let routes: [Route] = [
      .handler(.exact("/slow"), access: .open, as: .api, execution: .slow, slow),
      .handler(.exact("/quick"), access: .open, as: .api, HandlerFunction { _ in .text("quick\n") }),
    ]
    try TestServer.run(.init(routes: routes)) { server in
      let waiting = try (0..<5).map { _ in try server.client() }
      for client in waiting { try client.request("GET", "/slow") }
      isBusy.wait()
      for _ in 0..<3 {
        let client = try server.client()
        try client.request("GET", "/quick")
        #expect(try client.response().status == 200)
      }
      for _ in waiting { goOn.signal() }
      for client in waiting { #expect(try client.response().status == 200) }
    }
  }

  @Test("the share of an answer comes back with its last receiver")
  func answerShares() throws {
    let budget = AnswerBudget(100)
    let (a, b) = ([UInt8](repeating: 1, count: 60), [UInt8](repeating: 1, count: 60))
    let first = try #require(budget.take(a))
    let second = try #require(budget.take(a))
    #expect(budget.take(b) == nil)
    budget.release(first)
    #expect(budget.take(b) == nil)
    budget.release(second)
    #expect(budget.take(b) != nil)
    // One answer is always allowed, whatever its size.
    #expect(AnswerBudget(10).take(a) != nil)
  }
}
