/// What reviews and comments mean. Metrics and facts share these rules.
extension SpanEvent {
  /// True for a review or a comment on a line of the change.
  package var isReview: Bool { name == "review" || name == "review_comment" }

  /// True unless the author of the change or a bot wrote the review or comment. An unknown author counts as a person.
  ///
  /// Spans written by earlier versions do not mark bots, so the names of authors are checked, too.
  ///
  /// - Parameter author: the author of the change. Nil if unknown.
  package func isByPerson(otherThan author: String?, bots: Bots) -> Bool {
    let (reviewer, commenter) = (AttributeName.valuestreamReviewAuthor, AttributeName.valuestreamCommentAuthor)
    if let author, attributes.text(of: reviewer) == author || attributes.text(of: commenter) == author { return false }
    if attributes.value(of: AttributeName.valuestreamAuthorBot) == .bool(true) { return false }
    return !bots.isBot(attributes.text(of: reviewer) ?? attributes.text(of: commenter))
  }

  /// True for an approval. GitHub sends `approved`. GitLab sends `approval` for each one, and `approved` when the last
  /// required one is given.
  package var isApproval: Bool {
    guard name == "review" else { return false }
    let state = attributes.text(of: AttributeName.valuestreamReviewState)
    return state == "approved" || state == "approval"
  }

  /// True for a review that asks for changes.
  package var isBlockingReview: Bool {
    name == "review" && attributes.text(of: AttributeName.valuestreamReviewState) == "changes_requested"
  }
}

extension Span {
  /// The periods in which a change was a draft.
  package var drafts: [DraftTime.Stretch] {
    phases.filter { $0.track == "review" && $0.name == "draft" }.map { ($0.start, $0.end) }
  }
}
