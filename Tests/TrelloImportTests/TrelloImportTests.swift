import APIClient
import Foundation
import Testing
import TrelloWebhooks
import ValueStreamCore
import ValueStreamTesting

@testable import TrelloImport

@Suite("An import from Trello")
struct TrelloImportTests {
  private static let board = #""board":{"id":"5abbe4b7ddc1b351ef961414","name":"Shop","shortLink":"abcd1234"}"#

  private static func action(_ number: Int, _ type: String, _ data: String) -> String {
    let date = Timestamp(seconds: 1_795_000_000 + Int64(number) * 60).rfc3339
    return
      #"{"id":"\#(id(number))","type":"\#(type)","date":"\#(date)","data":{\#(data),\#(board)},"memberCreator":{"username":"ada"}}"#
  }

  private static func id(_ number: Int) -> String { "5abbe4b7ddc1b351ef\(String(number + 100_000))" }

  /// A card that goes through three lists, and other cards besides.
  private static let actions: [String] = {
    let card = #""card":{"id":"6921e0b0ddc1b351ef000001","name":"Pay","idShort":3,"shortLink":"wxyz9876"}"#
    func list(_ name: String) -> String { #"{"id":"l-\#(name)","name":"\#(name)"}"# }
    func move(_ from: String, _ to: String) -> String {
      #"\#(card),"listBefore":\#(list(from)),"listAfter":\#(list(to)),"old":{"idList":"l-\#(from)"}"#
    }
    let own = [
      action(0, "createCard", "\(card),\"list\":\(list("To Do"))"), action(5, "updateCard", move("To Do", "Doing")),
      action(9, "commentCard", #"\#(card),"text":"Looking","list":\#(list("Doing"))"#),
      action(20, "updateCard", move("Doing", "Done")),
      action(30, "updateBoard", #""old":{"name":"x"}"#),
    ]
    let others = (100..<2400).map { number in
      action(
        number, "createCard",
        #""card":{"id":"6921e0b0ddc1b351ef\#(String(number + 100_000))","name":"c","idShort":\#(number)},"list":\#(list("To Do"))"#
      )
    }
    return own + others
  }()

  private static let model = #"{"id":"5abbe4b7ddc1b351ef961414","name":"Shop","idOrganization":"org1"}"#

  /// Answers as Trello does: the newest actions first, at most 1,000, before an action.
  private static let server = TransportFake { request in
    guard request.headers["Authorization"] == #"OAuth oauth_consumer_key="k", oauth_token="t""# else {
      return .json("invalid key", status: 401)
    }
    guard request.url.contains("/1/boards/abcd1234") else { return .json("The requested resource was not found.", status: 404) }
    guard request.url.contains("/actions?") else { return .json(model) }
    let query = Dictionary(
      (URLComponents(string: request.url)?.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
    let rest = actions.reversed().drop { action in query["before"].map { !action.contains($0) } ?? false }
    let shown = (query["before"] == nil ? rest : rest.dropFirst()).prefix(query["limit"].flatMap { Int($0) } ?? 50)
    return .json("[\(shown.map { "{\"limits\":{},\($0.dropFirst())" }.joined(separator: ","))]")
  }

  private static func steps(board: String) async throws -> [ContainerRun<ImportedDelivery>.Step] {
    let (key, token) = (try #require(Secret("k")), try #require(Secret("t")))
    let importer = TrelloImporter(
      "https://api.trello.com", key: key, token: token, client: APIClient(transport: server), boards: [board],
      period: RecordPeriod())
    var steps: [ContainerRun<ImportedDelivery>.Step] = []
    let run = ContainerRun<ImportedDelivery>(importer, limit: nil, concurrency: 1, pagesAhead: 1)
    try await run.run(try await importer.containers().names.map { ContainerProgress($0) }) { steps.append($0) }
    return steps
  }

  @Test("gives each action once, as the webhook of the board told it")
  func law() async throws {
    let steps = try await Self.steps(board: "abcd1234")
    #expect(steps.map(\.rows.count) == [1000, 1000, 305])
    let rows = steps.flatMap(\.rows)
    #expect(Set(rows.map(\.mark.id)).count == rows.count)
    #expect(!rows.contains { String(decoding: $0.body, as: UTF8.self).contains("limits") })
    let imported = rows.suffix(100).map {
      Delivery(source: $0.source, id: $0.mark.id, received: $0.mark.time, headers: $0.headers, body: $0.body).asMapped
    }
    let webhooks = Self.actions.prefix(100).map { action in
      Delivery(
        source: "trello", received: Timestamp(seconds: 1_796_000_000), headers: [:],
        body: Array("{\"action\":\(action),\"model\":\(Self.model)}".utf8))
    }
    let live = try DeliveryStory(webhooks, of: TrelloSource(), seed: 0)
    #expect(live.tree.contains { $0.hasSuffix("completed") })
    let half = Half(seed: 7)
    for (deliveries, seed) in [
      (imported, UInt64(0)), (imported, 1), (imported + webhooks, 0), (webhooks + imported, 0), (imported + webhooks, 2),
      (imported + half.of(webhooks), 3),
      (half.of(imported) + webhooks, 4),
    ] {
      let story = try DeliveryStory(deliveries, of: TrelloSource(), seed: seed)
      expectSameSpans(story.spans.map(\.fields), as: live.spans.map(\.fields))
    }
  }

  @Test("says what to check if there is no such board")
  func missing() async throws {
    let steps = try await Self.steps(board: "none")
    #expect(steps.first?.failure?.description.hasSuffix("; check the id of the board, and that the token may read it") == true)
  }
}
