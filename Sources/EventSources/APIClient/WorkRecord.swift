package import ValueStreamCore

/// An issue, a build or a deploy as a row: what begins, is worked on, and ends somehow.
package struct WorkRecord: Sendable {
  package var owner = ""
  package var repository = ""
  package var createdAt: Timestamp?
  /// From when on its duration counts, where that is not when it was created.
  package var beganAt: Timestamp?
  package var startedAt: Timestamp?
  package var finishedAt: Timestamp?
  /// In the vendor's words, in lower case; what is not over has the state it is in.
  package var outcome = ""
  package var id = ""
  package var author = ""
  package var url = ""
  package var title = ""
  /// What only this kind has, in the order of its columns.
  package var further: [String] = []

  package init() {}

  /// What all kinds have.
  package static let columns = [
    "owner", "repo", "created_at", "started_at", "finished_at", "outcome", "duration", "ID", "author", "url", "title",
  ]

  /// What is not over has no duration: it would be another at each run, and means of it would grow with the clock.
  package var row: [String] {
    let duration = RecordText.seconds(from: beganAt ?? createdAt, to: finishedAt)
    return [
      owner, repository, RecordText.text(createdAt), RecordText.text(startedAt), RecordText.text(finishedAt), outcome,
      RecordText.text(duration), id, author, url, title,
    ] + further
  }
}
