import PayloadReading
import ValueStreamCore

/// What an action changes in the life of its card, with the list that the card is in.
enum TrelloChange {
  case created(in: TrelloList?)
  /// From another board.
  case arrived(in: TrelloList?)
  case moved(from: TrelloList?, to: TrelloList)
  case completed(in: TrelloList?)
  /// Marked as complete no longer.
  case resumed(in: TrelloList?)
  case archived(from: TrelloList?)
  /// Taken out of the archive.
  case restored(to: TrelloList?)
  case deleted(from: TrelloList?)
  /// To another board.
  case left(from: TrelloList?)

  /// In the order in which they count; none of an action that only describes the card, or says what was done to it.
  ///
  /// - Parameter countingDue: true where a card is over that is marked as complete.
  static func changes(in payload: TrelloPayload, of card: TrelloCard, countingDue: Bool) -> [TrelloChange] {
    let list = payload.list("list")
    if payload.isCreation { return [.created(in: list)] }
    switch payload.type {
    case "moveCardToBoard": return [.arrived(in: list)]
    case "moveCardFromBoard": return [.left(from: list)]
    case "deleteCard": return [.deleted(from: list)]
    case "updateCard": return updates(in: payload, of: card, countingDue)
    default: return []
    }
  }

  private static func updates(in payload: TrelloPayload, of card: TrelloCard, _ countingDue: Bool) -> [TrelloChange] {
    var changes: [TrelloChange] = []
    let target = payload.list("listAfter")
    let list = target ?? payload.list("list")
    if let target { changes.append(.moved(from: payload.list("listBefore"), to: target)) }
    /// What a truth value became; nil when it stayed.
    func turned(_ name: StaticString) -> Bool? {
      guard let old = payload.old?.bool(name), let new = card.object.bool(name) else { return nil }
      return new == old ? nil : new
    }
    if countingDue, let isComplete = turned("dueComplete") {
      changes.append(isComplete ? .completed(in: list) : .resumed(in: list))
    }
    if let isClosed = turned("closed") { changes.append(isClosed ? .archived(from: list) : .restored(to: list)) }
    return changes
  }

  /// The list the card is in afterwards, or was in last.
  var list: TrelloList? {
    switch self {
    case .moved(_, let list): list
    case .created(let list), .arrived(let list), .completed(let list), .resumed(let list), .archived(let list),
      .restored(let list), .deleted(let list), .left(let list):
      list
    }
  }
}
