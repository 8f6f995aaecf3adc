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
      attributes.add(AttributeName.valuestreamCommentID, payload.action.text("id"))
      attributes.add(AttributeName.valuestreamCommentAuthor, payload.author)
    case "addLabelToCard", "removeLabelFromCard":
      name = payload.type == "addLabelToCard" ? "labeled" : "unlabeled"
      attributes.add(AttributeName.valuestreamLabelName, payload.label)
    case "addMemberToCard", "removeMemberFromCard":
      name = payload.type == "addMemberToCard" ? "assigned" : "unassigned"
      attributes.add(AttributeName.valuestreamAssignee, payload.member)
    case "addChecklistToCard", "removeChecklistFromCard":
      name = payload.type == "addChecklistToCard" ? "checklist_added" : "checklist_removed"
      attributes.add(AttributeName.valuestreamChecklistName, payload.checklist)
    case "updateCheckItemStateOnCard":
      name = payload.checkItem?.text("state") == "complete" ? "check_item_completed" : "check_item_reopened"
      attributes.add(AttributeName.valuestreamChecklistName, payload.checklist)
      attributes.add(AttributeName.valuestreamCheckItemName, payload.checkItem?.text("name"))
    case "addAttachmentToCard", "deleteAttachmentFromCard":
      name = payload.type == "addAttachmentToCard" ? "attached" : "detached"
      attributes.add(AttributeName.valuestreamAttachmentName, payload.attachment?.text("name"))
      attributes.add(AttributeName.valuestreamAttachmentURL, payload.attachment?.text("url").map(WebAddress.withoutUser))
    default: return nil
    }
    return SpanEvent(name: name, time: time, attributes: attributes)
  }
}
