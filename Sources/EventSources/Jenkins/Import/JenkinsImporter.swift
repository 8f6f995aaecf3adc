package import APIClient
package import JenkinsAPI
import PayloadReading
import ValueStreamCore

/// What an import reads of a job.
package enum JenkinsImportKind: String, CaseIterable, Sendable {
  case builds
  /// The stages of pipeline builds, with a request for each build.
  case stages
}

/// Reads the builds of Jenkins jobs as deliveries of the plugin Statistics Gatherer.
///
/// A container is what is read of a job with its folders, such as `shop/build builds`. Builds are read from the newest to the oldest.
package struct JenkinsImporter: Importer {
  private let server: JenkinsServer
  private let jobs: [String]
  private let kinds: [JenkinsImportKind]
  private let period: RecordPeriod

  typealias Page = SourcePage<ImportedDelivery>

  /// - Parameters:
  ///   - jobs: names of jobs with their folders. If empty, all jobs are read.
  ///   - period: applies to the start of a build.
  package init(
    _ server: JenkinsServer, jobs: [String], kinds: [JenkinsImportKind] = JenkinsImportKind.allCases, period: RecordPeriod
  ) {
    self.server = server
    self.jobs = jobs
    self.kinds = kinds
    self.period = period
  }

  package func containers() async throws(APIError) -> RecordContainers {
    let names = jobs.isEmpty ? try await server.jobs() : jobs
    return RecordContainers(ImportContainer.names(kinds, of: names))
  }

  package func page(
    of container: String, after cursor: String?, atMost limit: Int?
  ) async throws(APIError) -> SourcePage<ImportedDelivery> {
    let container = try ImportContainer<JenkinsImportKind>(container)
    let job = container.place
    do throws(APIError) {
      switch container.kind {
      case .builds:
        let (builds, page) = try await builds(of: job, JenkinsImportBuild.fields, size: 100, after: cursor)
        return page.adding(builds.compactMap { JenkinsImportBuild.delivery($0, of: job, at: server.address) })
      case .stages: return try await stages(of: job, after: cursor)
      }
    } catch {
      throw Self.explained(error)
    }
  }

  /// Adds what to do about an error.
  private static func explained(_ error: APIError) -> APIError {
    var error = error
    switch error.code {
    case .forbidden: error.description += "; the user needs the permission Job/Read"
    case .notFound: error.description += "; check the name with its folders, and that the user may read the job"
    default: break
    }
    return error
  }

  /// Reads a page of the builds of a job, without those that a page before had.
  ///
  /// - Parameter fields: the members of a build beside those that every caller needs.
  /// - Returns: the builds in the period, and the page without rows.
  private func builds(
    of job: String, _ fields: String, size: Int, after cursor: String?
  ) async throws(APIError) -> (builds: [PayloadObject], page: Page) {
    let place = cursor.flatMap { NumberedCursor($0) } ?? NumberedCursor(position: 0)
    let end = place.position + size
    let tree = "allBuilds[number,timestamp,\(fields)]{\(place.position),\(end)}"
    return try await server.get(JenkinsServer.path(of: job), tree: tree) { answer in
      let builds = answer.listing("allBuilds")
      let new = builds.items.filter { ($0.int("number") ?? 0) < place.last }
      let last = builds.items.last?.time("timestamp")
      let isOver = builds.count < size || period.isOver(at: last)
      let next = NumberedCursor(position: end, last: new.last?.int("number") ?? place.last)
      var page = Page(rows: [], next: isOver ? nil : next.description, notes: builds.notes, missing: builds.missing)
      page.reached = last
      return (new.filter { period.contains($0.time("timestamp")) }, page)
    }
  }

  /// Reads the stages of the builds of a page. Only pipelines have stages.
  private func stages(of job: String, after cursor: String?) async throws(APIError) -> Page {
    var (builds, page) = try await builds(of: job, "result", size: 20, after: cursor)
    for build in builds where build.text("_class")?.hasSuffix("WorkflowRun") ?? true {
      guard let number = build.int("number"), let started = build.time("timestamp") else { continue }
      do throws(APIError) {
        let run = try await server.get("\(JenkinsServer.path(of: job))/\(number)/wfapi/describe") { $0 }
        page.rows += JenkinsImportBuild.stages(run, of: job, number, started: started, at: server.address)
      } catch {
        if error.code == .notFound {
          page.notes.append("build \(number) has no stages; they need the plugin Pipeline: REST API")
          // The others have none either.
          if page.rows.isEmpty { page.next = nil }
          return page
        }
        guard error.concern == .unclear else { throw error }
        page.missing += 1
        page.notes.append("the stages of build \(number) are missing: \(error)")
      }
    }
    return page
  }

  package func estimate(of container: String) async throws(APIError) -> ImportEstimate {
    let container = try ImportContainer<JenkinsImportKind>(container)
    let job = container.place
    do throws(APIError) {
      // Old builds are deleted, so this is an upper bound.
      let tree = "lastBuild[number],firstBuild[number]"
      let (count, isPipeline) = try await server.get(JenkinsServer.path(of: job), tree: tree) { job in
        let isPipeline = job.text("_class")?.hasSuffix("WorkflowJob") ?? true
        guard let last = job.object("lastBuild")?.int("number") else { return (0, isPipeline) }
        return (Int(clamping: max(0, last - (job.object("firstBuild")?.int("number") ?? 1)) + 1), isPipeline)
      }
      return switch container.kind {
      case .builds: ImportEstimate(records: count, requests: 1 + count / 100)
      case .stages: ImportEstimate(records: isPipeline ? count : 0, requests: 1 + count / 20 + (isPipeline ? count : 0))
      }
    } catch {
      throw Self.explained(error)
    }
  }

  /// Jenkins has no limit.
  package func quota() async throws(APIError) -> RequestQuota? { nil }
}

extension SourcePage {
  fileprivate func adding(_ rows: [Row]) -> SourcePage {
    var page = self
    page.rows += rows
    return page
  }
}

enum JenkinsImportBuild {
  /// What ``delivery(_:of:at:)`` reads beside number and time.
  static let fields =
    "result,building,duration,url,builtOn,actions[causes[shortDescription,userId],lastBuiltRevision[SHA1,branch[name]],"
    + "remoteUrls,parameters[name,value],queuingDurationMillis]"

  /// Returns the delivery of a build; nil if the build lacks a number or a start.
  ///
  /// - Parameters:
  ///   - job: the full name of its job.
  ///   - server: the address of the server.
  static func delivery(_ build: PayloadObject, of job: String, at server: String) -> ImportedDelivery? {
    guard let number = build.int("number"), let started = build.time("timestamp") else { return nil }
    let isOver = build.bool("building") != true && build.text("result") != nil
    let milliseconds = max(0, build.int("duration") ?? 0)
    let ended = isOver ? started.moved(byStated: Double(milliseconds) / 1000) : nil
    let actions = build.objects("actions")
    let causes = actions.flatMap { $0.objects("causes") }
    var members = [
      JSONPair("ciUrl", .text(server)), JSONPair("jobName", .text(job.split(separator: "/").last.map(String.init) ?? job)),
      JSONPair("fullJobName", .text(job)), JSONPair("number", .number(number)),
      JSONPair("result", .text(isOver ? build.text("result") : "INPROGRESS")),
      JSONPair("startTime", .number(Self.milliseconds(started))),
      JSONPair("buildCause", .text(causes.lazy.compactMap { $0.text("shortDescription") }.first)),
    ]
    if let ended {
      members += [JSONPair("endTime", .number(Self.milliseconds(ended))), JSONPair("duration", .number(milliseconds))]
    }
    if let address = build.text("url") { members.append(JSONPair("buildUrl", .text(address))) }
    if let user = causes.lazy.compactMap({ $0.text("userId") }).first { members.append(JSONPair("startedUserName", .text(user))) }
    if let worker = build.text("builtOn") {
      members.append(JSONPair("slaveInfo", .object([JSONPair("slaveName", .text(worker))])))
    }
    // Of the plugin Metrics.
    if let queued = actions.lazy.compactMap({ $0.int("queuingDurationMillis") }).first, queued > 0 {
      members.append(JSONPair("queueTime", .number(queued)))
    }
    if let scm = scm(actions) { members.append(JSONPair("scmInfo", scm)) }
    var json = JSONWriter(capacity: 1000)
    json.object { json in
      json.members(members)
      json.name("parameters")
      json.object { json in
        for parameter in actions.flatMap({ $0.objects("parameters") }) {
          guard let name = parameter.text("name"), let value = parameter.value["value"] else { continue }
          json.name(name)
          json.value(value)
        }
      }
    }
    // A recreated job begins again at 1, so the start belongs to the id.
    return ImportedDelivery(
      source: "jenkins", id: ("build", Self.hash(job), "\(number).\(started.seconds).\(isOver ? "ended" : "running")"),
      time: ended ?? started, body: json.bytes)
  }

  /// Returns the deliveries of the stages of a build that began.
  ///
  /// - Parameter run: the answer of the plugin Pipeline: REST API.
  static func stages(
    _ run: PayloadObject, of job: String, _ number: Int64, started: Timestamp, at server: String
  ) -> [ImportedDelivery] {
    run.objects("stages").enumerated().compactMap { index, stage in
      let status = stage.text("status") ?? ""
      guard let name = stage.text("name"), let start = stage.time("startTimeMillis"), status != "NOT_EXECUTED" else { return nil }
      let isOver = !["IN_PROGRESS", "PAUSED_PENDING_INPUT"].contains(status)
      let end = isOver ? start.moved(byStated: Double(max(0, stage.int("durationMillis") ?? 0)) / 1000) : nil
      var json = JSONWriter(capacity: 300)
      json.object { json in
        json.members([
          JSONPair("buildUrl", .text("\(server)\(JenkinsServer.path(of: job))/\(number)/")),
          JSONPair("buildStepType", .text(name)),
          JSONPair("buildStepId", .text(stage.identifier() ?? "\(index)")), JSONPair("startTime", .number(milliseconds(start))),
          JSONPair("endTime", .number(end.map(milliseconds) ?? 0)),
        ])
      }
      return ImportedDelivery(
        source: "jenkins", id: ("stage", hash(job), "\(number).\(started.seconds).\(index).\(isOver ? "ended" : "running")"),
        time: end ?? start, body: json.bytes)
    }
  }

  private static func milliseconds(_ time: Timestamp) -> Int64 { time.nanoseconds / 1_000_000 }

  private static let remotes = "refs/remotes/"

  /// Returns the checkout. Of several, such as those of shared libraries, the last one is the project's.
  private static func scm(_ actions: [PayloadObject]) -> JSONMember? {
    guard let action = actions.last(where: { $0.object("lastBuiltRevision") != nil }),
      let revision = action.object("lastBuiltRevision")
    else { return nil }
    var branch = revision.objects("branch").first?.text("name")
    if let name = branch, name.hasPrefix(remotes) { branch = String(name.dropFirst(remotes.count)) }
    return .object([
      JSONPair("url", .text(action.texts("remoteUrls")?.first)), JSONPair("commit", .text(revision.text("SHA1"))),
      JSONPair("branch", .text(branch)),
    ])
  }

  /// FNV-1a, because the name of a job can be longer than an id.
  private static func hash(_ text: String) -> String {
    let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return String(hash, radix: 16)
  }
}
