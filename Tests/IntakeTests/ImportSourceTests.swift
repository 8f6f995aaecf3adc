import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Imported deliveries at intake")
struct ImportSourceTests {
  private static let authenticator = SwiftMessageAuthenticator()
  private static let mark = "import:issues:36:7 2026-03-01T08:00:00Z"

  private static func secret(_ text: String) throws -> Secret { try #require(Secret(text)) }

  private static func headers(_ mark: String = mark, body: String, key: String = "key") throws -> HTTPHeaders {
    var headers: HTTPHeaders = ["ValueStream-Import": mark, "X-GitHub-Event": "issues"]
    headers[ImportSignature.header] = ImportSignature.text(
      of: Array(body.utf8), headers: headers, typeHeader: "X-GitHub-Event", key: try secret(key), using: authenticator)
    return headers
  }

  private static func code(_ headers: HTTPHeaders, _ body: String = "hello") throws -> AuthenticationError.Code? {
    let source = ImportSource(
      FakeSource(name: "github"), typeHeader: "X-GitHub-Event", secrets: [try secret("new"), try secret("key")])
    let delivery = Delivery(source: "github", received: StoreSamples.time(900), headers: headers, body: Array(body.utf8))
    do throws(AuthenticationError) {
      try source.authenticate(delivery, using: authenticator)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("need the signature of mark, type and body, by one of the secrets")
  func signatures() throws {
    let good = try Self.headers(body: "hello")
    #expect(try Self.code(good) == nil)
    #expect(try Self.code(Self.headers(body: "hello", key: "new")) == nil)
    #expect(try Self.code(Self.headers(body: "hello", key: "other")) == .mismatch)
    #expect(try Self.code(good, "hullo") == .mismatch, "another body")
    var changed = good
    changed["ValueStream-Import"] = "import:issues:36:8 2026-03-01T08:00:00Z"
    #expect(try Self.code(changed) == .mismatch, "another id")
    changed["ValueStream-Import"] = "import:issues:36:7 2026-03-01T08:00:01Z"
    #expect(try Self.code(changed) == .mismatch, "another time")
    changed = good
    changed["X-GitHub-Event"] = "pull_request"
    #expect(try Self.code(changed) == .mismatch, "another type")
    for name in ["ValueStream-Import", ImportSignature.header] {
      changed = good
      changed[name] = nil
      #expect(try Self.code(changed) == .missing)
      changed[name] = "sha256="
      #expect(try Self.code(changed) == .malformed)
    }
    // The signature of a webhook with the same secret is another one.
    changed = good
    changed[ImportSignature.header] =
      "sha256=" + Hex.text(of: Self.authenticator.authenticationCode(.sha256, of: Array("hello".utf8), key: Array("key".utf8)))
    #expect(try Self.code(changed) == .mismatch)
  }

  @Test("are in the log with the mark, once; and no webhook brings it there")
  func recorded() throws {
    let source = FakeSource(name: "github", route: "/github")
    let routes: [Route] = [
      .webhook(source), .webhook(ImportSource(source, typeHeader: "X-GitHub-Event", secrets: [try Self.secret("key")])),
    ]
    try TestServer.run(.init(routes: routes)) { (server) throws in
      func post(_ path: String, _ headers: HTTPHeaders, _ body: String) throws -> String {
        let client = try server.client()
        let lines = ["Host: localhost"] + headers.fields.map { "\($0.name): \($0.value)" }
        try client.request("POST", path, headers: lines, body: body)
        let response = try client.response()
        return "\(response.status) \(response.body)"
      }
      let headers = try Self.headers(body: "hello")
      #expect(try post("/api/v1/import/github", headers, "hello") == "200 success")
      #expect(try post("/api/v1/import/github", headers, "hello") == "200 duplicate")
      let logged = try #require(server.log.entries.last?.delivery)
      #expect(logged.source == "github")
      #expect(logged.id == "import:issues:36:7")
      #expect(logged.isImported)
      #expect(logged.headers[ImportSignature.header] == nil)
      #expect(try post("/api/v1/import/github", headers, "hullo").hasPrefix("401"))
      #expect(try post("/api/v1/import/github", ["X-GitHub-Event": "issues"], "hello").hasPrefix("401"))
      var forged = headers
      forged["Origin"] = "http://localhost"
      #expect(try post("/api/v1/import/github", forged, "hello").hasPrefix("403"))
      #expect(server.log.entries.count == 1)
      #expect(try post("/github", headers, "hello") == "200 success")
      #expect(server.log.entries.count == 2)
      #expect(server.log.entries.last?.delivery.isImported == false)
    }
  }
}
