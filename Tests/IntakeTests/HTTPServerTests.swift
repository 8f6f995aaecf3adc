import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("The HTTP server")
struct HTTPServerTests {
  @Test("one connection takes many requests, also after refusals")
  func keepAlive() throws {
    try TestServer.run { server in
      let client = try server.client()
      var statuses: [Int] = []
      for (method, path) in [("POST", "/fake"), ("POST", "/nowhere"), ("PUT", "/fake"), ("GET", "/fake"), ("POST", "/fake")] {
        try client.request(method, path, body: String(repeating: "x", count: 100_000))
        statuses.append(try client.response().status)
      }
      #expect(statuses == [200, 404, 405, 405, 200])
      #expect(server.observer.heard.answers == [.intake: [200, 405, 405, 200], .none: [404]])
    }
  }

  @Test("405 names what is allowed")
  func allow() throws {
    let routes: [Route] = [.webhook(FakeSource()), .webhook(FakeSource(name: "b", route: "/b", answersHead: true))]
    try TestServer.run(.init(routes: routes)) { server in
      let client = try server.client()
      try client.request("DELETE", "/fake")
      #expect(try client.response().headers["allow"] == "POST")
      try client.request("DELETE", "/b")
      #expect(try client.response().headers["allow"] == "POST, HEAD")
    }
  }

  @Test("HEAD on a webhook is answered 200 for a source whose vendor asks that way, and is no delivery")
  func headOfWebhook() throws {
    let routes: [Route] = [
      .webhook(FakeSource()), .webhook(FakeSource(name: "b", route: "/b", secret: "s3cret", answersHead: true)),
    ]
    try TestServer.run(.init(routes: routes)) { server in
      let client = try server.client()
      try client.request("HEAD", "/fake")
      #expect(try client.response(isToHead: true).status == 405)
      try client.request("HEAD", "/b?board=1")
      #expect(try client.response(isToHead: true).status == 200)
      #expect(server.observer.heard.results.isEmpty)
      try client.request("POST", "/b", body: "hello")
      #expect(try client.response().status == 401)
    }
  }

  @Test("two requests in one packet are answered in order")
  func pipelining() throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.send(RawClient.text("POST", "/fake", body: "one") + RawClient.text("POST", "/fake", body: "ignored"))
      #expect(try client.response().body == "success")
      #expect(try client.response().body == "ignored")
      #expect(server.log.entries.map { String(decoding: $0.delivery.body, as: UTF8.self) } == ["one", "ignored"])
    }
  }

  @Test("a body in single bytes is put together")
  func singleBytes() throws {
    try TestServer.run { server in
      let client = try server.client()
      for byte in RawClient.text("POST", "/fake", body: "hello").utf8 { try client.send([byte]) }
      #expect(try client.response().body == "success")
      #expect(server.log.entries.first?.delivery.body == Array("hello".utf8))
    }
  }

  @Test("a chunked body is put together")
  func chunked() throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.send("POST /fake HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n")
      #expect(try client.response().body == "success")
      #expect(server.log.entries.first?.delivery.body == Array("hello, world".utf8))
    }
  }

  @Test("a sender that asks for permission gets it, or the refusal instead")
  func expectation() throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.request("POST", "/fake", headers: ["Expect: 100-continue", "Content-Length: 5"])
      #expect(try client.response().status == 100)
      try client.send("hello")
      #expect(try client.response().status == 200)
      try client.request("POST", "/nowhere", headers: ["Expect: 100-continue", "Content-Length: 5"])
      #expect(try client.response().status == 404)
      #expect(try client.isClosed())
    }
  }

  @Test(
    "a request whose end is not certain is refused and the connection closed",
    arguments: [
      "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: gzip", "Content-Length: 5\r\nContent-Length: 6",
    ])
  func uncertainLength(headers: String) throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.request("POST", "/fake", headers: [headers])
      #expect(try client.response().status == 400)
      #expect(try client.isClosed())
    }
  }

  @Test("HEAD is answered wherever GET is, without a body")
  func head() throws {
    try TestServer.run(.init(routes: Route.health { nil })) { server in
      let client = try server.client()
      try client.request("HEAD", "/healthz")
      let response = try client.response(isToHead: true)
      #expect(response.status == 200)
      #expect(response.headers["content-length"] == "3")
      try client.request("GET", "/healthz")
      #expect(try client.response().body == "ok\n")
    }
  }

  @Test("a handler sees method, path, query, headers and body, and may block while others are served")
  func handlers() throws {
    let gate = Gate()
    gate.shut()
    let routes: [Route] = [
      .handler(
        .prefix("/api/"), methods: ["GET", "POST"], access: .open, as: .api,
        HandlerFunction { request in
          gate.pass()
          let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
          let body = String(decoding: request.body, as: UTF8.self)
          return .text("\(request.method) \(request.path) \(query) \(request.headers["x-y"] ?? "") \(body)", status: 201)
        }), .webhook(FakeSource()),
    ]
    try TestServer.run(.init(routes: routes)) { server in
      let client = try server.client()
      try client.request("POST", "/api/a%20b?x=1%262&y&x=+", headers: ["X-Y: z"], body: "hello")
      waitUntil { gate.waitingCount == 1 }
      let other = try server.client()
      try other.request("POST", "/fake", body: "hello")
      #expect(try other.response().body == "success")
      gate.open()
      let response = try client.response()
      #expect(response.status == 201)
      #expect(response.body == "POST /api/a b x=1&2,y=,x=  z hello")
    }
  }

  @Test("more requests than the threads for pages can hold get 503")
  func workersBusy() throws {
    let gate = Gate()
    gate.shut()
    var limits = HTTPLimits()
    limits.workers = 1
    limits.waitingForWorkers = 1
    let slow = HandlerFunction { _ in
      gate.pass()
      return .text("done")
    }
    let routes: [Route] = [.handler(.exact("/slow"), access: .open, as: .pages, slow)]
    try TestServer.run(.init(routes: routes, limits: limits)) { server in
      let first = try server.client()
      try first.request("GET", "/slow")
      waitUntil { gate.waitingCount == 1 }
      let others = try (0..<2).map { _ in try server.client() }
      for other in others { try other.request("GET", "/slow") }
      // Either of the two may get the place.
      waitUntil { others.contains(where: \.hasInput) }
      gate.open()
      #expect(try others.map { try $0.response().status }.sorted() == [200, 503])
      #expect(try first.response().body == "done")
    }
  }

  @Test("readiness is answered with its reason")
  func readiness() throws {
    try TestServer.run(.init(routes: Route.health { "the log is read again" })) { server in
      let client = try server.client()
      try client.request("GET", "/readyz")
      let response = try client.response()
      #expect(response.status == 503)
      #expect(response.body.contains("the log is read again"))
    }
  }

  @Test("a port that is taken gives an error that names it")
  func busyPort() throws {
    try TestServer.run { server in
      let error = #expect(throws: ListenError.self) {
        _ = try TestServer(.init(address: "127.0.0.1:\(server.port)"))
      }
      #expect(error?.code == .inUse)
      #expect(error?.description == "cannot listen on 127.0.0.1:\(server.port): another program listens there")
    }
  }

  @Test("every interface can be listened to")
  func everyInterface() throws {
    try TestServer.run(.init(address: ":0")) { server in
      #expect(server.addresses[0].host == .any)
      let client = try server.client()
      try client.request("POST", "/fake", body: "hello")
      #expect(try client.response().status == 200)
    }
  }

  @Test("run ends after stop, and when cancelled")
  func lifecycle() async throws {
    for isCancelled in [false, true] {
      let recorder = try DeliveryRecorder(log: FakeDeliveryLog(), sink: FakeDeliverySink(), recent: RecentDeliveries())
      let authenticator = try SystemMessageAuthenticator()
      let server = try HTTPServer(
        listeners: [.init(try ListenAddress("127.0.0.1:0"))],
        router: Router(routes: [], readToken: nil, authenticator: authenticator), recorder: recorder,
        authenticator: authenticator)
      _ = try server.start()
      try await withThrowingTaskGroup { group in
        group.addTask { try await recorder.run() }
        group.addTask { try await server.run() }
        if isCancelled {
          group.cancelAll()
        } else {
          server.stop()
          recorder.finish()
        }
        try await group.waitForAll()
      }
    }
  }
}
