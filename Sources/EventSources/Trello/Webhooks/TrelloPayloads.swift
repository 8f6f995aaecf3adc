import PayloadReading
import ValueStreamCore

/// Holds the members that all Trello payloads share: the action, and the watched model, which need not be the card.
///
/// Source: Atlassian Developer, "Webhooks" and "Action types" of the Trello REST API.
struct TrelloPayload {
  let action: PayloadObject
  let type: String
  /// The time of the action. Nil if a script does not send it.
  let date: Timestamp?
  private let data: PayloadObject?
  private let model: PayloadObject?

  init(_ document: JSONDocument) throws(PayloadError) {
    guard let root = PayloadObject(document.root, path: "$") else {
      throw PayloadError(
        .missingIdentity, reason: "expected an object; a list of actions, as Trello's API answers it, is no delivery")
    }
    guard let action = root.object("action") else {
      var error = root.missing("action", expected: "an object")
      error.reason += "; what Trello's API answers is no delivery"
      throw error
    }
    self.action = action
    type = try action.requireText("type")
    date = action.time("date")
    data = action.object("data")
    model = root.object("model")
  }

  func requireCard() throws(PayloadError) -> TrelloCard {
    try TrelloCard(try action.requireObject("data").requireObject("card"), doneAt: date)
  }

  var board: TrelloBoard? { TrelloBoard(data?.object("board")) }

  /// Returns a list in the data of the action. Nil if the action does not name it.
  func list(_ name: StaticString) -> TrelloList? {
    TrelloList(data?.object(name), on: board)
  }

  /// The previous values of the members that changed.
  var old: PayloadObject? { data?.object("old") }

  /// Who did the action.
  var author: String? { action.object("memberCreator").flatMap(Self.name) }

  /// True if the action creates a card.
  var isCreation: Bool { ["createCard", "copyCard", "convertToCardFromCheckItem", "emailCard"].contains(type) }

  /// The member that the action adds or removes. Nil for other actions.
  var member: String? { action.object("member").flatMap(Self.name) }

  private static func name(of member: PayloadObject) -> String? { member.text("username") ?? member.text("fullName") }

  /// The workspace of the board. Nil unless the webhook watches the board.
  var workspace: String? {
    guard let board = data?.object("board")?.text("id"), model?.text("id") == board else { return nil }
    return model?.text("idOrganization")
  }

  /// Returns all labels of a card. Nil unless the webhook watches the card.
  func labels(of card: TrelloCard) -> [String]? {
    guard model?.text("id") == card.id, let model, model.has("labels") else { return nil }
    return model.objects("labels").compactMap(Self.label)
  }

  /// The card that this card was copied from, or whose check item it was.
  var sourceCard: String? { data?.object("cardSource")?.text("id") }

  var checklist: String? { data?.object("checklist")?.text("name") }
  var checkItem: PayloadObject? { data?.object("checkItem") }
  var attachment: PayloadObject? { data?.object("attachment") }

  /// The label that the action adds or removes.
  var label: String? { data?.object("label").flatMap(Self.label) }

  /// Returns the name of a label, or its color if it has no name.
  private static func label(of label: PayloadObject) -> String? { label.text("name") ?? label.text("color") }
}

struct TrelloCard {
  let object: PayloadObject
  let id: String
  /// The number of the card in its board.
  let number: Int64?
  let shortLink: String?
  let title: String?
  let due: Timestamp?
  let isDueComplete: Bool?
  /// The time of creation, from the id: a Trello id begins with the second in which it was made.
  let created: Timestamp?

  /// Reads a card.
  ///
  /// - Parameter date: the time of the action. The card must have been created before.
  init(_ object: PayloadObject, doneAt date: Timestamp?) throws(PayloadError) {
    self.object = object
    id = try object.requireText("id")
    number = object.int("idShort")
    shortLink = object.text("shortLink")
    title = object.text("name")
    due = object.time("due")
    isDueComplete = object.bool("dueComplete")
    created = Self.created(id, before: date)
  }

  var url: String? { shortLink.map { "https://\(TrelloMapping.host)/c/\($0)" } }

  /// Returns the time in an id. Nil if the id only looks like one of Trello's: its time is before 2010, or after the
  /// action.
  private static func created(_ id: String, before date: Timestamp?) -> Timestamp? {
    guard let bytes = Hex.bytes(of: id), bytes.count == 12 else { return nil }
    let created = Timestamp(seconds: bytes.prefix(4).reduce(0) { $0 << 8 | Int64($1) })
    guard created >= firstIDs else { return nil }
    return date.map { created <= $0 } ?? true ? created : nil
  }

  private static let firstIDs = Timestamp(seconds: 1_262_304_000)
}

struct TrelloBoard {
  let id: String?
  let shortLink: String?
  let title: String?

  init?(_ object: PayloadObject?) {
    guard let object else { return nil }
    id = object.text("id")
    shortLink = object.text("shortLink")
    title = object.text("name")
  }

  var url: String? { shortLink.map { "https://\(TrelloMapping.host)/b/\($0)" } }

  /// The title, else the short link, else the id.
  var name: String? { title ?? shortLink ?? id }
}

struct TrelloList {
  let id: String?
  let name: String
  /// The names that rules can match: the name of the list, and `board/list`.
  let names: [String]

  /// Returns nil if the list has neither a name nor an id.
  init?(_ object: PayloadObject?, on board: TrelloBoard?) {
    guard let object, let name = object.text("name") ?? object.text("id") else { return nil }
    id = object.text("id")
    self.name = name
    names = [name] + (board?.name.map { ["\($0)/\(name)"] } ?? [])
  }
}
