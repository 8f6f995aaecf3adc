import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Sends requests to vsd as Trello does.
@Suite("Trello's webhooks")
struct TrelloWebhookTests {
  private static let address = "https://vs.example.org/trello"

  private static func vsd() throws -> VSDProcess {
    try VSDProcess(
      ["--tracer=none", "--trello-callback-url", address], environment: ["VS_TRELLO_SECRET": "next,harbour app secret"])
  }

  private static let body = """
    {"model": {"id": "659bb990a1b2c3d4e5f60001"}, "action": {"id": "65e58d90a1b2c3d4e5f6e001", "type": "createCard",
      "date": "2024-03-04T09:00:00.412Z", "memberCreator": {"username": "rosa"}, "data": {
        "card": {"id": "65e58d90a1b2c3d4e5f60c24", "name": "Discount is lost", "idShort": 36, "shortLink": "k36dIsCo"},
        "list": {"name": "To Do"}, "board": {"name": "Harbour Site", "shortLink": "HbrS1te0"}}}}
    """

  private static func headers(of body: String) -> [String: String] {
    let code = SwiftMessageAuthenticator().authenticationCode(
      .sha1, of: Array((body + address).utf8), key: Array("harbour app secret".utf8))
    return ["X-Trello-Webhook": Data(code).base64EncodedString(), "Content-Type": "application/json"]
  }

  @Test("Before it makes a webhook, Trello asks with HEAD: 200, for which nobody needs a signature, and nothing is recorded")
  func head() throws {
    let vsd = try Self.vsd()
    for path in ["/trello", "/trello?board=site"] {
      let response = try vsd.connect().request("HEAD", path)
      #expect(response.status == 200)
      #expect(response.body == "")
    }
    #expect(try vsd.connect().request("HEAD", "/github").status == 405)
    #expect(try vsd.json("/api/v1/deliveries")["deliveries"] == [])
  }

  @Test("A signed delivery becomes a span; the signature is not kept")
  func signed() throws {
    let vsd = try Self.vsd()
    let headers = Self.headers(of: Self.body)
    #expect(try vsd.post("/trello", Self.body, headers: headers) == "200 success")
    #expect(try vsd.post("/trello", Self.body, headers: headers) == "200 duplicate")
    let span = try #require(try vsd.json("/api/v1/spans?source=trello")["spans"]?.list.first)
    #expect(span["key"] == "trello:trello.com::issue:65e58d90a1b2c3d4e5f60c24")
    #expect(span["name"] == "Harbour Site#36")
    #expect(span["classicID"] == "vstrace-trello-issue-HbrS1te0-36")
    #expect(span["start"] == "2024-03-04T09:00:00Z")
    #expect(span["phases"]?.list.first?["name"] == "To Do")
    let id = try vsd.json("/api/v1/deliveries")["deliveries"]?.list.first?["id"]?.text ?? ""
    let kept = try vsd.get("/api/v1/deliveries/\(id)").body
    #expect(kept.contains("65e58d90a1b2c3d4e5f6e001"))
    #expect(!kept.lowercased().contains("x-trello-webhook"))
  }

  @Test("What is not signed, or not with this address, is refused; what is signed and cannot be read is answered 200")
  func refused() throws {
    let vsd = try Self.vsd()
    #expect(try vsd.post("/trello", Self.body).hasPrefix("401"))
    #expect(try vsd.post("/trello", Self.body + " ", headers: Self.headers(of: Self.body)).hasPrefix("401"))
    for body in [#"{"_value": null}"#, "[]", "{", #"{"action": {"type": "createCard", "data": {"card": {}}}}"#] {
      let answer = try vsd.post("/trello", body, headers: Self.headers(of: body))
      #expect(answer.hasPrefix("200 unreadable: $"), "\(answer)")
    }
  }
}
