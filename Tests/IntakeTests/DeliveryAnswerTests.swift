import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Answers to deliveries")
struct DeliveryAnswerTests {
  @Test("a delivery is recorded and answered with success")
  func success() throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.request("POST", "/fake", headers: ["Host: x", "X-Kept: yes", "X-Dropped: no"], body: "hello")
      let response = try client.response()
      #expect(response.status == 200)
      #expect(response.body == "success")
      #expect(response.headers["content-type"] == "text/plain")
      let entry = try #require(server.log.entries.first)
      #expect(entry.delivery.body == Array("hello".utf8))
      #expect(entry.delivery.headers == ["X-Kept": "yes"])
      #expect(entry.unreadable == nil)
      #expect(server.sink.deliveries.map(\.position) == [LogPosition(rawValue: 1)])
      #expect(server.observer.heard.results == [.recorded])
      #expect(server.observer.heard.commits == [1])
      #expect(server.observer.heard.answers == [.intake: [200]])
    }
  }

  @Test("a delivery of no interest is recorded and answered with ignored")
  func ignored() throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.request("POST", "/fake", body: "ignored")
      let response = try client.response()
      #expect(response.status == 200)
      #expect(response.body == "ignored")
      #expect(server.log.entries.count == 1)
      #expect(server.observer.heard.results == [.ignored])
    }
  }

  @Test("the same delivery again is a duplicate and not recorded; the same id with another body is not")
  func duplicate() throws {
    try TestServer.run { server in
      let client = try server.client()
      var bodies: [String] = []
      for body in ["one", "one", "two", "one"] {
        try client.request("POST", "/fake", headers: ["X-Delivery: 7"], body: body)
        bodies.append(try client.response().body)
      }
      #expect(bodies == ["success", "duplicate", "success", "duplicate"])
      #expect(server.log.entries.map { $0.delivery.id } == ["7", "7"])
      #expect(server.observer.heard.results == [.recorded, .duplicate, .recorded, .duplicate])
    }
  }

  @Test("what has no delivery id is never a duplicate")
  func noDuplicateWithoutID() throws {
    try TestServer.run { server in
      let client = try server.client()
      for _ in 0..<2 {
        try client.request("POST", "/fake", body: "again")
        #expect(try client.response().body == "success")
      }
      #expect(server.log.entries.count == 2)
    }
  }

  @Test(
    "an unreadable delivery is recorded with its reason and answered with what was wrong",
    arguments: [("malformed", 400, "$"), ("media", 415, "$"), ("identity", 422, "$.issue.number"), ("", 400, "$")])
  func unreadable(body: String, status: Int, path: String) throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.request("POST", "/fake", body: body)
      let response = try client.response()
      #expect(response.status == status)
      #expect(response.headers["content-type"] == "application/problem+json")
      #expect(response.body.contains("\"path\":\"\(path)\""))
      #expect(response.body.contains("\"status\":\(status)"))
      #expect(server.log.entries.first?.unreadable?.path == path)
      #expect(server.sink.deliveries.first?.interpretation == nil)
      #expect(server.observer.heard.results == [.unreadable])
    }
  }

  @Test("an unreadable delivery that comes again is told again, and recorded once")
  func unreadableAgain() throws {
    try TestServer.run { server in
      let client = try server.client()
      for _ in 0..<2 {
        try client.request("POST", "/fake", headers: ["X-Delivery: 7"], body: "identity")
        #expect(try client.response().status == 422)
      }
      #expect(server.log.entries.count == 1)
    }
  }

  @Test("a vendor that must not see an error gets the reason with 200")
  func unreadableStatus() throws {
    try TestServer.run(.init(routes: [.webhook(FakeSource(unreadableStatus: 200))])) { server in
      let client = try server.client()
      try client.request("POST", "/fake", body: "identity")
      let response = try client.response()
      #expect(response.status == 200)
      #expect(response.body == "unreadable: $.issue.number: expected a number")
      #expect(server.observer.heard.results == [.unreadable])
    }
  }

  @Test("GitHub's published signature is accepted; a changed byte or a missing signature is not, and is not kept")
  func signature() throws {
    let valid = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    let changed = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18"
    try TestServer.run(.init(routes: [.webhook(FakeSource(secret: "It's a Secret to Everybody"))])) { server in
      let client = try server.client()
      try client.request("POST", "/fake", headers: ["X-Hub-Signature-256: sha256=\(valid)"], body: "Hello, World!")
      #expect(try client.response().body == "success")
      for (signature, body) in [(changed, "Hello, World!"), (valid, "Hello, world!")] {
        try client.request("POST", "/fake", headers: ["X-Hub-Signature-256: sha256=\(signature)"], body: body)
        let response = try client.response()
        #expect(response.status == 401)
        #expect(response.headers["content-type"] == "application/problem+json")
      }
      try client.request("POST", "/fake", body: "Hello, World!")
      #expect(try client.response().status == 401)
      #expect(server.log.entries.count == 1)
      #expect(server.observer.heard.results == [.recorded, .unauthenticated, .unauthenticated, .unauthenticated])
      #expect(server.observer.heard.unauthenticated == [.mismatch, .mismatch, .missing])
    }
  }

  @Test("a delivery with an Origin header comes from a web page and is refused")
  func origin() throws {
    try TestServer.run { server in
      let client = try server.client()
      try client.request("POST", "/fake", headers: ["Origin: https://example.org"], body: "hello")
      #expect(try client.response().status == 403)
      #expect(server.log.entries.isEmpty)
    }
  }

  @Test("a delivery is answered only after it is in the log")
  func durableFirst() throws {
    try TestServer.run { server in
      server.log.shut()
      let client = try server.client()
      try client.request("POST", "/fake", body: "hello")
      waitUntil { server.log.appendSizes == [1] }
      // Meanwhile the server serves other connections.
      let other = try server.client()
      try other.request("POST", "/nowhere", body: "hello")
      #expect(try other.response().status == 404)
      #expect(!client.hasInput)
      #expect(server.recorder.waitingCount == 1)
      server.log.open()
      #expect(try client.response().body == "success")
    }
  }

  @Test("what waits while the log is busy is written in one commit")
  func groupCommit() throws {
    try TestServer.run { server in
      server.log.shut()
      let clients = try (0..<10).map { _ in try server.client() }
      try clients[0].request("POST", "/fake", body: "first")
      waitUntil { server.log.appendSizes == [1] }
      for client in clients.dropFirst() { try client.request("POST", "/fake", body: "more") }
      waitUntil { server.recorder.waitingCount == 10 }
      server.log.open()
      for client in clients { #expect(try client.response().body == "success") }
      #expect(server.log.appendSizes == [1, 9])
    }
  }

  @Test("a log that fails gives 503 with Retry-After, also to the unreadable; the next delivery is taken again")
  func failingLog() throws {
    try TestServer.run { server in
      let client = try server.client()
      server.log.fail(with: StoreError(.noSpace, "disk full"))
      for body in ["hello", "identity"] {
        try client.request("POST", "/fake", headers: ["X-Delivery: 1"], body: body)
        let response = try client.response()
        #expect(response.status == 503)
        #expect(response.headers["retry-after"] == "2")
      }
      #expect(server.sink.deliveries.isEmpty)
      server.log.fail(with: nil)
      try client.request("POST", "/fake", headers: ["X-Delivery: 1"], body: "hello")
      #expect(try client.response().body == "success")
      #expect(server.observer.heard.results == [.refused, .refused, .recorded])
      #expect(server.observer.heard.failedCommits == 2)
    }
  }

  @Test("a full queue gives 503 with Retry-After")
  func fullQueue() throws {
    var limits = DeliveryRecorder.Limits()
    limits.deliveries = 2
    try TestServer.run(.init(recorderLimits: limits)) { server in
      server.log.shut()
      let waiting = try (0..<2).map { _ in try server.client() }
      for client in waiting { try client.request("POST", "/fake", body: "hello") }
      waitUntil { server.recorder.waitingCount == 2 }
      let client = try server.client()
      try client.request("POST", "/fake", body: "hello")
      let response = try client.response()
      #expect(response.status == 503)
      #expect(response.headers["retry-after"] != nil)
      server.log.open()
      for client in waiting { #expect(try client.response().body == "success") }
    }
  }
}
