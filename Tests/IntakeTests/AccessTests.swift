import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Who may read")
struct AccessTests {
  private static let routes: [Route] =
    Route.health { nil } + [
      .webhook(FakeSource()),
      .handler(.prefix("/"), access: .reading, as: .pages, HandlerFunction { .text("page \($0.path)") }),
      .handler(.exact("/metrics"), access: .openUnlessProtected, as: .metrics, HandlerFunction { _ in .text("metrics") }),
    ]

  private static func status(
    _ path: String, _ headers: [String], at port: UInt16, method: String = "GET"
  ) throws -> Int {
    let client = try RawClient(port: port)
    try client.request(method, path, headers: headers, body: method == "POST" ? "hello" : nil)
    return try client.response().status
  }

  @Test(
    "on loopback, pages and metrics answer to names of loopback only",
    arguments: [
      ("localhost", 200), ("LOCALHOST:5000", 200), ("app.localhost", 200), ("127.0.0.1:5000", 200), ("127.9.9.9", 200),
      ("[::1]:5000", 200), ("localhost.", 200), ("evil.example", 403), ("127.0.0.1.evil.example", 403),
      ("localhost.evil.example:5000", 403), ("192.168.0.1", 403), ("[fe80::1]", 403), ("", 403),
    ])
  func hostNames(host: String, status: Int) throws {
    try TestServer.run(.init(routes: Self.routes)) { (server) throws in
      #expect(try Self.status("/", ["Host: \(host)"], at: server.port) == status)
      #expect(try Self.status("/metrics", ["Host: \(host)"], at: server.port) == status)
      #expect(try Self.status("/fake", ["Host: \(host)"], at: server.port, method: "POST") == 200)
    }
  }

  @Test("a slash at the end of a webhook's address is passed over")
  func slashAtTheEnd() throws {
    try TestServer.run(.init(routes: Self.routes)) { (server) throws in
      #expect(try Self.status("/fake/", [], at: server.port, method: "POST") == 200)
      #expect(try Self.status("/fake//", [], at: server.port, method: "POST") == 405, "it is another path")
      #expect(try Self.status("/metrics/", ["Host: other.example"], at: server.port) == 403, "as any page, not as metrics")
    }
  }

  @Test("where other machines can connect, the API needs a token, and the answer names the variable")
  func noTokenElsewhere() throws {
    try TestServer.run(.init(routes: Self.routes, address: "0.0.0.0:0")) { (server) throws in
      let client = try server.client()
      try client.request("GET", "/api/v1/spans")
      let response = try client.response()
      #expect(response.status == 403)
      #expect(response.body.contains("--read-token"))
      #expect(try Self.status("/metrics", [], at: server.port) == 200)
      #expect(try Self.status("/healthz", [], at: server.port) == 200)
      #expect(try Self.status("/fake", [], at: server.port, method: "POST") == 200)
    }
  }

  @Test("with a token it is needed everywhere, as bearer or as password", arguments: ["127.0.0.1:0", "0.0.0.0:0"])
  func token(address: String) throws {
    try TestServer.run(.init(routes: Self.routes, readToken: "let me in", address: address)) { (server) throws in
      let accepted = [
        "Bearer let me in", "bearer let me in", "Basic OmxldCBtZSBpbg==", "Basic YW55Ym9keTpsZXQgbWUgaW4=",
      ]
      let refused = ["Bearer let me", "Bearer let me in!", "Bearer", "Basic bGV0IG1lIGlu", "Basic %%%", "Digest let me in", ""]
      for path in ["/", "/metrics"] {
        for authorization in accepted {
          let headers = ["Authorization: \(authorization)", "Host: proxy.example"]
          #expect(try Self.status(path, headers, at: server.port) == 200)
        }
        for authorization in refused {
          #expect(try Self.status(path, ["Authorization: \(authorization)"], at: server.port) == 401)
        }
      }
      let client = try server.client()
      try client.request("GET", "/")
      #expect(try client.response().headers["www-authenticate"] != nil)
      #expect(try Self.status("/healthz", [], at: server.port) == 200)
      #expect(try Self.status("/fake", [], at: server.port, method: "POST") == 200)
    }
  }

  @Test("with an admin listener, deliveries are taken on one side and everything else is shown on the other")
  func adminListener() throws {
    try TestServer.run(.init(routes: Self.routes, address: "0.0.0.0:0", adminAddress: "127.0.0.1:0")) { (server) throws in
      let (open, admin) = (server.addresses[0].port, server.addresses[1].port)
      for path in ["/", "/metrics", "/api/v1/spans"] {
        #expect(try Self.status(path, ["Host: localhost"], at: open) == 404)
        #expect(try Self.status(path, ["Host: localhost"], at: admin) == 200)
      }
      for port in [open, admin] {
        #expect(try Self.status("/healthz", [], at: port) == 200)
        #expect(try Self.status("/readyz", [], at: port) == 200)
      }
      #expect(try Self.status("/fake", [], at: open, method: "POST") == 200)
      #expect(try Self.status("/fake", ["Host: localhost"], at: admin, method: "POST") == 405)
      #expect(server.log.entries.count == 1)
    }
  }

  @Test("the longest prefix wins, and an exact path before any")
  func precedence() throws {
    func named(_ name: String) -> HandlerFunction { HandlerFunction { _ in .text(name) } }
    let routes: [Route] = [
      .handler(.prefix("/"), access: .open, as: .pages, named("root")),
      .handler(.prefix("/api/"), access: .open, as: .api, named("api")),
      .handler(.exact("/api/v1"), access: .open, as: .api, named("exact")),
    ]
    try TestServer.run(.init(routes: routes)) { (server) throws in
      let client = try server.client()
      for (path, name) in [("/", "root"), ("/apix", "root"), ("/api", "root"), ("/api/x", "api"), ("/api/v1", "exact")] {
        try client.request("GET", path)
        #expect(try client.response().body == name)
      }
    }
  }
}
