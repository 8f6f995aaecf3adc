package import APIClient
import PayloadReading
import ValueStreamCore

/// Lists the workflow runs of repositories, newest first. Each run appears with its last attempt.
package struct GitHubWorkflowRuns: RecordSource {
  private let api: GitHubAPI
  private let selection: GitHubSelection

  package let columns =
    WorkRecord.columns + ["workflow", "event", "branch", "commit", "run_number", "attempt", "path"]

  /// Creates a source. The period of the selection applies to the time of creation.
  package init(_ api: GitHubAPI, _ selection: GitHubSelection) {
    self.api = api
    self.selection = selection
  }

  package func containers() async throws(APIError) -> RecordContainers { try await selection.repositories.list(api) }

  package func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let place = cursor.flatMap { NumberedCursor($0) } ?? NumberedCursor(position: 1)
    let (owner, name) = RecordText.split(container)
    let query = "per_page=\(selection.pageSize)&page=\(place.position)"
    return try await api.get("/repos/\(container)/actions/runs?\(query)") { document, _ throws(APIError) in
      let answer = try document.object()
      let runs = answer.listing("workflow_runs")
      let new = runs.items.filter { ($0.int("id") ?? 0) < place.last }
      let isOver = runs.count < selection.pageSize || selection.period.isOver(at: runs.items.last?.time("created_at"))
      let next = NumberedCursor(position: place.position + 1, last: new.last?.int("id") ?? place.last)
      return RecordPage(
        rows: new.filter { selection.period.contains($0.time("created_at")) }.map { row($0, owner, name) },
        next: isOver ? nil : next.description,
        total: selection.period == RecordPeriod() ? answer.int("total_count").map { Int(clamping: $0) } : nil,
        notes: runs.notes, missing: runs.missing)
    }
  }

  private func row(_ run: PayloadObject, _ owner: String, _ name: String) -> [String] {
    let attempt = run.int("run_attempt") ?? 1
    var record = WorkRecord()
    record.owner = owner
    record.repository = name
    record.createdAt = run.time("created_at")
    record.startedAt = run.time("run_started_at")
    // `created_at` belongs to the first attempt.
    record.beganAt = attempt > 1 ? record.startedAt : nil
    record.finishedAt = run.text("status") == "completed" ? run.time("updated_at") : nil
    record.outcome = run.text("conclusion") ?? run.text("status") ?? ""
    record.id = run.identifier() ?? ""
    record.author = (run.object("triggering_actor") ?? run.object("actor"))?.text("login") ?? ""
    record.url = run.text("html_url") ?? ""
    record.title = run.text("display_title") ?? ""
    record.further = [
      run.text("name") ?? "", run.text("event") ?? "", run.text("head_branch") ?? "", run.text("head_sha") ?? "",
      RecordText.text(run.int("run_number")), "\(attempt)", run.text("path") ?? "",
    ]
    return record.row
  }
}
