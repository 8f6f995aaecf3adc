package import ValueStreamCore

/// An issue, build or deploy as a row: work that starts, ends and has an outcome.
package struct WorkRecord: Sendable {
  package var owner = ""
  package var repository = ""
  package var createdAt: Timestamp?
  /// The start of the duration, if it is not the time of creation.
  package var beganAt: Timestamp?
  package var startedAt: Timestamp?
  package var finishedAt: Timestamp?
  /// The outcome in the vendor's words, in lower case; the current state if the work has not ended.
  package var outcome = ""
  package var id = ""
  package var author = ""
  package var url = ""
  package var title = ""
  /// The values of columns that only this kind of record has, in their order.
  package var further: [String] = []

  package init() {}

  /// The columns of all kinds.
  package static let columns = [
    "owner", "repo", "created_at", "started_at", "finished_at", "outcome", "duration", "ID", "author", "url", "title",
  ]

  /// The values of all columns.
  ///
  /// Unfinished work has no duration. It would differ with each run, and averages would grow with the clock.
  package var row: [String] {
    let duration = RecordText.seconds(from: beganAt ?? createdAt, to: finishedAt)
    return [
      owner, repository, RecordText.text(createdAt), RecordText.text(startedAt), RecordText.text(finishedAt), outcome,
      RecordText.text(duration), id, author, url, title,
    ] + further
  }
}
