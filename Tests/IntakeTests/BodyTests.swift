import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Bodies")
struct BodyTests {
  /// Returns a setup that accepts bodies of up to 10,000 bytes.
  private static func small() -> TestServer.Setup {
    var setup = TestServer.Setup()
    setup.limits.bodyBytes = 10_000
    return setup
  }

  private static func post(_ body: [UInt8], coding: String, to client: RawClient) throws -> RawClient.Response {
    try client.send(
      "POST /fake HTTP/1.1\r\nContent-Encoding: \(coding)\r\nX-Kept: k\r\nContent-Length: \(body.count)\r\n\r\n")
    try client.send(body)
    return try client.response()
  }

  @Test("a compressed body is inflated before it is believed and kept", arguments: ["gzip", "x-gzip", "GZIP"])
  func gzipped(coding: String) throws {
    try TestServer.run { (server) throws in
      let client = try server.client()
      let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 / 1000) }
      #expect(try Self.post(gzip(body), coding: coding, to: client).body == "success")
      #expect(server.log.entries.first?.delivery.body == body)
    }
  }

  @Test("a large body that arrives all at once is read on without waiting for another event")
  func large() throws {
    try TestServer.run { (server) throws in
      let client = try server.client()
      let body = [UInt8](repeating: UInt8(ascii: "x"), count: 20_000_000)
      for _ in 0..<3 {
        #expect(try Self.post(body, coding: "identity", to: client).body == "success")
      }
      #expect(server.log.entries.map(\.delivery.body.count) == [body.count, body.count, body.count])
    }
  }

  @Test("the identity coding is no coding")
  func identity() throws {
    try TestServer.run { (server) throws in
      #expect(try Self.post(Array("hello".utf8), coding: "identity", to: try server.client()).body == "success")
    }
  }

  @Test("compressed pieces behind each other are one body")
  func severalMembers() throws {
    try TestServer.run { (server) throws in
      let body = gzip(Array("hello".utf8)) + gzip([]) + gzip(Array(", world".utf8))
      #expect(try Self.post(body, coding: "gzip", to: try server.client()).body == "success")
      #expect(server.log.entries.first?.delivery.body == Array("hello, world".utf8))
    }
  }

  @Test("what is not gzip, or not all of it, is refused and not kept; the connection goes on")
  func brokenGzip() throws {
    try TestServer.run { (server) throws in
      let client = try server.client()
      let whole = gzip(Array("hello, hello, hello".utf8))
      let garbled = whole.dropLast(8) + [0, 1, 2, 3, 0, 0, 0, 0]
      for body in [Array(whole.dropLast(3)), Array(whole.prefix(5)), Array("plain".utf8), Array(garbled), whole + [9], []] {
        let response = try Self.post(body, coding: "gzip", to: client)
        #expect(response.status == 400)
        #expect(response.headers["content-type"] == "application/problem+json")
      }
      #expect(try Self.post(whole, coding: "gzip", to: client).status == 200)
      #expect(server.log.entries.count == 1)
    }
  }

  @Test("an unknown coding is refused with what is understood")
  func unknownCoding() throws {
    try TestServer.run { (server) throws in
      let response = try Self.post([1, 2, 3], coding: "br", to: try server.client())
      #expect(response.status == 415)
      #expect(response.headers["accept-encoding"] == "gzip, identity")
    }
  }

  @Test("a body of the limit is taken, one byte more is not, and the connection goes on")
  func limit() throws {
    try TestServer.run(Self.small()) { (server) throws in
      let client = try server.client()
      for (size, status) in [(10_000, 200), (10_001, 413), (100, 200)] {
        try client.request("POST", "/fake", body: String(repeating: "x", count: size))
        #expect(try client.response().status == status)
      }
    }
  }

  @Test("a chunked body past the limit is refused")
  func chunkedLimit() throws {
    try TestServer.run(Self.small()) { (server) throws in
      let client = try server.client()
      let chunk = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
      try client.send("POST /fake HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + chunk + "0\r\n\r\n")
      #expect(try client.response().status == 413)
      try client.request("POST", "/fake", body: "hello")
      #expect(try client.response().status == 200)
    }
  }

  @Test("a length too great to be thrown away is refused at once, and the connection closed")
  func hugeLength() throws {
    try TestServer.run { (server) throws in
      let client = try server.client()
      try client.request("POST", "/fake", headers: ["Content-Length: 1000000000000"])
      #expect(try client.response().status == 413)
      #expect(try client.isClosed())
    }
  }

  @Test("a body that grows without end is cut off")
  func endlessBody() throws {
    try TestServer.run(Self.small()) { (server) throws in
      let client = try server.client()
      try client.send("POST /fake HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
      #expect(throws: RawClient.Failure.self) {
        for _ in 0..<10_000 { try client.send(chunk) }
      }
    }
  }

  @Test("a body that inflates past the limit is refused, however small it is")
  func bomb() throws {
    try TestServer.run(Self.small()) { (server) throws in
      let client = try server.client()
      let bomb = gzip([UInt8](repeating: 0, count: 5_000_000))
      #expect(bomb.count < 10_000)
      #expect(try Self.post(bomb, coding: "gzip", to: client).status == 413)
      #expect(try Self.post(gzip([UInt8](repeating: 0, count: 10_000)), coding: "gzip", to: client).status == 200)
    }
  }

  @Test("bodies in flight together are bounded: 503 past it, and room again when they are answered")
  func totalMemory() throws {
    var setup = TestServer.Setup()
    setup.limits.bodyBytes = 100_000
    setup.limits.totalBodyBytes = 100_000
    try TestServer.run(setup) { (server) throws in
      server.log.shut()
      let first = try server.client()
      try first.request("POST", "/fake", body: String(repeating: "x", count: 60_000))
      waitUntil { server.recorder.waitingCount == 1 }
      let second = try server.client()
      try second.request("POST", "/fake", body: String(repeating: "x", count: 60_000))
      let response = try second.response()
      #expect(response.status == 503)
      #expect(response.headers["retry-after"] == "2")
      server.log.open()
      #expect(try first.response().status == 200)
      try second.request("POST", "/fake", body: String(repeating: "x", count: 60_000))
      #expect(try second.response().status == 200)
    }
  }

  @Test("the memory of bodies that never arrive whole is given back")
  func abandonedBodies() throws {
    var setup = TestServer.Setup()
    setup.limits.bodyBytes = 100_000
    setup.limits.totalBodyBytes = 100_000
    try TestServer.run(setup) { (server) throws in
      for _ in 0..<10 {
        let client = try server.client()
        try client.request("POST", "/fake", headers: ["Content-Length: 60000"])
        try client.send(String(repeating: "x", count: 50_000))
      }
      waitUntil { server.server.connectionCount == 0 }
      let client = try server.client()
      try client.request("POST", "/fake", body: String(repeating: "x", count: 60_000))
      #expect(try client.response().status == 200)
    }
  }
}
