import PayloadReading
import ValueStreamCore

/// Builds tags of cards in the style of the Go ValueStream, which did not read Trello.
enum TrelloClassicTags {
  static func card(_ card: TrelloCard, in list: TrelloList?, _ payload: TrelloPayload) -> [Attribute] {
    let member = payload.action.object("memberCreator")
    var tags = ClassicTags(service: "trello")
    tags.add("event.action", payload.type)
    tags.add("user.id", member?.string("id"))
    tags.add("user.name", member?.string("username"))
    tags.add("project.id", payload.board?.id)
    tags.add("project.name", payload.board?.title)
    tags.add("project.url", payload.board?.url)
    tags.add("issue.id", card.id)
    tags.add("issue.number", card.number)
    tags.add("issue.url", card.url)
    tags.add("issue.status.id", list?.id)
    tags.add("issue.status.name", list?.name)
    return tags.attributes
  }
}
