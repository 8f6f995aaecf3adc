package import APIClient
import PayloadReading
import ValueStreamCore

/// Lists the builds of jobs, newest first.
package struct JenkinsBuilds: RecordSource {
  private let server: JenkinsServer
  private let jobs: [String]
  private let period: RecordPeriod
  private let pageSize: Int

  package let columns = WorkRecord.columns + ["number", "branch", "commit", "cause"]

  /// Creates a source.
  ///
  /// - Parameters:
  ///   - address: the address of the server without a trailing slash.
  ///   - authorization: the `Authorization` header; nil for a server that anybody may read.
  ///   - jobs: names of jobs with their folders: `shop/build`. If empty, all jobs are read.
  ///   - period: applies to the start of a build.
  package init(
    _ address: String, authorization: String?, client: APIClient, jobs: [String], period: RecordPeriod, pageSize: Int
  ) {
    server = JenkinsServer(address, authorization: authorization, client: client)
    self.jobs = jobs
    self.period = period
    self.pageSize = pageSize
  }

  package func containers() async throws(APIError) -> RecordContainers {
    if !jobs.isEmpty { return RecordContainers(jobs) }
    return RecordContainers(try await server.jobs())
  }

  package func page(of container: String, after cursor: String?, atMost limit: Int?) async throws(APIError) -> RecordPage {
    let place = cursor.flatMap { NumberedCursor($0) } ?? NumberedCursor(position: 0)
    let end = place.position + pageSize
    let fields =
      "number,result,building,timestamp,duration,fullDisplayName,url,"
      + "actions[causes[shortDescription,userId],lastBuiltRevision[SHA1,branch[name]]]"
    return try await server.get(JenkinsServer.path(of: container), tree: "allBuilds[\(fields)]{\(place.position),\(end)}") {
      job in
      let builds = job.listing("allBuilds")
      let new = builds.items.filter { ($0.int("number") ?? 0) < place.last }
      let isOver = builds.count < pageSize || period.isOver(at: builds.items.last?.time("timestamp"))
      let next = NumberedCursor(position: end, last: new.last?.int("number") ?? place.last)
      return RecordPage(
        rows: new.filter { period.contains($0.time("timestamp")) }.map { row($0, container) },
        next: isOver ? nil : next.description, notes: builds.notes, missing: builds.missing)
    }
  }

  private func row(_ build: PayloadObject, _ job: String) -> [String] {
    let (folder, name) = RecordText.split(job)
    let causes = build.objects("actions").flatMap { $0.objects("causes") }
    let revision = build.objects("actions").lazy.compactMap { $0.object("lastBuiltRevision") }.first
    let isRunning = build.bool("building") == true
    var record = WorkRecord()
    record.owner = folder
    record.repository = name
    record.createdAt = build.time("timestamp")
    record.startedAt = record.createdAt
    record.finishedAt =
      isRunning ? nil : record.createdAt?.moved(byStated: Double(build.int("duration") ?? 0) / 1000)
    record.outcome = isRunning ? "running" : (build.text("result") ?? "").lowercased()
    record.id = build.identifier("number") ?? ""
    record.author = causes.lazy.compactMap { $0.text("userId") }.first ?? ""
    record.url = build.text("url") ?? ""
    record.title = build.text("fullDisplayName") ?? ""
    record.further = [
      RecordText.text(build.int("number")), revision?.objects("branch").first?.text("name") ?? "", revision?.text("SHA1") ?? "",
      causes.first?.text("shortDescription") ?? "",
    ]
    return record.row
  }
}
