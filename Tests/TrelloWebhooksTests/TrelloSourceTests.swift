import Foundation
import Testing
import TrelloWebhooks
import ValueStreamCore
import ValueStreamTesting

@Suite("Trello source")
struct TrelloSourceTests {
  static let received = Timestamp(rfc3339: "2024-03-10T00:00:00Z") ?? .epoch
  static let source = TrelloSource()
  static let fixtures = PayloadFixture.all(besideTest: #filePath)
  static let samples = PayloadFixture.samples(of: fixtures, by: source, delivery: delivery)

  static func delivery(_ fixture: PayloadFixture) throws -> Delivery {
    Delivery(source: "trello", received: received, headers: ["Content-Type": "application/json"], body: try fixture.body())
  }

  static func delivery(_ name: String) throws -> Delivery {
    try delivery(PayloadFixture(name, besideTest: #filePath))
  }

  static func delivery(body: String) -> Delivery {
    Delivery(source: "trello", received: received, headers: [:], body: Array(body.utf8))
  }

  @Test("A payload becomes the recorded events", arguments: fixtures)
  func mapping(fixture: PayloadFixture) throws {
    fixture.expect(try Self.source.events(in: try Self.delivery(fixture)))
  }

  @Test("Every type of action that Docs/sources/trello.md says is understood has a payload here")
  func sampled() {
    #expect(
      Self.samples.map(\.type) == [
        "addAttachmentToCard", "addChecklistToCard", "addLabelToCard", "addMemberToCard", "commentCard",
        "convertToCardFromCheckItem", "copyCard", "createCard", "deleteAttachmentFromCard", "deleteCard", "emailCard",
        "moveCardFromBoard", "moveCardToBoard", "removeChecklistFromCard", "removeLabelFromCard", "removeMemberFromCard",
        "updateCard", "updateCheckItemStateOnCard",
      ])
  }

  @Test("No time that is absent or zero makes anything longer", arguments: samples)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(Self.source).checkAbsentTimes(try Self.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: fixtures)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(Self.source).checkReplay(try Self.delivery(fixture))
  }

  @Test("The contract of sources", arguments: samples)
  func contract(fixture: PayloadFixture) throws {
    let contract = EventSourceContract(
      source: Self.source, signedSource: Self.source, sample: try Self.delivery(fixture)
    ) { _ in [] }
    try contract.checkReading()
  }

  // MARK: Deliveries

  @Test("A delivery is known by the id of its action")
  func deliveryID() throws {
    #expect(Self.source.deliveryID(of: try Self.delivery("createCard.to_do")) == "65e58d90a1b2c3d4e5f6e001")
    for body in ["", "[]", "{", "{}", #"{"action":{"id":7}}"#, #"{"action":{"id":""}}"#] {
      #expect(Self.source.deliveryID(of: Self.delivery(body: body)) == nil, "\(body)")
    }
  }

  @Test("What cannot be read is answered 200, or Trello would switch the hook off")
  func unreadable() {
    #expect(Self.source.unreadableStatus == 200)
    #expect(Self.source.answersHead)
  }

  static func error(_ body: String) -> PayloadError? {
    #expect(throws: PayloadError.self) { try source.events(in: delivery(body: body)) }
  }

  @Test("What Trello's API answers is no delivery, and is refused so that one sees why")
  func answersOfAPI() throws {
    let action = String(decoding: try Self.delivery("createCard.to_do").body, as: UTF8.self)
    #expect(Self.error("[\(action)]")?.description.contains("a list of actions") == true)
    let others = [#"{"actions":[\#(action)]}"#, #"{"_value":null}"#, #"{"id":"1","callbackURL":"https://vs.example/trello"}"#]
    for other in others {
      let error = Self.error(other)
      #expect(error?.path == "$.action")
      #expect(error?.reason.contains("no delivery") == true, "\(other)")
    }
  }

  @Test("The path of what is missing is named")
  func missing() {
    #expect(Self.error(#"{"action":{"data":{}}}"#)?.path == "$.action.type")
    #expect(Self.error(#"{"action":{"type":"createCard"}}"#)?.path == "$.action.data")
    #expect(Self.error(#"{"action":{"type":"createCard","data":{"card":null}}}"#)?.path == "$.action.data.card")
    #expect(
      Self.error(#"{"action":{"type":"createCard","data":{"card":{"id":36}}}}"#)
        == PayloadError(
          .missingIdentity, path: "$.action.data.card.id", reason: "expected a text that is not empty, found a number"))
  }

  // MARK: Ids

  static func created(_ id: String, _ date: String? = "2024-03-04T09:00:00.412Z") throws -> [LifeMark] {
    let date = date.map { #""date":"\#($0)","# } ?? ""
    let body = #"{"action":{\#(date)"type":"commentCard","data":{"card":{"id":"\#(id)"}}}}"#
    return try source.events(in: delivery(body: body)).requireEvents().flatMap(\.marks)
  }

  @Test("When a card was made, its id tells; one that cannot be Trello's does not")
  func creation() throws {
    let made = try #require(Timestamp(rfc3339: "2024-03-04T09:00:00Z"))
    #expect(try Self.created("65e58d90a1b2c3d4e5f60c24") == [.begin(.vendor(made))])
    #expect(try Self.created("65E58D90A1B2C3D4E5F60C24", nil) == [.begin(.vendor(made))])
    for id in [
      "36", "65e58d90", "65e58d90a1b2c3d4e5f60c2", "65e58d90a1b2c3d4e5f60c2x", "00000001a1b2c3d4e5f60c24",
      "ffffffffa1b2c3d4e5f60c24", "65e58d91a1b2c3d4e5f60c24", "+5e58d90a1b2c3d4e5f60c24",
    ] {
      #expect(try Self.created(id).isEmpty, "\(id)")
    }
  }
}
