import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Compressed answers")
struct CompressionTests {
  private static let text = [UInt8](String(repeating: "all work and no play makes a dull report\n", count: 100).utf8)

  private static func response(_ type: String = "text/html; charset=utf-8", _ body: [UInt8] = text) -> HTTPResponse {
    HTTPResponse(status: 200, headers: ["Content-Type": type], body: body)
  }

  private static func request(_ accepted: String?) -> HTTPRequest {
    var headers: HTTPHeaders = [:]
    headers["Accept-Encoding"] = accepted
    return HTTPRequest(method: "GET", path: "/", headers: headers)
  }

  private static func inflated(_ bytes: [UInt8]) throws -> [UInt8] {
    try #require(Inflater()).contents(of: bytes, limit: 64 << 20)
  }

  @Test(
    "go to those who accept gzip",
    arguments: [
      ("gzip", true), ("gzip, deflate, br", true), ("br;q=1.0, GZIP;q=0.5", true), ("*", true), ("x-gzip", true),
      ("identity, *;q=0.1", true), (nil, false), ("", false), ("identity", false), ("br", false), ("gzip;q=0", false),
      ("gzip;q=0, *", false), ("*;q=0", false), ("gzip;q=no", false), (";,q=1;gzip", false),
    ])
  func negotiation(accepted: String?, isCompressed: Bool) throws {
    let answer = AnswerCompression().apply(Self.response(), to: Self.request(accepted))
    #expect(answer.headers["Content-Encoding"] == (isCompressed ? "gzip" : nil))
    #expect(answer.headers["Vary"] == "Accept-Encoding")
    let body = isCompressed ? try Self.inflated(answer.body) : answer.body
    #expect(body == Self.text)
    if isCompressed { #expect(answer.body.count < Self.text.count / 10) }
  }

  @Test(
    "are those that become smaller by it",
    arguments: [
      ("text/csv; charset=utf-8", true), ("application/json", true), ("application/problem+json", true), ("image/svg+xml", true),
      ("application/openmetrics-text; version=1.0.0", true), ("image/png", false), ("application/octet-stream", false),
    ])
  func types(type: String, isCompressed: Bool) {
    let answer = AnswerCompression().apply(Self.response(type), to: Self.request("gzip"))
    #expect((answer.headers["Content-Encoding"] == "gzip") == isCompressed)
    #expect((answer.headers["Vary"] != nil) == isCompressed)
  }

  @Test("are not those that are small, that do not shrink, or that a handler has compressed")
  func untouched() {
    let compression = AnswerCompression()
    let small = Self.response("text/plain", Array(Self.text.prefix(AnswerCompression.leastByteCount - 1)))
    #expect(compression.apply(small, to: Self.request("gzip")) == small)
    var random = SeededRandom(seed: 5)
    let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let answer = compression.apply(Self.response("text/plain", noise), to: Self.request("gzip"))
    #expect(answer.body == noise && answer.headers["Content-Encoding"] == nil)
    var done = Self.response()
    done.headers["Content-Encoding"] = "gzip"
    #expect(compression.apply(done, to: Self.request("gzip")) == done)
  }

  @Test("of every size inflate to what they were", arguments: [600, 65_535, 65_536, 262_144, 262_145, 5_000_000])
  func sizes(count: Int) throws {
    var random = SeededRandom(seed: UInt64(count))
    let words = (0..<64).map { _ in "\(UInt32.random(in: 0...9999, using: &random)) " }
    var body: [UInt8] = []
    while body.count < count { body += (words.randomElement(using: &random) ?? "").utf8 }
    body.removeLast(body.count - count)
    let compressed = try #require(Deflater.gzip(body))
    #expect(compressed.count < count)
    #expect(try Self.inflated(compressed) == body)
  }

  @Test("of files that never change are made once, and their tags match those of the plain files")
  func files() throws {
    let compression = AnswerCompression()
    func file(_ tag: String, _ body: [UInt8]) -> HTTPResponse {
      var file = Self.response("text/css", body)
      file.headers["ETag"] = tag
      file.headers["Cache-Control"] = "public, max-age=31536000, immutable"
      return file
    }
    let first = compression.apply(file(#""a""#, Self.text), to: Self.request("gzip"))
    #expect(first.headers["ETag"] == #"W/"a""#)
    let second = compression.apply(file(#""a""#, Self.text), to: Self.request("gzip"))
    let places = [first, second].map { answer in answer.body.withUnsafeBytes { $0.baseAddress } }
    #expect(places[0] == places[1])
    let other = compression.apply(file(#""b""#, Self.text + Self.text), to: Self.request("gzip"))
    #expect(try Self.inflated(other.body) == Self.text + Self.text)
    for number in 0..<100 {
      let many = compression.apply(file("\"\(number)\"", Self.text + [UInt8(number)]), to: Self.request("gzip"))
      #expect(try Self.inflated(many.body).last == UInt8(number))
    }
  }

  @Test("say in Vary what else they depend on")
  func vary() {
    var response = Self.response()
    for (before, after) in [("Accept", "Accept, Accept-Encoding"), ("accept-encoding", "accept-encoding"), ("*", "*")] {
      response.headers["Vary"] = before
      #expect(AnswerCompression().apply(response, to: Self.request(nil)).headers["Vary"] == after)
    }
  }

  @Test("are sent with the length that they have; HEAD tells the same headers")
  func overTheWire() throws {
    let routes: [Route] = [
      .handler(.exact("/page"), access: .open, as: .pages, HandlerFunction { _ in Self.response() })
    ]
    try TestServer.run(.init(routes: routes)) { server in
      let client = try server.client()
      try client.request("GET", "/page", headers: ["Host: localhost", "Accept-Encoding: gzip"])
      let answer = try client.response()
      #expect(answer.headers["content-encoding"] == "gzip")
      #expect(try Self.inflated(answer.bytes) == Self.text)
      try client.request("HEAD", "/page", headers: ["Host: localhost", "Accept-Encoding: gzip"])
      let head = try client.response(isToHead: true)
      #expect(head.headers["content-length"] == answer.headers["content-length"])
      #expect(head.headers["content-encoding"] == "gzip")
      try client.request("GET", "/page")
      #expect(try client.response().bytes == Self.text)
    }
  }
}
