import APIClient
import PayloadReading
import ValueStreamCore

/// Lists the issues of repositories, last updated first.
package enum GitHubIssues {
  package enum State: String, CaseIterable, Sendable {
    case open = "OPEN"
    case closed = "CLOSED"
    case all = "ALL"
  }

  package static let columns =
    WorkRecord.columns + ["number", "updated_at", "type", "comments", "labels", "assignees", "milestone"]

  /// Creates a source. The period of the selection applies to the close of closed issues, and to the creation of open
  /// ones.
  package static func source(_ api: GitHubAPI, _ selection: GitHubSelection, state: State) -> GitHubRecords {
    GitHubRecords(
      api: api, selection: selection, columns: columns, connection: "issues", order: .updated,
      filter: state == .all ? "" : "states:[\(state.rawValue)],",
      fields: """
        id number title url state stateReason createdAt closedAt updatedAt author{login} comments{totalCount} \
        labels(first:50){nodes{name}} assignees(first:20){nodes{login}} milestone{title} issueType{name}
        """
    ) { node, owner, repository in
      var record = WorkRecord()
      record.owner = owner
      record.repository = repository
      record.createdAt = node.time("createdAt")
      record.finishedAt = node.time("closedAt")
      record.outcome = (record.finishedAt.flatMap { _ in node.text("stateReason") } ?? node.text("state") ?? "").lowercased()
      record.id = node.identifier() ?? ""
      record.author = node.object("author")?.text("login") ?? ""
      record.url = node.text("url") ?? ""
      record.title = node.text("title") ?? ""
      record.further = [
        RecordText.text(node.int("number")), RecordText.text(node.time("updatedAt")),
        node.object("issueType")?.text("name") ?? "",
        RecordText.text(node.object("comments")?.int("totalCount")),
        RecordText.list(node.nodes("labels").compactMap { $0.text("name") }),
        RecordText.list(node.nodes("assignees").compactMap { $0.text("login") }), node.object("milestone")?.text("title") ?? "",
      ]
      return GitHubRecords.Record(row: record.row, time: record.finishedAt ?? record.createdAt)
    }
  }
}
