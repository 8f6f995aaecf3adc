import Payloads
import Testing
import ValueStreamCore

@testable import VendorAPI

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

  @Test("What is no answer of GraphQL", arguments: ["", "[]", "{}", "<html>", #"{"data":7}"#])
  func malformed(body: String) {
    let error = #expect(throws: APIError.self) { try Self.answer(body) }
    #expect(error?.code == .malformed)
  }
}
