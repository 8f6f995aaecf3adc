import PayloadReading
import ValueStreamCore

/// What every delivery has in common: one action, and the model that is watched, which need not be the card.
///
/// Source: Atlassian Developer, "Webhooks" and "Action types" of the Trello REST API.
struct TrelloPayload {
  let action: PayloadObject
  let type: String
  /// When it was done; nil where a script does not say.
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

  /// A list that the action names; nil where it does not.
  func list(_ name: StaticString) -> TrelloList? {
    TrelloList(data?.object(name), on: board)
  }

  /// What the card was before, of the members that changed.
  var old: PayloadObject? { data?.object("old") }

  /// Who did it.
  var author: String? { action.object("memberCreator").flatMap(Self.name) }

  /// True for the ways in which a card comes to be.
  var isCreation: Bool { ["createCard", "copyCard", "convertToCardFromCheckItem", "emailCard"].contains(type) }

  /// To whom, where it is about a member.
  var member: String? { action.object("member").flatMap(Self.name) }

  private static func name(of member: PayloadObject) -> String? { member.text("username") ?? member.text("fullName") }

  /// The workspace of the board; only deliveries for a watched board tell it.
  var workspace: String? {
    guard let board = data?.object("board")?.text("id"), model?.text("id") == board else { return nil }
    return model?.text("idOrganization")
  }

  /// All labels of a card; only deliveries for a watched card tell them.
  func labels(of card: TrelloCard) -> [String]? {
    guard model?.text("id") == card.id, let model, model.has("labels") else { return nil }
    return model.objects("labels").compactMap(Self.label)
  }

  /// The card that this one was copied from, or a check item of.
  var sourceCard: String? { data?.object("cardSource")?.text("id") }

  var checklist: String? { data?.object("checklist")?.text("name") }
  var checkItem: PayloadObject? { data?.object("checkItem") }
  var attachment: PayloadObject? { data?.object("attachment") }

  /// The label that the action is about.
  var label: String? { data?.object("label").flatMap(Self.label) }

  /// Labels without a name are known by their colour.
  private static func label(of label: PayloadObject) -> String? { label.text("name") ?? label.text("color") }
}

struct TrelloCard {
  let object: PayloadObject
  let id: String
  /// Counted within the board.
  let number: Int64?
  let shortLink: String?
  let title: String?
  let due: Timestamp?
  let isDueComplete: Bool?
  /// When it was made: Trello's ids begin with the second they were given in.
  let created: Timestamp?

  /// - Parameter date: when the action was done, before which the card was there.
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

  /// Nil for ids that only look like Trello's: older than Trello, or younger than what was done to the card.
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

  /// What people call it; the most readable of what there is.
  var name: String? { title ?? shortLink ?? id }
}

struct TrelloList {
  let id: String?
  let name: String
  /// What rules may call it: its name, and that with its board's before it.
  let names: [String]

  /// Nil where there is neither a name nor an id.
  init?(_ object: PayloadObject?, on board: TrelloBoard?) {
    guard let object, let name = object.text("name") ?? object.text("id") else { return nil }
    id = object.text("id")
    self.name = name
    names = [name] + (board?.name.map { ["\($0)/\(name)"] } ?? [])
  }
}
