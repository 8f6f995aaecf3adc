import APIClient
import PayloadReading
import ValueStreamCore

/// Lists the deployments of repositories, newest first.
package enum GitHubDeployments {
  package static let columns =
    WorkRecord.columns + ["environment", "ref", "commit", "task", "updated_at"]

  /// Creates a source. The period of the selection applies to the time of creation.
  package static func source(_ api: GitHubAPI, _ selection: GitHubSelection) -> GitHubRecords {
    GitHubRecords(
      api: api, selection: selection, columns: columns, connection: "deployments", order: .created, filter: "",
      fields: """
        id createdAt updatedAt environment state task description commitOid ref{name} creator{login} \
        statuses(first:100){nodes{state createdAt logUrl environmentUrl}}
        """
    ) { node, owner, repository in
      let statuses = node.nodes("statuses").compactMap { status in
        status.time("createdAt").map { (state: status.text("state") ?? "", time: $0, status: status) }
      }.sorted { $0.time < $1.time }
      // Statuses after the end, such as inactive, describe the environment and not this deployment.
      let end = statuses.first { ["SUCCESS", "FAILURE", "ERROR"].contains($0.state) }
      let told = end ?? statuses.last
      var record = WorkRecord()
      record.owner = owner
      record.repository = repository
      record.createdAt = node.time("createdAt")
      record.startedAt = statuses.first { $0.state == "IN_PROGRESS" }?.time
      record.finishedAt = end?.time
      record.outcome = (told?.state ?? node.text("state") ?? "").lowercased()
      record.id = node.identifier() ?? ""
      record.author = node.object("creator")?.text("login") ?? ""
      record.url = told?.status.text("logUrl") ?? told?.status.text("environmentUrl") ?? ""
      record.title = node.text("description") ?? ""
      record.further = [
        node.text("environment") ?? "", node.object("ref")?.text("name") ?? "", node.text("commitOid") ?? "",
        node.text("task") ?? "", RecordText.text(node.time("updatedAt")),
      ]
      return GitHubRecords.Record(row: record.row, time: record.createdAt)
    }
  }
}
