import CurlTransport
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("HTTP requests through libcurl", .timeLimit(.minutes(20)))
struct CurlTransportTests {
  static func text(_ response: HTTPResponse) -> String { String(decoding: response.body, as: UTF8.self) }

  /// Returns a transport that ignores the proxy variables of the environment.
  static func transport(_ change: (inout CurlTransport.Options) -> Void = { _ in }) -> CurlTransport {
    var options = CurlTransport.Options()
    options.proxy = ""
    change(&options)
    return CurlTransport(options: options)
  }

  static func request(
    _ receiver: LoopbackReceiver, method: String = "POST", body: String = "", headers: HTTPHeaders = [:], timeout: Double = 10
  ) -> HTTPTransportRequest {
    HTTPTransportRequest(
      method: method, url: receiver.url + "/a?b=c", headers: headers, body: Array(body.utf8), timeoutSeconds: timeout)
  }

  @Test("What is sent arrives, nothing is added that was not asked for, and the answer comes back whole")
  func roundTrip() async throws {
    let receiver = try LoopbackReceiver([.status(202, ["X-One": "1", "x-two": " 2 "], "answer")])
    let transport = Self.transport()
    let body = String(repeating: "b", count: 3 << 20)
    let answer = try await transport.send(
      Self.request(receiver, body: body, headers: ["Content-Type": "application/x-protobuf", "X-Empty": ""]))
    #expect(answer.status == 202)
    #expect(answer.headers["X-One"] == "1")
    #expect(answer.headers["X-Two"] == "2")
    #expect(Self.text(answer) == "answer")
    let request = try #require(receiver.requests.first)
    #expect(request.method == "POST")
    #expect(request.target == "/a?b=c")
    #expect(request.body.count == body.utf8.count)
    #expect(request.headers["Content-Type"] == "application/x-protobuf")
    #expect(request.headers["X-Empty"] == "")
    #expect(request.headers["User-Agent"] == "ValueStream/\(ValueStreamVersion.current)")
    #expect(request.headers["Expect"] == nil)
  }

  @Test("Every method", arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
  func methods(method: String) async throws {
    let receiver = try LoopbackReceiver([.status(204)])
    let answer = try await Self.transport().send(Self.request(receiver, method: method))
    #expect(answer.status == 204)
    #expect(receiver.requests.map(\.method) == [method])
    #expect(receiver.requests.first?.headers["Content-Type"] == nil)
  }

  @Test("Connections are kept from request to request, and a broken one is replaced")
  func connections() async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let transport = Self.transport()
    for _ in 0..<5 { _ = try await transport.send(Self.request(receiver)) }
    #expect(Set(receiver.requests.map(\.connection)) == [1])
    receiver.goAway()
    await #expect { try await transport.send(Self.request(receiver)) } throws: { Self.code($0) == .unreachable }
    try receiver.comeBack()
    #expect(try await transport.send(Self.request(receiver)).status == 200)
    #expect(receiver.requests.last?.connection == 2)
  }

  @Test("Many at a time")
  func concurrency() async throws {
    let receiver = try LoopbackReceiver { _, request in .status(200, [:], String(decoding: request.body, as: UTF8.self)) }
    let transport = Self.transport()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          let answer = try await transport.send(Self.request(receiver, body: "number \(number)"))
          #expect(Self.text(answer) == "number \(number)")
        }
      }
      try await group.waitForAll()
    }
    #expect(receiver.requests.count == 40)
  }

  @Test("An answer that comes byte by byte is waited for")
  func slowly() async throws {
    let body = String(repeating: "x", count: 200)
    let receiver = try LoopbackReceiver([.slowly(HTTPResponse(status: 200, body: Array(body.utf8)))])
    #expect(try await Self.text(Self.transport().send(Self.request(receiver))) == body)
  }

  @Test("Redirects are answers")
  func redirects() async throws {
    let receiver = try LoopbackReceiver([.status(302, ["Location": "/elsewhere"])])
    #expect(try await Self.transport().send(Self.request(receiver)).status == 302)
    #expect(receiver.requests.count == 1)
  }

  // MARK: No response

  static func code(_ error: any Error) -> HTTPTransportError.Code? { (error as? HTTPTransportError)?.code }

  @Test("A receiver that hangs: the time given, and no more")
  func timeOut() async throws {
    let receiver = try LoopbackReceiver([.hang])
    await #expect { try await Self.transport().send(Self.request(receiver, timeout: 0.05)) } throws: {
      Self.code($0) == .timedOut
    }
    #expect(receiver.requests.count == 1)
  }

  @Test("A cancelled task does not wait for its answer; the next request is sent")
  func cancellation() async throws {
    let receiver = try LoopbackReceiver([.hang, .status(200)])
    let transport = Self.transport()
    let task = Task { try await transport.send(Self.request(receiver, timeout: 3600)) }
    while receiver.requests.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    task.cancel()
    await #expect { try await task.value } throws: { Self.code($0) == .cancelled }
    #expect(try await transport.send(Self.request(receiver)).status == 200)
    while receiver.connectionCount > 1 { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test("A task that is cancelled already sends nothing")
  func cancelledBefore() async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await Self.transport().send(Self.request(receiver))
    }
    task.cancel()
    await #expect { try await task.value } throws: { Self.code($0) == .cancelled }
    #expect(receiver.requests.isEmpty)
  }

  static let broken: [LoopbackReceiver.Answer] = [
    .close, .resetWithin(HTTPResponse(status: 200, body: [UInt8](repeating: 120, count: 1000))),
  ]

  @Test("A connection that ends before the answer does", arguments: 0..<broken.count)
  func reset(number: Int) async throws {
    let receiver = try LoopbackReceiver([Self.broken[number]])
    await #expect { try await Self.transport().send(Self.request(receiver)) } throws: { Self.code($0) == .reset }
  }

  @Test("An answer without end is refused")
  func largeAnswer() async throws {
    let receiver = try LoopbackReceiver { _, request in
      .response(HTTPResponse(status: 200, body: [UInt8](repeating: 120, count: Int(request.headers["X-Size"] ?? "") ?? 0)))
    }
    let transport = Self.transport { $0.responseLimit = 10_000 }
    #expect(try await transport.send(Self.request(receiver, headers: ["X-Size": "10000"])).body.count == 10_000)
    await #expect { try await transport.send(Self.request(receiver, headers: ["X-Size": "10001"])) } throws: {
      Self.code($0) == .tooLarge
    }
  }

  @Test(
    "What is no URL of a receiver, and what would be two headers, is not sent",
    arguments: [
      "", "nothing", "ftp://127.0.0.1/", "file:///etc/hostname", "http://", "http://127.0.0.1:99999/", "http://a b/",
      "http://127.0.0.1:1/\u{0}",
    ])
  func invalidURL(url: String) async throws {
    let request = HTTPTransportRequest(method: "GET", url: url, timeoutSeconds: 5)
    // To curl, a single word is a host name.
    let expected: Set<HTTPTransportError.Code> = url == "nothing" ? [.unreachable, .invalidURL, .timedOut] : [.invalidURL]
    await #expect { try await Self.transport().send(request) } throws: { Self.code($0).map(expected.contains) == true }
  }

  @Test("Headers cannot smuggle in another", arguments: [("X-A", "1\r\nX-B: 2"), ("X-A\r\nX-B", "1"), ("X-A: 1", "2")])
  func headers(name: String, value: String) async throws {
    let receiver = try LoopbackReceiver([.status(200)])
    let headers = HTTPHeaders([.init(name: name, value: value)])
    await #expect { try await Self.transport().send(Self.request(receiver, headers: headers)) } throws: {
      Self.code($0) == .invalidURL
    }
    #expect(receiver.requests.isEmpty)
  }

  @Test("A proxy is asked for what is elsewhere")
  func proxy() async throws {
    let proxy = try LoopbackReceiver([.status(200, [:], "from the proxy")])
    let answer = try await Self.transport { $0.proxy = proxy.url }.send(
      HTTPTransportRequest(method: "GET", url: "http://receiver.invalid/path"))
    #expect(Self.text(answer) == "from the proxy")
    #expect(proxy.requests.map(\.target) == ["http://receiver.invalid/path"])
  }
}
