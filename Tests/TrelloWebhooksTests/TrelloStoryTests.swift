import Testing
import TrelloWebhooks
import ValueStreamCore
import ValueStreamTesting

/// Checks the spans that result from several actions in any order.
@Suite("Trello stories")
struct TrelloStoryTests {
  static func story(_ names: [String], seed: UInt64 = 0, rules: TrelloRules = TrelloRules()) throws -> DeliveryStory {
    try DeliveryStory(names.map { try TrelloSourceTests.delivery($0) }, of: TrelloSource(rules: rules), seed: seed)
  }

  static let card = "65e58d90a1b2c3d4e5f60c24"

  /// Describes each attempt of the card in one line, with day and time.
  static func lives(_ story: DeliveryStory) -> [String] {
    story.spans.map(\.span).filter { $0.key.description.hasSuffix(card) }.map { span in
      func time(_ time: Timestamp?) -> String { time.map { String($0.rfc3339.dropFirst(8).prefix(8)) } ?? "?" }
      let isUnknown = span.attributes.value(of: "valuestream.start.unknown") == true
      let phases = span.phases.map { "\($0.name) \(time($0.start))-\(time($0.end))" }.joined(separator: ", ")
      return
        "\(isUnknown ? "before " : "")\(time(span.start)) to \(time(span.end)) \(span.outcome?.rawValue ?? "open"): \(phases)"
    }
  }

  static func lives(_ names: [String], rules: TrelloRules = TrelloRules()) throws -> [String] {
    let inOrder = lives(try story(names, rules: rules))
    for seed: UInt64 in 1..<8 { #expect(lives(try story(names, seed: seed, rules: rules)) == inOrder, "seed \(seed)") }
    return inOrder
  }

  static let life = [
    "createCard.to_do", "updateCard.doing", "commentCard", "addMemberToCard", "updateCard.renamed", "updateCard.due",
    "updateCard.position", "updateCard.complete", "updateCard.done", "updateCard.archived_done", "updateCard.again",
    "updateCard.archived", "updateCard.restored", "moveCardFromBoard", "moveCardToBoard", "deleteCard",
  ]

  // MARK: Whole life of a card

  @Test("A card from its first list to its deletion: whenever it is taken up again, another attempt begins")
  func whole() throws {
    #expect(
      try Self.lives(Self.life) == [
        "04T09:00 to 05T12:00 completed: To Do 04T09:00-04T10:00, Doing 04T10:00-05T12:00",
        "06T08:00 to 06T09:00 abandoned: Doing 06T08:00-06T09:00",
        "07T10:00 to 08T11:00 abandoned: Doing 07T10:00-08T11:00",
        "08T11:00 to 09T12:00 abandoned: Inbox 08T11:00-09T12:00",
      ])
  }

  @Test("One action is enough: when the card was made, its id says")
  func alone() throws {
    #expect(try Self.lives(["commentCard"]) == ["04T09:00 to ? open: Doing 04T09:00-?"], "it was there then")
    #expect(
      try Self.lives(["createCard.to_do", "commentCard"]) == ["04T09:00 to ? open: To Do 04T09:00-04T09:00, Doing 04T09:00-?"])
    #expect(try Self.lives(["updateCard.doing"]) == ["04T09:00 to ? open: To Do 04T09:00-04T10:00, Doing 04T10:00-?"])
    #expect(try Self.lives(["updateCard.done"]) == ["04T09:00 to 05T12:00 completed: Doing 04T09:00-05T12:00"])
    #expect(try Self.lives(["updateCard.archived_done"]) == ["04T09:00 to 05T18:00 completed: "])
    #expect(try Self.lives(["deleteCard"]) == ["04T09:00 to 09T12:00 abandoned: "])
    #expect(try Self.lives(["createCard.done"]) == ["04T09:00 to 04T09:00 completed: "])
    #expect(try Self.lives(["moveCardToBoard"]) == ["04T09:00 to ? open: Inbox 08T11:00-?"], "it was elsewhere before")
  }

  @Test("What was done is not done again when it is put away")
  func putAway() throws {
    let life = ["createCard.to_do", "updateCard.doing", "updateCard.done"]
    let once = try Self.lives(life)
    #expect(once == ["04T09:00 to 05T12:00 completed: To Do 04T09:00-04T10:00, Doing 04T10:00-05T12:00"])
    #expect(try Self.lives(life + ["updateCard.archived_done", "deleteCard"]) == once)
    #expect(
      try Self.lives(["updateCard.archived", "deleteCard"]) == ["04T09:00 to 06T09:00 abandoned: Doing 04T09:00-06T09:00"])
  }

  @Test("Two changes in one action both count: moved to Done and archived, taken out of the archive and moved on")
  func both() throws {
    let done = try TrelloSourceTests.delivery("updateCard.done").replacing([
      "\"old\": {": "\"old\": {\"closed\": false,",
      "\"shortLink\": \"k36dIsCo\"": "\"shortLink\": \"k36dIsCo\", \"closed\": true",
    ])
    let again = try TrelloSourceTests.delivery("updateCard.again").replacing([
      "\"old\": {": "\"old\": {\"closed\": true,",
      "\"shortLink\": \"k36dIsCo\"": "\"shortLink\": \"k36dIsCo\", \"closed\": false",
    ])
    for seed: UInt64 in 0..<4 {
      let story = try DeliveryStory([done, again], of: TrelloSource(), seed: seed)
      #expect(
        Self.lives(story) == [
          "04T09:00 to 05T12:00 completed: Doing 04T09:00-05T12:00", "06T08:00 to ? open: Doing 06T08:00-?",
        ])
    }
    #expect(try ClassicStory([done], of: TrelloSource()).finished.count == 1)
  }

  @Test("Where the way back was missed, a later move shows that it was taken")
  func missedRestart() throws {
    let moved = try TrelloSourceTests.delivery("updateCard.doing").replacing(["2024-03-04T10:00:00.250Z": "2024-03-06T10:00:00Z"])
    for seed: UInt64 in 0..<4 {
      let story = try DeliveryStory(
        [try TrelloSourceTests.delivery("updateCard.archived"), moved], of: TrelloSource(), seed: seed)
      #expect(Self.lives(story).count == 2)
      #expect(Self.lives(story).last?.hasPrefix("before 06T10:00 to ? open") == true)
    }
  }

  @Test("Both boards of a move tell it, in either order and at the same time", arguments: ["040", "041", "042", "290"])
  func halves(milliseconds: String) throws {
    let left = try TrelloSourceTests.delivery("moveCardFromBoard").replacing(["11:00:00.041": "11:00:00.\(milliseconds)"])
    let arrived = try TrelloSourceTests.delivery("moveCardToBoard").replacing(["11:00:00.050": "11:00:00.041"])
    for seed: UInt64 in 0..<4 {
      let story = try DeliveryStory(
        [try TrelloSourceTests.delivery("createCard.to_do"), left, arrived], of: TrelloSource(), seed: seed)
      #expect(story.spans.map(\.span.outcome) == [.abandoned, nil])
      #expect(story.spans.map(\.span.attempt) == [1, 2])
    }
  }

  @Test("A card keeps its identity on another board, and its older names; it is called by the new one")
  func boards() throws {
    let story = try Self.story(["createCard.to_do", "moveCardFromBoard", "moveCardToBoard"])
    #expect(Set(story.spans.map(\.span.key.description)) == ["trello:trello.com::issue:\(Self.card)"])
    #expect(Set(story.spans.map(\.span.name)) == ["Harbour Ops#4"])
    #expect(Set(story.spans.map(\.span.project)) == ["Harbour Ops"])
  }

  // MARK: Descriptions

  @Test("Title and due date follow the last action, also when the card is done", arguments: UInt64(0)..<6)
  func description(seed: UInt64) throws {
    let late = try TrelloSourceTests.delivery("updateCard.renamed").replacing([
      "2024-03-04T11:00:00Z": "2024-03-05T20:00:00Z", "\"name\": \"Doing\"": "\"name\": \"Done\"",
      "Discount is lost after the second item": "Lost discount",
    ])
    let names = ["createCard.to_do", "updateCard.doing", "updateCard.due", "updateCard.done", "updateCard.archived_done"]
    let story = try DeliveryStory(names.map { try TrelloSourceTests.delivery($0) } + [late], of: TrelloSource(), seed: seed)
    let span = try #require(story.spans.first?.span)
    #expect(story.spans.count == 1)
    #expect(span.attributes.value(of: "valuestream.issue.title") == "Lost discount")
    #expect(span.attributes.value(of: "valuestream.issue.due") == "2024-03-06T15:00:00Z")
    #expect(span.attributes.value(of: "valuestream.issue.author") == "rosa")
    #expect(span.attributes.value(of: "valuestream.issue.status") == "Done")
    let removed = try Self.story(["updateCard.due", "updateCard.due_removed"], seed: seed)
    #expect(removed.spans.first?.span.attributes.value(of: "valuestream.issue.due") == nil)
  }

  @Test("A label makes an incident of a card, and taking it away an issue again", arguments: UInt64(0)..<6)
  func incident(seed: UInt64) throws {
    func operation(_ names: [String], _ rules: TrelloRules = TrelloRules()) throws -> [Operation] {
      try Self.story(names, seed: seed, rules: rules).spans.map(\.span.operation)
    }
    #expect(try operation(["createCard.to_do", "addLabelToCard.incident", "updateCard.doing"]) == [.incident])
    #expect(try operation(["createCard.to_do", "addLabelToCard.unnamed"]) == [.issue])
    #expect(try operation(["addLabelToCard.incident", "removeLabelFromCard", "commentCard"]) == [.issue])
    #expect(try operation(["addLabelToCard.unnamed"], TrelloRules(incidentLabels: [NamePattern("orange")])) == [.incident])
    #expect(try operation(["updateCard.watched"]) == [.incident], "a hook on the card itself tells its labels")
  }

  @Test("What was done to a card are moments in it")
  func spanEvents() throws {
    let names = [
      "addMemberToCard", "removeMemberFromCard", "addLabelToCard.unnamed", "addChecklistToCard", "updateCheckItemStateOnCard",
      "removeChecklistFromCard", "addAttachmentToCard", "deleteAttachmentFromCard", "commentCard",
    ]
    #expect(
      try Self.story(names, seed: 3).spans.first?.span.events.map(\.name) == [
        "comment", "assigned", "unassigned", "labeled", "checklist_added", "check_item_completed", "checklist_removed",
        "attached", "detached",
      ])
  }

  @Test("A card made of a check item belongs to its card; a copy has a link to what it was copied from", arguments: UInt64(0)..<6)
  func relatives(seed: UInt64) throws {
    let story = try Self.story(["createCard.to_do", "convertToCardFromCheckItem", "copyCard"], seed: seed)
    let source = "issue:\(Self.card)"
    #expect(
      story.tree.sorted() == [
        "\(source) 09:00:00 to ? open", "issue:65e5c5d0a1b2c3d4e5f60c25 13:00:00 to ? open",
        "issue:65e5d3e0a1b2c3d4e5f60c26 14:00:00 to ? open under \(source) by vendor_link",
      ])
    #expect(story.spans.flatMap(\.links).map(\.rule) == ["copy_of"])
  }

  // MARK: Settings

  @Test("Lists that mean done or given up, by name or with their board, in any case")
  func lists() throws {
    func outcomes(done: String = "", abandoned: String = "", _ name: String = "updateCard.doing") throws -> [Outcome?] {
      let rules = TrelloRules(
        doneLists: done.isEmpty ? [] : [NamePattern(done)], abandonedLists: abandoned.isEmpty ? [] : [NamePattern(abandoned)])
      return try Self.story([name], rules: rules).spans.map(\.span.outcome)
    }
    for pattern in ["doing", "Do*", "Harbour Site/Doing", "harbour*/d?ing"] {
      #expect(try outcomes(done: pattern) == [.completed], "\(pattern)")
      #expect(try outcomes(abandoned: pattern) == [.abandoned], "\(pattern)")
    }
    #expect(try outcomes(done: "Harbour Ops/Doing") == [nil])
    #expect(try outcomes(done: "", "updateCard.done") == [nil])
    let defaults = TrelloRules()
    for name in ["Done", "done", "Done this week", "DONE 🎉"] { #expect(defaults.doneLists.match(name), "\(name)") }
    for name in ["Doing", "Donerkebab", "Not done"] { #expect(!defaults.doneLists.match(name), "\(name)") }
  }

  @Test("From a list where a card is over to another nothing begins, and the last says how it ended")
  func overAndOver() throws {
    let rules = TrelloRules(abandonedLists: [NamePattern("Doing")])
    let givenUp = ["createCard.to_do", "updateCard.doing"]
    let phases = "To Do 04T09:00-04T10:00"
    #expect(try Self.lives(givenUp, rules: rules) == ["04T09:00 to 04T10:00 abandoned: \(phases)"])
    let done = givenUp + ["updateCard.done"]
    #expect(try Self.lives(done, rules: rules) == ["04T09:00 to 04T10:00 completed: \(phases)"])
    #expect(try Self.lives(done + ["updateCard.again"], rules: rules) == ["04T09:00 to 04T10:00 abandoned: \(phases)"])
  }

  @Test("What is archived elsewhere is given up, or done where a user says so")
  func archived() throws {
    #expect(try Self.story(["updateCard.archived"]).spans.map(\.span.outcome) == [.abandoned])
    let rules = TrelloRules(archived: .completed)
    #expect(try Self.story(["updateCard.archived"], rules: rules).spans.map(\.span.outcome) == [.completed])
    #expect(
      try Self.lives(["updateCard.archived", "deleteCard"], rules: rules).first?.hasPrefix("04T09:00 to 06T09:00 completed")
        == true)
  }

  @Test("A card that is marked as complete is done only where a user says so, and then stays so wherever it goes")
  func dueComplete() throws {
    let names = ["createCard.to_do", "updateCard.doing", "updateCard.complete"]
    #expect(try Self.lives(names).map { $0.hasPrefix("04T09:00 to ? open") } == [true])
    let rules = TrelloRules(dueComplete: .done)
    let once = ["04T09:00 to 05T11:58 completed: To Do 04T09:00-04T10:00, Doing 04T10:00-05T11:58"]
    #expect(try Self.lives(names, rules: rules) == once)
    for more in [["updateCard.done"], ["updateCard.done", "updateCard.archived_done"], ["updateCard.archived"], ["deleteCard"]] {
      let lives = try Self.lives(names + more, rules: rules)
      #expect(lives.map { $0.hasPrefix("04T09:00 to 05T11:58 completed") } == [true], "\(more)")
    }
    let incomplete = try TrelloSourceTests.delivery("updateCard.incomplete").replacing([
      "\"name\": \"Done\"": "\"name\": \"Doing\""
    ])
    let story = try DeliveryStory(
      names.map { try TrelloSourceTests.delivery($0) } + [incomplete], of: TrelloSource(rules: rules), seed: 0)
    #expect(Self.lives(story) == once + ["06T07:59 to ? open: Doing 06T07:59-?"])
  }
}
