import PayloadReading
import ValueStreamCore

/// Turns a payload into events. The result depends only on the payload, its time of receipt and the user's rules.
struct TrelloMapping {
  let payload: TrelloPayload
  let received: Timestamp
  let rules: TrelloRules

  /// The host in all keys. Trello has only one.
  static let host = "trello.com"

  func interpretation() throws(PayloadError) -> Interpretation {
    switch payload.type {
    case "createCard", "copyCard", "convertToCardFromCheckItem", "emailCard", "moveCardToBoard", "moveCardFromBoard",
      "updateCard", "deleteCard", "commentCard", "addLabelToCard", "removeLabelFromCard", "addMemberToCard",
      "removeMemberFromCard", "addChecklistToCard", "removeChecklistFromCard", "updateCheckItemStateOnCard",
      "addAttachmentToCard", "deleteAttachmentFromCard":
      let card = try payload.requireCard()
      var description = description(of: card)
      guard let life = lifeEvent(of: card) else {
        if let seen = seenList(at: description.time.timestamp) { description.phases = [seen] }
        return .events([description])
      }
      return .events([description, life])
    default: return .ignored(reason: "\(payload.type) is not supported")
    }
  }

  // MARK: Identity

  /// Returns an event with what all events of a card share.
  func event(of card: TrelloCard) -> Event {
    var event = Event(key: Self.key(card.id), time: .vendor(payload.date, orReceipt: received), attempt: .counted)
    // Few actions have labels, so most do not show whether the card is an incident.
    event.usualOperation = .issue
    if let created = card.created { event.marks = [.begin(.vendor(created))] }
    return event
  }

  /// Returns the key of a card. It does not contain the board, so the card keeps its key when it moves to another
  /// board.
  private static func key(_ id: String) -> SubjectKey {
    SubjectKey(source: "trello", host: host, container: "", kind: "issue", id: id)
  }

  /// Returns the aliases of a card. A move to another board changes the number but not the short link.
  private func names(of card: TrelloCard) -> [Reference] {
    var names: [Reference] = []
    if let board = payload.board?.shortLink, let number = card.number {
      names.append(
        Reference(.classicID, ClassicID.make(source: "trello", type: "issue", namespace: board, id: String(number))))
    }
    if let link = card.shortLink { names.append(Reference(.issue, link)) }
    if let url = card.url { names.append(Reference(.address, url)) }
    return names
  }

  // MARK: Description

  /// Returns an event with the name of the card, its board, and the span event for the action.
  ///
  /// ``lifeEvent(of:)`` returns a separate event. Within an attempt an end outranks all other facts, but a card that
  /// is done can still get another title.
  private func description(of card: TrelloCard) -> Event {
    var event = event(of: card)
    event.operation = operation(of: card)
    event.project = payload.board?.name
    event.owner = payload.workspace.map { "\(Self.host)/\($0)" }
    event.name = card.number.map { "\(payload.board?.name ?? "")#\($0)" }
    event.publishes = names(of: card)
    event.spanEvents = spanEvent(at: event.time.timestamp).map { [$0] } ?? []
    if let source = payload.sourceCard.map({ Reference.key(Self.key($0)) }) {
      switch payload.type {
      case "convertToCardFromCheckItem": event.follows = [FollowStatement(.vendorLink, [source])]
      case "copyCard": event.links = [LinkStatement(source, rule: "copy_of")]
      default: break
      }
    }
    event.attributes.add(AttributeName.valuestreamIssueNumber, card.number)
    event.attributes.add(AttributeName.valuestreamIssueTitle, card.title)
    event.attributes.add(AttributeName.valuestreamIssueURL, card.url)
    event.attributes.add(AttributeName.valuestreamIssueAuthor, payload.isCreation ? payload.author : nil)
    event.attributes.add(AttributeName.valuestreamIssueLabels, payload.labels(of: card))
    event.attributes.add(AttributeName.valuestreamIssueDue, card.due?.rfc3339)
    if card.due == nil, card.object.has("due") { event.attributes.add(AttributeName.valuestreamIssueDue, []) }
    event.attributes.add(AttributeName.valuestreamIssueDueComplete, card.isDueComplete)
    event.attributes.add(AttributeName.valuestreamBoardID, payload.board?.id)
    event.attributes.add(AttributeName.valuestreamBoardName, payload.board?.title)
    event.attributes.add(AttributeName.valuestreamBoardURL, payload.board?.url)
    return event
  }

  /// Returns the list that the card is in, which most actions show. Nil if the action names no list, or the list ends
  /// cards.
  private func seenList(at time: Timestamp) -> PhaseStatement? {
    guard let list = payload.list("list"), rules.outcome(in: list) == nil else { return nil }
    return .seen(track: "status", name: list.name, at: time)
  }

  /// Returns the operation of the card. Nil if the action does not show whether the card is an incident.
  private func operation(of card: TrelloCard) -> Operation? {
    if let labels = payload.labels(of: card) { return rules.isIncident(labels) ? .incident : .issue }
    guard let label = payload.label, rules.isIncident([label]) else { return nil }
    return payload.type == "removeLabelFromCard" ? .issue : .incident
  }
}
