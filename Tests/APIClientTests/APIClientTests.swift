import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import APIClient

struct APIClientTests {
  private static let fine = HTTPResponse.json(Array("{}".utf8))

  private static func waits(
    _ answers: [Result<HTTPResponse, HTTPTransportError>], requests: Int = 1, spacing: Duration = .zero
  ) async throws -> (waits: [Double], requests: Int, reasons: [String]) {
    let clock = FakeClock()
    let transport = TransportFake(answers: answers)
    let reasons = Mutex<[String]>([])
    var options = APIClient.Options()
    options.spacing = spacing
    let client = APIClient(
      transport: transport, options: options, clock: clock, sleep: { clock.sleep($0) },
      report: { wait in reasons.withLock { $0.append(wait.reason) } })
    for _ in 0..<requests {
      try await client.send({ _ in HTTPTransportRequest(method: "GET", url: "https://api.example/x?token=y") }, read: { _ in () })
    }
    return (clock.sleeps, transport.requests.count, reasons.withLock { $0 })
  }

  private static func status(
    _ status: Int, _ headers: HTTPHeaders = [:], _ body: String = "{}"
  ) -> Result<HTTPResponse, HTTPTransportError> {
    .success(HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
  }

  @Test("A limit without a time is waited for a minute, then ever longer")
  func secondaryLimit() async throws {
    let limit = Self.status(403, [:], #"{"message":"You have exceeded a secondary rate limit"}"#)
    let result = try await Self.waits([limit, limit, limit, .success(Self.fine)])
    #expect(result.waits == [60, 120, 240])
    #expect(result.reasons.first == "https://api.example/x answered 403: You have exceeded a secondary rate limit")
  }

  @Test("When nothing is left the next request waits until the reset, without being refused")
  func primaryLimit() async throws {
    let last = Self.status(200, ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796000900"])
    let result = try await Self.waits([last, .success(Self.fine)], requests: 2)
    #expect(result.waits == [901])
    #expect(result.requests == 2)
    #expect(result.reasons == ["the rate limit of https://api.example/x is used up"])
  }

  @Test("The vendor's clock decides when its limit resets")
  func otherClock() async throws {
    // The clock of this machine is ten minutes slow.
    let last = Self.status(
      200,
      [
        "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796000900", "Date": "Mon, 30 Nov 2026 01:03:20 GMT",
      ])
    #expect(try await Self.waits([last, .success(Self.fine)], requests: 2).waits == [301])
  }

  @Test("Errors of the vendor are asked again ever later, and given up on in the end")
  func unavailable() async throws {
    let result = try await Self.waits([
      Self.status(500), Self.status(502), Self.status(503, ["Retry-After": "9"]), .success(Self.fine),
    ])
    #expect(result.waits == [0.5, 1, 9])
    let error = await #expect(throws: APIError.self) { try await Self.waits([Self.status(504, [:], "<html>")]) }
    #expect(error?.code == .unavailable)
    #expect(error?.description == "https://api.example/x answered 504")
  }

  @Test("Who never answered is not asked for long")
  func unreachable() async throws {
    let transport = TransportFake(answers: [.failure(HTTPTransportError(.unreachable, "no such host"))])
    let clock = FakeClock()
    let client = APIClient(transport: transport, clock: clock, sleep: { clock.sleep($0) })
    let error = await #expect(throws: APIError.self) {
      try await client.send({ _ in HTTPTransportRequest(method: "GET", url: "https://api.example") }, read: { _ in () })
    }
    #expect(error?.code == .unreachable)
    #expect(transport.requests.count == 3)
  }

  @Test(
    "What asking again does not better is an error at once",
    arguments: [
      (401, APIError.Code.unauthorized), (403, .forbidden), (404, .notFound), (410, .notFound), (301, .refused), (422, .refused),
    ])
  func refused(status: Int, code: APIError.Code) async throws {
    let error = await #expect(throws: APIError.self) { try await Self.waits([Self.status(status)]) }
    #expect(error?.code == code)
  }

  @Test("Nobody is waited for longer than an hour, and that is said")
  func longPauses() async throws {
    let limit = Self.status(429, ["Retry-After": "90000"])
    let last = Self.status(200, ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796000900000"])
    let away = Self.status(503, ["Retry-After": "99999999999999999999"])
    let result = try await Self.waits([limit, last, away, .success(Self.fine)], requests: 2)
    #expect(result.waits == [3700, 3700, 3700])
    #expect(
      result.reasons == [
        "https://api.example/x answered 429 (it asks for 90000 s; it is asked again sooner)",
        "the rate limit of https://api.example/x is used up (it asks for more than eleven days; it is asked again sooner)",
        "https://api.example/x answered 503 (it asks for more than eleven days; it is asked again sooner)",
      ])
  }

  @Test("A fixed pause is kept between requests")
  func spacing() async throws {
    #expect(try await Self.waits([.success(Self.fine)], requests: 3, spacing: .seconds(5)).waits == [5, 5])
  }
}
