import PayloadReading
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import APIClient

struct GraphQLTests {
  private static let now = Timestamp(seconds: 1_796_000_000)

  private static func answer(_ body: String, _ headers: HTTPHeaders = [:]) throws(APIError) -> GraphQL.Answer {
    try GraphQL.Answer(HTTPResponse(status: 200, headers: headers, body: Array(body.utf8)), now: now)
  }

  @Test(
    "What errors mean",
    arguments: [
      (#"{"type":"RATE_LIMITED","message":"exceeded"}"#, .limited),
      (#"{"message":"You have exceeded a secondary rate limit"}"#, .limited),
      (#"{"type":"NOT_FOUND","message":"Could not resolve"}"#, .notFound), (#"{"type":"FORBIDDEN"}"#, .forbidden),
      (#"{"type":"INSUFFICIENT_SCOPES","message":"x"}"#, .forbidden),
      (#"{"message":"Something went wrong while executing your query."}"#, .unavailable),
      (#"{"message":"Timeout on validation"}"#, .unavailable),
      (#"{"message":"Field 'closedAt' doesn't exist on type 'MergeRequest'"}"#, .refused), ("{}", .refused),
    ] as [(String, APIError.Code)])
  func errors(error: String, code: APIError.Code) {
    let thrown = #expect(throws: APIError.self) { try Self.answer(#"{"data":null,"errors":[\#(error)]}"#) }
    #expect(thrown?.code == code)
  }

  @Test("An answer that lacks a part is of use; one that a limit or a time-out cut is not")
  func parts() throws {
    let part = try Self.answer(#"{"data":{"repository":{}},"errors":[{"type":"FORBIDDEN","message":"no"}]}"#)
    #expect(part.data?.object("repository") != nil && part.errors.map(\.description) == ["no"])
    #expect(throws: APIError.self) {
      try Self.answer(#"{"data":{"repository":{}},"errors":[{"message":"Something went wrong"}]}"#)
    }
    let limit = #expect(throws: APIError.self) {
      try Self.answer(
        #"{"errors":[{"type":"RATE_LIMITED"}]}"#, ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1796000010"])
    }
    #expect(limit?.retryAfterSeconds == 11)
  }

  private static func service(_ transport: TransportFake) -> GraphQLService {
    GraphQLService("https://git.example/graphql", headers: [:], client: APIClient(transport: transport, sleep: { _ in }))
  }

  private static func size(_ request: HTTPTransportRequest) -> Int? {
    guard let root = try? APIDocument(HTTPResponse(status: 200, body: request.body)).object() else { return nil }
    return root.object("variables")?.int("first").map { Int($0) }
  }

  @Test(
    "A page that is too large is halved down to one record, and the next pages begin with what worked", arguments: [1, 3, 10, 60])
  func sizes(most: Int) async throws {
    let asked = Mutex<[Int]>([])
    let transport = TransportFake { request in
      let size = Self.size(request) ?? 0
      asked.withLock { $0.append(size) }
      return size > most
        ? .json(#"{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}"#)
        : .json(#"{"data":{"list":{"nodes":[]}}}"#)
    }
    let service = Self.service(transport)
    for _ in 0..<8 { _ = try await service.page("query{list}", [], size: 100) { answer in answer.data?.object("list") } }
    let sizes = asked.withLock { $0 }
    let failed = sizes.prefix { $0 > most }
    #expect(failed.allSatisfy { $0 > most } && failed.count <= 7)
    #expect(Set(sizes.dropFirst(failed.count)).count == 1)
    #expect(sizes.count == failed.count + 8)
  }

  @Test("Pages grow again when they can")
  func growth() async throws {
    let asked = Mutex<[Int]>([])
    let transport = TransportFake { request in
      let size = Self.size(request) ?? 0
      let count = asked.withLock { asked in
        asked.append(size)
        return asked.count
      }
      return count <= 4
        ? .json(#"{"data":null,"errors":[{"message":"Timeout"}]}"#) : .json(#"{"data":{"list":{"nodes":[]}}}"#)
    }
    let service = Self.service(transport)
    for _ in 0..<40 { _ = try await service.page("query{list}", [], size: 100) { answer in answer.data?.object("list") } }
    let sizes = asked.withLock { $0 }
    #expect(sizes.prefix(5) == [100, 100, 50, 25, 12])
    #expect(sizes.last == 100)
  }

  @Test("Data with a passing error beside them are taken once asking again has not helped")
  func partial() async throws {
    let requests = Atomic(0)
    let transport = TransportFake { _ in
      requests.add(1, ordering: .relaxed)
      return .json(
        #"{"data":{"list":{"nodes":[{"id":1},null,{"id":3}]}},"errors":[{"type":"SERVICE_UNAVAILABLE","message":"Something went wrong"}]}"#
      )
    }
    let page = try await Self.service(transport).page("query{list}", [], size: 100) { answer throws(APIError) in
      try GraphQLConnection(answer.data?.object("list"), of: answer, what: "list")
    }
    #expect(page.nodes.count == 2 && page.missing == 1)
    #expect(
      page.notes == ["something is missing: Something went wrong", "1 record is missing: the answer has null in its place"])
    #expect(requests.load(ordering: .relaxed) == 3)
  }

  @Test("What is no answer of GraphQL", arguments: ["", "[]", "{}", "<html>", #"{"data":7}"#])
  func malformed(body: String) {
    let error = #expect(throws: APIError.self) { try Self.answer(body) }
    #expect(error?.code == .malformed)
  }
}
