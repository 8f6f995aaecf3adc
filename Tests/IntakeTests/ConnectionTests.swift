import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Connections")
struct ConnectionTests {
  @Test("who sends in drops is cut off, with a body as well as with headers, while others are served")
  func slowSender() throws {
    var setup = TestServer.Setup()
    setup.limits.request = .milliseconds(100)
    setup.limits.idle = .seconds(1)
    try TestServer.run(setup) { (server) throws in
      let slowBody = try server.client()
      try slowBody.request("POST", "/fake", headers: ["Content-Length: 1000000"])
      let slowHeaders = try server.client()
      try slowHeaders.send("POST /fake HTTP/1.1\r\n")
      for (client, drop) in [(slowBody, "x"), (slowHeaders, "A: b\r\n")] {
        // Data arrives often enough that the idle time-out of the library never applies.
        #expect(throws: RawClient.Failure.self) {
          while true {
            try client.send(drop)
            if client.hasInput, try client.isClosed() { throw RawClient.Failure(reason: "closed") }
          }
        }
      }
      let client = try server.client()
      try client.request("POST", "/fake", body: "hello")
      #expect(try client.response().status == 200)
    }
  }

  @Test("a connection without a word is closed")
  func silent() throws {
    var setup = TestServer.Setup()
    setup.limits.idle = .seconds(1)
    try TestServer.run(setup) { (server) throws in
      #expect(try server.client().isClosed())
    }
  }

  @Test("a request that waits for the log is not cut off by the sender's deadlines")
  func waitingIsNotSlow() throws {
    var setup = TestServer.Setup()
    setup.limits.request = .milliseconds(50)
    setup.limits.idle = .seconds(1)
    try TestServer.run(setup) { (server) throws in
      server.log.shut()
      let client = try server.client()
      try client.request("POST", "/fake", body: "hello")
      waitUntil { server.log.appendSizes == [1] }
      // Wait until both deadlines have passed: by then a silent connection is closed.
      #expect(try server.client().isClosed())
      server.log.open()
      #expect(try client.response().body == "success")
    }
  }

  @Test("past the limit a connection waits until another one is closed")
  func connectionLimit() throws {
    var setup = TestServer.Setup()
    setup.limits.connections = 2
    setup.limits.reservedConnections = 0
    try TestServer.run(setup) { (server) throws in
      server.log.shut()
      var busy = try (0..<2).map { _ in try server.client() }
      for client in busy { try client.request("POST", "/fake", body: "hello") }
      waitUntil { server.recorder.waitingCount == 2 }
      let third = try server.client()
      try third.request("POST", "/fake", body: "hello")
      #expect(server.server.connectionCount == 2)
      server.log.open()
      #expect(try busy[0].response().status == 200)
      busy.removeFirst()
      #expect(try third.response().status == 200)
    }
  }

  @Test("idle connections make room for others when there are too many")
  func idleMakesRoom() throws {
    var setup = TestServer.Setup()
    setup.limits.connections = 2
    try TestServer.run(setup) { (server) throws in
      let idle = try (0..<2).map { _ in try server.client() }
      for client in idle {
        try client.request("POST", "/fake", body: "hello")
        #expect(try client.response().status == 200)
      }
      let third = try server.client()
      try third.request("POST", "/fake", body: "hello")
      #expect(try third.response().status == 200)
    }
  }

  @Test("a thousand connections at once are all answered")
  func thousand() throws {
    try TestServer.run { (server) throws in
      let clients = try (0..<1000).map { _ in try server.client() }
      for (index, client) in clients.enumerated() { try client.request("POST", "/fake", body: "delivery \(index)") }
      for client in clients { #expect(try client.response().body == "success") }
      #expect(server.server.connectionCount == 1000)
      #expect(Set(server.log.entries.map(\.delivery.body)).count == 1000)
    }
  }

  @Test("a sender that leaves while its delivery is written does no harm")
  func leaving() throws {
    try TestServer.run { (server) throws in
      server.log.shut()
      do {
        let client = try server.client()
        try client.request("POST", "/fake", body: "hello")
        waitUntil { server.recorder.waitingCount == 1 }
      }
      server.log.open()
      let client = try server.client()
      try client.request("POST", "/fake", body: "hello")
      #expect(try client.response().status == 200)
      waitUntil { server.server.connectionCount == 1 }
    }
  }

  @Test("stopping answers what is in flight, and refuses what comes after")
  func gracefulStop() throws {
    let server = try TestServer()
    server.log.shut()
    let idle = try server.client()
    try idle.request("GET", "/nowhere")
    #expect(try idle.response().status == 404)
    let waiting = try (0..<20).map { _ in try server.client() }
    for client in waiting { try client.request("POST", "/fake", body: "hello") }
    waitUntil { server.recorder.waitingCount == 20 }
    let partial = try server.client()
    try partial.request("POST", "/fake", headers: ["Content-Length: 5"])
    try partial.send("he")
    waitUntil { server.server.connectionCount == 22 }
    server.server.stop()
    // Once the idle connection is closed, the server accepts no new connections.
    #expect(try idle.isClosed())
    #expect(throws: RawClient.Failure.self) { _ = try server.client() }
    try partial.send("llo")
    server.log.open()
    for client in waiting + [partial] {
      let response = try client.response()
      #expect(response.body == "success")
      #expect(response.headers["connection"]?.lowercased() == "close")
      #expect(try client.isClosed())
    }
    server.stop()
    #expect(server.log.entries.count == 21)
  }

  @Test("stopping ends within its bound although the log hangs and a sender dawdles")
  func boundedStop() throws {
    var setup = TestServer.Setup()
    setup.limits.drain = .milliseconds(200)
    let server = try TestServer(setup)
    server.log.shut()
    let waiting = try server.client()
    try waiting.request("POST", "/fake", body: "hello")
    waitUntil { server.recorder.waitingCount == 1 }
    let partial = try server.client()
    try partial.request("POST", "/fake", headers: ["Content-Length: 5"])
    server.server.stop()
    // The delivery may still reach the log, but the server cannot promise that, so it answers 503.
    #expect(try waiting.response().status == 503)
    #expect(try partial.isClosed())
    server.log.open()
    server.stop()
  }
}
