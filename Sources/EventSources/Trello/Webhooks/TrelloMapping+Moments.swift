import PayloadReading
import ValueStreamCore

/// Maps actions on a card that do not move it.
extension TrelloMapping {
  /// Returns the span event for an action. Nil for actions that change the card itself.
  func spanEvent(at time: Timestamp) -> SpanEvent? {
    var attributes: [Attribute] = []
    let name: String
    switch payload.type {
    case "commentCard":
      name = "comment"
      attributes.add("valuestream.comment.id", payload.action.text("id"))
      attributes.add("valuestream.comment.author", payload.author)
    case "addLabelToCard", "removeLabelFromCard":
      name = payload.type == "addLabelToCard" ? "labeled" : "unlabeled"
      attributes.add("valuestream.label.name", payload.label)
    case "addMemberToCard", "removeMemberFromCard":
      name = payload.type == "addMemberToCard" ? "assigned" : "unassigned"
      attributes.add("valuestream.assignee", payload.member)
    case "addChecklistToCard", "removeChecklistFromCard":
      name = payload.type == "addChecklistToCard" ? "checklist_added" : "checklist_removed"
      attributes.add("valuestream.checklist.name", payload.checklist)
    case "updateCheckItemStateOnCard":
      name = payload.checkItem?.text("state") == "complete" ? "check_item_completed" : "check_item_reopened"
      attributes.add("valuestream.checklist.name", payload.checklist)
      attributes.add("valuestream.check_item.name", payload.checkItem?.text("name"))
    case "addAttachmentToCard", "deleteAttachmentFromCard":
      name = payload.type == "addAttachmentToCard" ? "attached" : "detached"
      attributes.add("valuestream.attachment.name", payload.attachment?.text("name"))
      attributes.add("valuestream.attachment.url", payload.attachment?.text("url").map(WebAddress.withoutUser))
    default: return nil
    }
    return SpanEvent(name: name, time: time, attributes: attributes)
  }
}
