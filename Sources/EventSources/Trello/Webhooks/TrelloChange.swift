import PayloadReading
import ValueStreamCore

/// A change in the life of a card, with the list that the card is in.
enum TrelloChange {
  case created(in: TrelloList?)
  /// The card came from another board.
  case arrived(in: TrelloList?)
  case moved(from: TrelloList?, to: TrelloList)
  case completed(in: TrelloList?)
  /// The card is no longer marked as complete.
  case resumed(in: TrelloList?)
  case archived(from: TrelloList?)
  /// The card was taken out of the archive.
  case restored(to: TrelloList?)
  case deleted(from: TrelloList?)
  /// The card went to another board.
  case left(from: TrelloList?)

  /// Returns the changes that an action makes, in the order in which they apply.
  ///
  /// Empty for actions that only describe the card or work on it, such as comments.
  ///
  /// - Parameter countingDue: true if marking a card as complete ends it.
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
    /// Returns the new value of a Boolean member. Nil if it did not change.
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

  /// The list that the card is in after the change, or was in last.
  var list: TrelloList? {
    switch self {
    case .moved(_, let list): list
    case .created(let list), .arrived(let list), .completed(let list), .resumed(let list), .archived(let list),
      .restored(let list), .deleted(let list), .left(let list):
      list
    }
  }
}
