import Testing
import TrelloWebhooks
import ValueStreamCore
import ValueStreamTesting

/// Checks the classic spans of cards, which follow those of issues in the Go ValueStream.
@Suite("Trello's classic spans")
struct TrelloClassicTests {
  static func story(_ names: [String], rules: TrelloRules = TrelloRules()) throws -> ClassicStory {
    try ClassicStory(names.map { try TrelloSourceTests.delivery($0) }, of: TrelloSource(rules: rules))
  }

  @Test("A card: from its creation until it is done, whatever happens in between; taken up again it is another span")
  func life() throws {
    let story = try Self.story([
      "createCard.to_do", "updateCard.doing", "commentCard", "updateCard.renamed", "addLabelToCard.incident", "updateCard.done",
      "updateCard.archived_done", "updateCard.again",
    ])
    #expect(story.finished.map(\.type) == ["issue"])
    #expect(story.finished.map(\.error) == [false])
    #expect(story.finished.map(\.seconds) == [27 * 3600 + 0.125])
    #expect(story.open == ["issue updateCard"])
    #expect(
      story.finished[0].tags == [
        "service": "trello", "event.action": "createCard", "user.id": "65692200a1b2c3d4e5f60a01", "user.name": "rosa",
        "project.id": "659bb990a1b2c3d4e5f60001", "project.name": "Harbour Site",
        "project.url": "https://trello.com/b/HbrS1te0", "issue.id": "65e58d90a1b2c3d4e5f60c24", "issue.number": 36,
        "issue.url": "https://trello.com/c/k36dIsCo", "issue.status.id": "659bb991a1b2c3d4e5f60100",
        "issue.status.name": "To Do",
      ])
  }

  @Test("Every way to begin and every way to end")
  func ways() throws {
    for name in [
      "createCard.to_do", "copyCard", "convertToCardFromCheckItem", "emailCard", "moveCardToBoard", "updateCard.restored",
    ] {
      #expect(try Self.story([name]).open.count == 1, "\(name)")
    }
    let begun = "createCard.to_do"
    for name in ["updateCard.done", "updateCard.archived", "updateCard.archived_done", "deleteCard", "moveCardFromBoard"] {
      let story = try Self.story([begun, name])
      #expect(story.open.isEmpty)
      #expect(story.finished.map(\.error) == [false], "\(name)")
    }
  }

  @Test("An end without a start is a whole span, but not a second end")
  func endOnly() throws {
    #expect(try Self.story(["updateCard.done"]).finished.map(\.seconds) == [27 * 3600 + 0.125])
    let story = try Self.story([
      "updateCard.done", "updateCard.archived_done", "deleteCard",
    ])
    #expect(story.finished.count == 1)
    #expect(try Self.story(["updateCard.archived", "deleteCard"]).finished.count == 1)
  }

  @Test("A card that leaves one watched board for the list of another where it is done ends once, whichever board tells it first")
  func twoBoards() throws {
    let rules = TrelloRules(doneLists: [NamePattern("Inbox")])
    for moves in [["moveCardFromBoard", "moveCardToBoard"], ["moveCardToBoard", "moveCardFromBoard"]] {
      let story = try Self.story(["createCard.to_do"] + moves, rules: rules)
      #expect(story.finished.count == 1, "\(moves)")
      #expect(story.open.isEmpty)
    }
    for move in ["moveCardFromBoard", "moveCardToBoard"] {
      #expect(try Self.story([move], rules: rules).finished.count == 1, "\(move) alone is a whole span")
    }
  }

  @Test("The webhooks of a board and of one of its cards tell one end in different words; it counts once")
  func boardAndCard() throws {
    let ofBoard = try TrelloSourceTests.delivery("updateCard.done")
    let ofCard = try ofBoard.replacing([
      #"""
        "id": "659bb990a1b2c3d4e5f60001",
          "name": "Harbour Site",
          "idOrganization": "65692200a1b2c3d4e5f60f00",
      """#: #"""
        "id": "65e58d90a1b2c3d4e5f60c24",
          "name": "Discount is lost after the second item",
          "labels": [{"name": "Bug", "color": "red"}],
      """#
    ])
    for ends in [[ofBoard, ofCard], [ofCard, ofBoard]] {
      #expect(try ClassicStory(ends, of: TrelloSource()).finished.count == 1)
      let begun = try TrelloSourceTests.delivery("createCard.to_do")
      #expect(try ClassicStory([begun] + ends, of: TrelloSource()).finished.count == 1)
    }
  }

  @Test("Lists and due dates count as a user says")
  func rules() throws {
    let rules = TrelloRules(doneLists: [NamePattern("Doing")], dueComplete: .done)
    #expect(try Self.story(["createCard.to_do", "updateCard.doing"], rules: rules).finished.count == 1)
    let complete = ["createCard.to_do", "updateCard.complete", "updateCard.archived_done"]
    #expect(try Self.story(complete, rules: TrelloRules(dueComplete: .done)).finished.map(\.seconds) == [26 * 3600 + 58 * 60])
    #expect(try Self.story(["createCard.to_do", "updateCard.complete"]).finished.isEmpty)
  }

  @Test("Nothing else has a classic span")
  func others() throws {
    let story = try Self.story([
      "commentCard", "addLabelToCard.incident", "addMemberToCard", "updateCard.doing", "updateCard.due", "updateCard.position",
      "updateCard.complete", "updateList.renamed",
    ])
    #expect(story.finished.isEmpty)
    #expect(story.open.isEmpty)
  }
}
