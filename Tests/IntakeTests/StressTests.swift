import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("The server under stress")
struct StressTests {
  @Test("stopping under load loses nothing that was answered with success, and does not abort", arguments: 0..<5)
  func stopUnderLoad(round: Int) throws {
    let server = try TestServer()
    let senders = Senders(count: 8, port: server.port, name: "round \(round)")
    waitUntil { senders.successes.count > 200 }
    server.stop()
    senders.wait()
    let logged = Set(server.log.entries.map { String(decoding: $0.delivery.body, as: UTF8.self) })
    #expect(senders.successes.filter { !logged.contains($0) } == [])
  }

  @Test("whatever bytes are sent, the server goes on", arguments: 0..<20)
  func garbage(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    var setup = TestServer.Setup(routes: [.webhook(FakeSource())] + Route.health { nil })
    setup.limits.bodyBytes = 2000
    try TestServer.run(setup) { (server) throws in
      let pieces = [
        "POST /fake HTTP/1.1\r\n", "GET /healthz HTTP/1.0\r\n", "HEAD /%00%zz?=&&=%f HTTP/1.1\r\n", "Content-Length: 5\r\n",
        "Content-Length: 5000\r\n", "Transfer-Encoding: chunked\r\n", "Content-Encoding: gzip\r\n", "Host: \u{0}\u{7f}é\r\n",
        "Expect: 100-continue\r\n", "\r\n", "\r\n\r\n", "hello", "5\r\nhello\r\n", "0\r\n\r\n", "ffffffffffffffffff\r\n",
        " folded\r\n", ":\r\n", "X: " + String(repeating: "y", count: 3000) + "\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      ]
      for _ in 0..<50 {
        let client = try server.client()
        // The server may close the connection at any time.
        for _ in 0..<Int.random(in: 1...12, using: &random) {
          let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
          if (try? client.send(piece)) == nil { break }
        }
      }
      let client = try server.client()
      try client.request("GET", "/healthz")
      #expect(try client.response().status == 200)
    }
  }
}

/// Threads that send distinct deliveries until the server stops.
private final class Senders: Sendable {
  private let answered = Mutex<[String]>([])
  private let running: Atomic<Int>

  init(count: Int, port: UInt16, name: String) {
    running = Atomic(count)
    for sender in 0..<count {
      _ = OwnThread.start {
        try? self.send(to: port, name: "\(name), sender \(sender)")
        self.running.subtract(1, ordering: .sequentiallyConsistent)
      }
    }
  }

  /// The bodies that the server answered with success.
  var successes: [String] { answered.withLock(\.self) }

  func wait() {
    waitUntil { running.load(ordering: .sequentiallyConsistent) == 0 }
  }

  private func send(to port: UInt16, name: String) throws {
    var client = try RawClient(port: port)
    for number in 0... {
      let body = "\(name), delivery \(number)"
      do {
        try client.request("POST", "/fake", body: body)
        if try client.response().body == "success" { answered.withLock { $0.append(body) } }
      } catch {
        client = try RawClient(port: port)
      }
    }
  }
}
