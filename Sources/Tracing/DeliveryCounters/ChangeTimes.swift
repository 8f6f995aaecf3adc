package import ValueStreamCore

/// When a change reached what people wait for.
package struct ChangeTimes: Sendable, Hashable {
  /// A moment and the attempt it was in: a change that is opened again has several.
  package struct Moment: Sendable, Hashable {
    var time: Timestamp
    var attempt: Int
  }

  package var source: String
  package var project: String
  /// When it was opened first; nil where that is not known.
  package var created: Timestamp?
  /// The first review, or comment in one, of a person who is not the author, as far as both are known.
  package var firstReview: Moment?
  package var firstApproval: Moment?
  package var merge: Moment?
  /// When it was a draft.
  private var drafts: [Draft] = []

  private struct Draft: Sendable, Hashable {
    var start: Timestamp
    var end: Timestamp?
  }

  /// - Parameter spans: of a change, in order of attempts; at least one.
  /// - Returns: nil for none, or for what is no change.
  package init?(_ spans: [Span]) {
    guard let first = spans.first, first.operation == .pullRequest else { return nil }
    source = first.source
    project = first.project ?? ""
    created = first.isStartUnknown ? nil : first.start
    let bots = Bots()
    for span in spans {
      drafts += span.phases.filter { $0.track == "review" && $0.name == "draft" }.map { Draft(start: $0.start, end: $0.end) }
      let author = span.attributes.value(of: "valuestream.change.author")
      for event in span.events where event.name == "review" || event.name == "review_comment" {
        // Who comments on a change of one's own reviews nothing.
        if let author, event.attributes.value(of: "valuestream.review.author") == author { continue }
        if let author, event.attributes.value(of: "valuestream.comment.author") == author { continue }
        // Nobody waits for a program, which answers at once. Spans of earlier versions do not tell that it is one.
        let name =
          event.attributes.text(of: "valuestream.review.author") ?? event.attributes.text(of: "valuestream.comment.author")
        if event.attributes.value(of: "valuestream.author.bot") == .bool(true) || bots.isBot(name) { continue }
        firstReview = firstReview ?? Moment(time: event.time, attempt: span.attempt)
        if event.isApproval { firstApproval = firstApproval ?? Moment(time: event.time, attempt: span.attempt) }
      }
      if span.outcome == .merged, !span.isEndUnknown, let end = span.end { merge = Moment(time: end, attempt: span.attempt) }
    }
  }

  /// From the opening to a review, without the time in which the change was a draft and asked for none; nil where one of them is not known.
  package func secondsOfWaiting(for moment: Moment?) -> Double? {
    guard let created, let moment, let seconds = seconds(to: moment) else { return nil }
    return max(0, seconds - DraftTime.seconds(drafts.map { ($0.start, $0.end) }, from: created, to: moment.time))
  }

  /// From the opening to a moment; nil where one of them is not known.
  package func seconds(to moment: Moment?) -> Double? {
    guard let created, let moment else { return nil }
    return max(0, moment.time.seconds(since: created))
  }
}

extension SpanEvent {
  /// GitHub says `approved`; GitLab `approved` once all approvals are there, and `approval` before.
  fileprivate var isApproval: Bool {
    let state = attributes.value(of: "valuestream.review.state")
    return name == "review" && (state == .string("approved") || state == .string("approval"))
  }
}
