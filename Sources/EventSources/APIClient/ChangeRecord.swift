package import ValueStreamCore

/// A pull request or merge request as a row.
package struct ChangeRecord: Sendable {
  package enum Columns: String, CaseIterable, Sendable {
    /// The columns of the program of 2019, which scripts rely on.
    case standard
    case all
  }

  package var owner = ""
  package var repository = ""
  package var createdAt: Timestamp?
  package var isMerged = false
  package var mergedAt: Timestamp?
  package var closedAt: Timestamp?
  package var updatedAt: Timestamp?
  package var comments: Int64?
  package var additions: Int64?
  package var deletions: Int64?
  package var id = ""
  package var author = ""
  package var url = ""
  package var title = ""
  package var reviewers: [String] = []

  package var number: Int64?
  package var state = ""
  package var isDraft = false
  package var firstCommitAt: Timestamp?
  /// The last time the change was marked ready for review; nil if it was never a draft.
  package var readyAt: Timestamp?
  package var firstReviewAt: Timestamp?
  package var approvedAt: Timestamp?
  package var reviews: Int64?
  package var changedFiles: Int64?
  package var commits: Int64?
  package var headBranch = ""
  package var baseBranch = ""
  package var labels: [String] = []
  /// The time as a draft in seconds; nil if the vendor does not report it.
  package var draftSeconds: Double?

  package init() {}

  private static let standardColumns = [
    "owner", "repo", "created_at", "merged", "duration", "comments", "additions", "deletions", "total_changes",
    "duration_per_comment", "duration_per_line", "ID", "merged_at", "closed_at", "updated_at", "author", "url", "title",
    "Reviewers",
  ]
  private static let furtherColumns = [
    "number", "state", "draft", "first_commit_at", "ready_at", "first_review_at", "approved_at", "reviews", "changed_files",
    "commits", "head_branch", "base_branch", "labels", "draft_seconds",
  ]

  package static func columns(_ columns: Columns) -> [String] {
    standardColumns + (columns == .all ? furtherColumns : [])
  }

  /// Returns the time of the merge, else of the close, else `now`.
  package func end(now: Timestamp) -> Timestamp { mergedAt ?? closedAt ?? now }

  /// Returns the values of the columns, in order.
  ///
  /// - Parameter now: the end time of an open change.
  package func row(_ columns: Columns, now: Timestamp) -> [String] {
    let duration = RecordText.seconds(from: createdAt, to: end(now: now))
    let changes =
      additions == nil && deletions == nil ? nil : (additions ?? 0).addingReportingOverflow(deletions ?? 0).partialValue
    let standard = [
      owner, repository, RecordText.text(createdAt), RecordText.text(isMerged), RecordText.text(duration),
      RecordText.text(comments), RecordText.text(additions), RecordText.text(deletions), RecordText.text(changes),
      duration.map { RecordText.ratio($0, per: comments) } ?? "", duration.map { RecordText.ratio($0, per: changes) } ?? "", id,
      RecordText.text(mergedAt), RecordText.text(closedAt), RecordText.text(updatedAt), author, url, title,
      RecordText.list(reviewers),
    ]
    guard columns == .all else { return standard }
    return standard + [
      RecordText.text(number), state, RecordText.text(isDraft), RecordText.text(firstCommitAt), RecordText.text(readyAt),
      RecordText.text(firstReviewAt), RecordText.text(approvedAt), RecordText.text(reviews), RecordText.text(changedFiles),
      RecordText.text(commits), headBranch, baseBranch, RecordText.list(labels), RecordText.text(draftSeconds),
    ]
  }
}
