import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("Secrets that change while vsd runs")
struct SecretReloadTests {
  private static func body(_ id: String) -> String {
    #"{"id": "\#(id)", "action": "start", "type": "deploy", "namespace": "shop"}"#
  }

  private static func headers(_ body: String, _ key: String) -> [String: String] {
    let code = SwiftMessageAuthenticator().authenticationCode(.sha256, of: Array(body.utf8), key: Array(key.utf8))
    return ["X-VS-Signature": "sha256=\(Hex.text(of: code))", "Content-Type": "application/json"]
  }

  /// Sends a custom event.
  private static func send(_ id: String, signedWith key: String, to vsd: VSDProcess) throws -> Int {
    let body = body(id)
    return try HTTPConnection(port: vsd.ports[0]).request("POST", "/customhttp", headers: headers(body, key), body: body).status
  }

  /// Sends SIGHUP and waits until vsd has logged a line with this text once more.
  private static func hangUp(_ vsd: VSDProcess, until text: String) throws {
    let before = try vsd.logLines().count { $0["msg"]?.text?.contains(text) ?? false }
    vsd.send(SIGHUP)
    try vsd.wait(for: text) {
      try vsd.logLines().count { $0["msg"]?.text?.contains(text) ?? false } > before ? true : nil
    }
  }

  @Test("after SIGHUP, the new secret counts and the old one does not; what began before is accepted")
  func rotation() throws {
    let home = try VSDProcess.Home()
    let file = try home.write("customhttp", "old\n")
    let vsd = try VSDProcess(["--tracer=none", "--customhttp-secret-file=\(file)"], in: home)
    #expect(try Self.send("1", signedWith: "old", to: vsd) == 200)
    #expect(try Self.send("2", signedWith: "new", to: vsd) == 401)

    // A delivery of which half has come.
    let (inFlight, body) = (try HTTPConnection(port: vsd.ports[0]), Self.body("3"))
    let fields = Self.headers(body, "old").map { "\($0.key): \($0.value)\r\n" }.joined()
    let half = body.index(body.startIndex, offsetBy: body.count / 2)
    try inFlight.send(
      "POST /customhttp HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n"
    )
    #expect(try inFlight.response().status == 100)
    try inFlight.send(String(body[..<half]))

    _ = try home.write("customhttp", "new")
    try Self.hangUp(vsd, until: "uses the secrets of the changed file \(file)")
    try inFlight.send(String(body[half...]))
    #expect(try inFlight.response().status == 200)
    #expect(try Self.send("4", signedWith: "old", to: vsd) == 401)
    #expect(try Self.send("5", signedWith: "new", to: vsd) == 200)

    // Both at once, so that no sender is refused between the two changes.
    _ = try home.write("customhttp", "new,newer")
    try Self.hangUp(vsd, until: "uses the secrets of the changed file \(file)")
    #expect(try Self.send("6", signedWith: "new", to: vsd) == 200)
    #expect(try Self.send("7", signedWith: "newer", to: vsd) == 200)

    let spans = try vsd.get("/api/v1/spans")
    for id in ["1", "3", "5", "6", "7"] { #expect(spans.body.contains(#""customhttp::shop:deploy:\#(id)""#), "\(id)") }
    #expect(try vsd.stop() == .code(0))
  }

  @Test("a broken file keeps its old secret and says so, and does not hold up others")
  func broken() throws {
    let home = try VSDProcess.Home()
    let (first, second) = (try home.write("customhttp", "old"), try home.write("operator", "old"))
    let vsd = try VSDProcess(
      ["--tracer=none", "--customhttp-secret-file=\(first)", "--operator-token-file=\(second)"], in: home)
    func status(_ token: String) throws -> Int {
      try HTTPConnection(port: vsd.ports[0]).request(
        "POST", "/api/v1/operator/exclusions", headers: ["Authorization": "Bearer \(token)"], body: "{}"
      ).status
    }
    #expect(try status("old") != 401)
    #expect(try status("new") == 401)
    _ = try home.write("customhttp", "\n")
    _ = try home.write("operator", "new")
    try Self.hangUp(vsd, until: "goes on with what \(first) said before: the file \(first): a secret is empty")
    #expect(try Self.send("1", signedWith: "old", to: vsd) == 200)
    #expect(try status("old") == 401)
    #expect(try status("new") != 401)

    try FileManager.default.removeItem(atPath: first)
    try Self.hangUp(vsd, until: "cannot read the file \(first)")
    #expect(try Self.send("2", signedWith: "old", to: vsd) == 200)
    _ = try home.write("customhttp", "new")
    try Self.hangUp(vsd, until: "uses the secrets of the changed file \(first)")
    #expect(try Self.send("3", signedWith: "old", to: vsd) == 401)
    #expect(try Self.send("4", signedWith: "new", to: vsd) == 200)
    try Self.hangUp(vsd, until: "none has changed")
  }

  @Test("secrets in the configuration file and in files that it names are read again; nothing loses its secret")
  func configuration() throws {
    let home = try VSDProcess.Home()
    let (one, two) = (try home.write("one", "first"), try home.write("two", "second"))
    func configure(_ secret: String) throws -> String {
      try home.write("vsd.json5", "{tracer: \"none\", \"import-secret-file\": \"\(two)\",\n\(secret)}")
    }
    let file = try configure("customhttp: {\"secret-file\": \"\(one)\"}")
    let vsd = try VSDProcess(["--config=\(file)"], in: home)
    #expect(try Self.send("1", signedWith: "first", to: vsd) == 200)
    _ = try configure("customhttp: {\"secret-file\": \"\(two)\"}")
    try Self.hangUp(vsd, until: "uses the secrets of the changed file \(file)")
    #expect(try Self.send("2", signedWith: "first", to: vsd) == 401)
    #expect(try Self.send("3", signedWith: "second", to: vsd) == 200)
    for mistake in [
      "customhttp: {\"secret-fil\": \"\(one)\"}", "// none\n", "customhttp: {\"secret-file\": \"\(home.path)/three\"}",
    ] {
      _ = try configure(mistake)
      try Self.hangUp(vsd, until: "goes on with what \(file) said before")
      #expect(try Self.send("4", signedWith: "second", to: vsd) == 200)
      #expect(try Self.send("5", signedWith: "other", to: vsd) == 401)
    }
    #expect(
      try vsd.logLines().contains { $0["msg"]?.text?.hasSuffix("a secret was added or removed: restart vsd for that") ?? false })
  }

  @Test("imports and signed-in browsers follow their secrets")
  func others() throws {
    let home = try VSDProcess.Home()
    let (importing, operating) = (try home.write("import", "old"), try home.write("operator", "old"))
    let vsd = try VSDProcess(
      ["--tracer=none", "--import-secret-file=\(importing)", "--operator-token-file=\(operating)"], in: home)
    func imported(_ key: String) throws -> Int {
      let body = Self.body("i\(key)")
      let mark = "import:deploy:\(key):1 2026-01-01T00:00:00Z"
      let code = SwiftMessageAuthenticator().authenticationCode(
        .sha256, of: Array("\(mark)\n\n\(body)".utf8), key: Array(key.utf8))
      return try HTTPConnection(port: vsd.ports[0]).request(
        "POST", "/api/v1/import/customhttp",
        headers: [
          "ValueStream-Import": mark, "ValueStream-Import-Signature": "sha256=\(Hex.text(of: code))",
          "Content-Type": "application/json",
        ], body: body
      ).status
    }
    #expect(try imported("old") == 200)
    #expect(try imported("new") == 401)
    _ = try home.write("import", "new")
    _ = try home.write("operator", "new")
    try Self.hangUp(vsd, until: "uses the secrets of the changed file \(operating)")
    #expect(try imported("new") == 200)
    #expect(try imported("old") == 401)
  }
}
