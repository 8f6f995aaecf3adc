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

  /// - Parameter now: the end of what is not over.
  package func row(now: Timestamp) -> [String] {
    let duration = (beganAt ?? createdAt).map { (finishedAt ?? now).seconds(since: $0) }
    return [
      owner, repository, RecordText.text(createdAt), RecordText.text(startedAt), RecordText.text(finishedAt), outcome,
      RecordText.text(duration), id, author, url, title,
    ] + further
  }
}
